"""One connection for one identity, with what runs over it: the reconnect loop, calls, subscriptions.

Above: ``_client`` keeps at most two (a user's and an anonymous one). Below: ``supervisor``, ``subscriptions``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cadenza.client.connection import ErrorOccurred, LifecycleEvent
from cadenza.client.ports import Connection, Opened
from cadenza.client.subscriptions import Subscriptions, Watch
from cadenza.client.supervisor import ConnectionMaker, Supervisor, TokenSource
from cadenza.client.timing import Timing
from cadenza.errors import CadenzaError


class Link:
    """A supervised connection.

    Args:
        make: Makes the connection.
        tokens: Where tokens come from; None for an anonymous connection.
        report: Takes each lifecycle event. Must not wait and must not raise.
        timing: Clocks, sleep, chance.
        deadline_seconds: How long a subscription waits for the connection.
    """

    def __init__(
        self,
        *,
        make: ConnectionMaker,
        tokens: TokenSource | None,
        report: Callable[[LifecycleEvent], None],
        timing: Timing,
        deadline_seconds: float,
    ) -> None:
        self._tokens = tokens
        self._report = report
        self._deadline = deadline_seconds
        self._supervisor = Supervisor(make=make, tokens=tokens, report=report, stopped=self._stopped, timing=timing)
        self._subscriptions = Subscriptions(self._supervisor.connection, report=self._report_error, timing=timing)

    @property
    def connection(self) -> Connection:
        """The connection, open or not."""
        return self._supervisor.connection

    @property
    def opened(self) -> Opened | None:
        """What the gateway said on letting us in; None while there is no connection."""
        return self._supervisor.opened

    @property
    def final_error(self) -> CadenzaError | None:
        """Why only the caller can go on, if that is so."""
        return self._supervisor.final_error

    async def ready(self, deadline_seconds: float) -> Opened:
        """Wait until it is open. Raises why it cannot be, or ``DeadlineExceededError``."""
        return await self._supervisor.ready(deadline_seconds)

    async def renew(self) -> bool:
        """Have the session refreshed because the gateway calls its token expired. Whether there is a newer one."""
        if self._tokens is None:
            return False
        before = await self._tokens.access_token()
        return await self._tokens.renewed(before) != before

    async def join(self, watch: Watch[Any]) -> None:
        """Let a reader in, once the connection is open."""
        await self._supervisor.ready(self._deadline)
        await self._subscriptions.join(watch)

    async def leave(self, watch: Watch[Any]) -> None:
        """Let a reader go."""
        await self._subscriptions.leave(watch)

    async def close(self, error: CadenzaError) -> None:
        """Close it. Readers and callers see ``error``."""
        self._subscriptions.end(error)
        await self._subscriptions.close()
        await self._supervisor.close()

    def _stopped(self, error: CadenzaError) -> None:
        self._subscriptions.end(error)

    def _report_error(self, error: CadenzaError) -> None:
        self._report(ErrorOccurred(code=error.code or 0, error=error))
