"""What the system says of itself: ``query.system.info`` and ``query.system.check``.

Above: ``backend.router``. Below: schema.
"""

from collections.abc import Callable

from cadenza.backend.ports import Caller
from cadenza.schema.scalars import HealthStatus, date_time_text
from cadenza.schema.system import HealthCheck, NoParams, SystemInfo

__all__ = ["SystemService"]


class SystemService:
    """Serves the system methods.

    Args:
        version: Cadenza's.
        healthy: Whether every part works now.
        clock: Seconds since the epoch.
    """

    def __init__(self, *, version: str, healthy: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._version = version
        self._healthy = healthy
        self._clock = clock
        self._info = SystemInfo(
            name="Cadenza",
            version=version,
            description="Typed RPC and live market data over one authenticated WebSocket.",
            documentation="docs/reference/methods.md",
        )

    async def info(self, params: NoParams, caller: Caller) -> SystemInfo:  # noqa: ARG002 - a service method's shape
        """Name, version and where the documentation stands."""
        return self._info

    async def check(self, params: NoParams, caller: Caller) -> HealthCheck:  # noqa: ARG002 - a service method's shape
        """Whether the backend's parts work."""
        return HealthCheck(
            status=HealthStatus.HEALTHY if self._healthy() else HealthStatus.DEGRADED,
            timestamp=date_time_text(self._clock()),
            version=self._version,
        )
