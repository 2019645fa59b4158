"""``api.system``: who answers, and is it well. Needs no sign-in.

Above: the user. Below: ``ports``.
"""

from __future__ import annotations

from cadenza.client.resources.ports import Api
from cadenza.schema import methods
from cadenza.schema.system import HealthCheck, NoParams, SystemInfo


class SystemResource:
    """The backend itself."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def info(self, *, deadline_seconds: float | None = None) -> SystemInfo:
        """Which program answers (``query.system.info``)."""
        return await self._api.call(methods.QUERY_SYSTEM_INFO, NoParams(), deadline_seconds=deadline_seconds)

    async def check(self, *, deadline_seconds: float | None = None) -> HealthCheck:
        """Whether it is well (``query.system.check``)."""
        return await self._api.call(methods.QUERY_SYSTEM_CHECK, NoParams(), deadline_seconds=deadline_seconds)
