"""A reconnect loop with a fake connection, time moved by hand, and tokens that fail as a test lines up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cadenza.client.connection import LifecycleEvent
from cadenza.client.ports import ConnectionListener, TokenRenewal
from cadenza.client.supervisor import Supervisor
from cadenza.errors import (
    CadenzaError,
    SignInRequiredError,
)

if TYPE_CHECKING:
    from tests.client.conftest import FakeConnection, ManualTime


class Tokens:
    """A token source that counts up, and fails as a test lines up."""

    def __init__(self) -> None:
        self.number = 1
        self.renewals: list[str] = []
        self.failures: list[CadenzaError] = []
        self.ended: SignInRequiredError | None = None
        self.clock_offset_seconds: float | None = 130.0

    async def access_token(self) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return f"token-{self.number}"

    async def renewed(self, refused: str) -> str:
        self.renewals.append(refused)
        if self.failures:
            raise self.failures.pop(0)
        if refused == f"token-{self.number}":
            self.number += 1
        return f"token-{self.number}"

    def end(self, error: SignInRequiredError) -> None:
        self.ended = error


class Rig:
    def __init__(self, time: ManualTime, make_connection: type[FakeConnection], tokens: Tokens | None) -> None:
        self.time = time
        self.tokens = tokens
        self.events: list[LifecycleEvent] = []
        self.stopped: list[CadenzaError] = []
        self.connection: FakeConnection

        def make(listener: ConnectionListener, renewal: TokenRenewal | None) -> FakeConnection:
            self.connection = make_connection(listener, renewal)
            return self.connection

        self.supervisor = Supervisor(
            make=make, tokens=tokens, report=self.events.append, stopped=self.stopped.append, timing=time.timing
        )

    def of(self, kind: type[LifecycleEvent]) -> list[LifecycleEvent]:
        return [event for event in self.events if type(event) is kind]

    async def connect(self) -> None:
        async with asyncio.timeout(5):
            await self.supervisor.ready(5)

    async def run(self, seconds: float = 0) -> None:
        await self.time.advance(seconds)
