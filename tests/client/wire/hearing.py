"""The adapter of centrifuge-python on a gateway, and somebody who writes down what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cadenza.client._centrifuge import CentrifugeConnection
from cadenza.client.ports import Cause, Subscribed
from cadenza.errors import (
    CadenzaError,
)

if TYPE_CHECKING:
    from tests.client.wire.conftest import World


class Heard:
    """Writes down what the connection tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.drops: asyncio.Queue[Cause] = asyncio.Queue()
        self.failures: asyncio.Queue[tuple[CadenzaError, float | None]] = asyncio.Queue()

    def dropped(self, cause: Cause) -> None:
        self.drops.put_nowait(cause)

    def failed(self, error: CadenzaError, retry_in_seconds: float | None) -> None:
        self.failures.put_nowait((error, retry_in_seconds))


class Sink:
    """Takes a channel's messages; raises when a test wants it to."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Subscribed] = asyncio.Queue()
        self.publications: asyncio.Queue[tuple[object, int, Mapping[str, str]]] = asyncio.Queue()
        self.ends: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.poison: object = None

    def subscribed(self, answer: Subscribed) -> None:
        self.answers.put_nowait(answer)

    def publication(self, data: object, offset: int, tags: Mapping[str, str]) -> None:
        if self.poison is not None and data == self.poison:
            raise RuntimeError("a bug in the sink")
        self.publications.put_nowait((data, offset, tags))

    def unsubscribed(self, code: int, reason: str) -> None:
        self.ends.put_nowait((code, reason))


class Rig:
    def __init__(self, world: World) -> None:
        self.world = world
        self.heard = Heard()
        self.renewals: list[str] = []
        self.newer: Callable[[], str] = world.token
        self.connection = self.connect_to(world.url)

    def connect_to(self, url: str, *, anonymous: bool = False) -> CentrifugeConnection:
        return CentrifugeConnection(
            url, listener=self.heard, renewal=None if anonymous else self._renew, timeout_seconds=5
        )

    async def _renew(self, refused: str) -> str:
        self.renewals.append(refused)
        return self.newer()
