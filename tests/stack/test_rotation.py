"""Key and secret between gateway and backend are replaced under load, in the how-to's order: nothing is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
from tests.stack.neighbours import INFO, Neighbours, shown

from cadenza.stack.draining import StopTimes
from cadenza.stack.external import ExternalBackend, external_settings_from_environment

OLD_KEY, NEW_KEY = "old-key-of-the-server-api", "new-key-of-the-server-api"
OLD_SECRET, NEW_SECRET = "old-secret-between-the-two", "new-secret-between-the-two"
_CALLERS = 8
_PUBLICATIONS = 20


@dataclass
class Load:
    """What a gateway does all the time: it calls the backend it is pointed at, with the secret it has.

    Attributes:
        url: Of the backend.
        secret: The gateway's.
        statuses: How the calls ended.
    """

    url: str
    secret: str
    statuses: list[int] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.TaskGroup() as callers:
            tasks = [callers.create_task(self._call(http)) for _ in range(_CALLERS)]
            yield
            for task in tasks:
                task.cancel()

    async def more(self, calls: int = 50) -> None:
        """Wait for some more calls to be answered."""
        wanted = len(self.statuses) + calls
        async with asyncio.timeout(30):
            while len(self.statuses) < wanted:  # noqa: ASYNC110 - the callers have no event
                await asyncio.sleep(0)

    async def _call(self, http: httpx.AsyncClient) -> None:
        while True:
            answer = await http.post(f"{self.url}/proxy/rpc", json=INFO, headers=shown(self.secret))
            self.statuses.append(answer.status_code)


def backend(around: Neighbours, *, key: str, secret: str, previous: dict[str, str] | None = None) -> ExternalBackend:
    environ = {**around.environment(api_key=key, proxy_secret=secret), **(previous or {})}
    settings = external_settings_from_environment(environ, port=0, book_updates_per_second=0.0)
    # Both gateways' connections stay good while the one before leaves.
    return ExternalBackend(settings, stop_times=StopTimes(leave_seconds=0.1))


async def publish(served: ExternalBackend) -> None:
    for number in range(_PUBLICATIONS):
        await served.publisher.publish("market:ticker:PAPER", b"%d" % number)
    await served.publisher.flush()


async def test_no_call_is_refused_and_no_publication_lost_while_both_are_replaced() -> None:
    around = Neighbours(OLD_KEY)
    previous = {"CADENZA_API_KEY_PREVIOUS": OLD_KEY, "CADENZA_PROXY_SECRET_PREVIOUS": OLD_SECRET}
    async with around.serving(), contextlib.AsyncExitStack() as running:
        before = await running.enter_async_context(backend(around, key=OLD_KEY, secret=OLD_SECRET))
        load = Load(before.url, OLD_SECRET)
        async with load.running():
            await publish(before)
            await load.more()

            # 1. Backends that know both; the one before leaves in order.
            between = await running.enter_async_context(
                backend(around, key=NEW_KEY, secret=NEW_SECRET, previous=previous)
            )
            load.url = between.url
            await before.drain()
            await publish(between)
            await load.more()

            # 2. The gateway has the new ones.
            around.api_keys = {NEW_KEY}
            load.secret = NEW_SECRET
            await publish(between)
            await load.more()

            # 3. Backends that know only the new ones.
            after = await running.enter_async_context(backend(around, key=NEW_KEY, secret=NEW_SECRET))
            load.url = after.url
            await between.drain()
            await publish(after)
            await load.more()
            assert between.publisher.failed == before.publisher.failed == after.publisher.failed == 0
    assert set(load.statuses) == {200}
    assert [publication["data"] for publication in around.publications] == list(range(_PUBLICATIONS)) * 4
    assert around.refused == 2
