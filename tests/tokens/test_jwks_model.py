"""The remote key set against a log of what the provider answered: any order of rotations, outages and time.

What is checked after each question needs no knowledge of how the key set works, only of what it promises.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tokens.kit import DEADLINE, Clock, Provider, key_for, remote

from cadenza.errors import KeysUnavailableError, TokenInvalidError
from cadenza.tokens.jwks import FetchedKeys, RemoteKeySet

KIDS = ["key-0", "key-1", "key-2"]
LIFETIME, STALE, COOLDOWN = 600, 3600, 30

questions = st.tuples(st.just("find"), st.sampled_from([*KIDS, "random"]))
steps = st.one_of(
    questions,
    questions,
    st.tuples(st.just("wait"), st.sampled_from([0.25, 1.0, 5.0, 29.75, 30.0, 100.0, 600.0, 3600.0])),
    st.tuples(st.just("publish"), st.sets(st.sampled_from(KIDS)).map(sorted)),
    st.tuples(st.sampled_from(["up", "down", "broken"]), st.none()),
    st.tuples(st.just("crowd"), st.sampled_from(KIDS)),
)


@dataclass
class Answer:
    """One fetch: when it was asked, and the ids it brought; ``None`` when it failed."""

    at: float
    kids: list[str] | None


@dataclass
class World:
    clock: Clock = field(default_factory=Clock)
    log: list[Answer] = field(default_factory=list)
    provider: Provider = field(default_factory=lambda: Provider(key_for(kid="key-0")))

    async def fetch(self) -> FetchedKeys:
        good = self.provider.error is None and self.provider.body is None
        self.log.append(Answer(self.clock(), [key.kid for key in self.provider.keys] if good else None))
        return await self.provider()

    def latest_good(self) -> Answer | None:
        return next((answer for answer in reversed(self.log) if answer.kids is not None), None)


def check_found(world: World, kid: str) -> None:
    good = world.latest_good()
    assert good is not None
    assert good.kids is not None
    assert kid in good.kids, "a key that is not in the latest set was used"
    bound = LIFETIME if world.log[-1] is good else LIFETIME + STALE
    assert world.clock() - good.at < bound, "a key was used beyond its time"


def check_refused(world: World, kid: str) -> None:
    last = world.log[-1]
    assert last.kids is not None, "a token was called bad while the provider was down"
    assert kid not in last.kids
    assert world.clock() - last.at < COOLDOWN, "a token was called bad on old knowledge"


async def ask(world: World, keys: RemoteKeySet, kid: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE):
            key = await keys.find(kid)
    except TokenInvalidError:
        check_refused(world, kid)
    except KeysUnavailableError:
        assert world.log[-1].kids is None, "the provider answered, and that was not used"
    else:
        assert key.kid == kid
        check_found(world, kid)


def check_believed(world: World, keys: RemoteKeySet) -> None:
    known, since, until = keys.believed
    if not since <= world.clock() < until:
        return
    for kid in known:
        check_found(world, kid)


async def play(world: World, script: list[tuple[str, object]]) -> None:
    keys = remote(world.provider, world.clock)
    keys._fetch = world.fetch
    for action, value in script:
        match action, value:
            case "find", str(kid):
                await ask(world, keys, kid)
            case "crowd", str(kid):
                before = len(world.log)
                await asyncio.gather(*(ask(world, keys, kid) for _ in range(10)))
                assert len(world.log) - before <= 1, "concurrent callers did not share a fetch"
            case "wait", float(seconds):
                world.clock.advance(seconds)
            case "publish", list(kids):
                world.provider.keys = [key_for(kid=kid) for kid in kids]
            case "down", _:
                world.provider.go_down()
            case "broken", _:
                world.provider.come_up()
                world.provider.body = b"<html>busy</html>"
            case "up", _:
                world.provider.come_up()
                world.provider.body = None
        for _ in range(5):
            await asyncio.sleep(0)  # a fetch in the background comes to its end
        check_believed(world, keys)
    await keys.aclose()


@settings(deadline=None, max_examples=400)
@given(st.lists(steps, max_size=40))
def test_the_key_set_keeps_its_promises_in_any_order_of_events(script: list[tuple[str, object]]) -> None:
    """Rows A1, A2, A3, F1 and F2 at once."""
    world = World()
    asyncio.run(play(world, script))
    asked = [answer.at for answer in world.log]
    for first, third in zip(asked, asked[2:], strict=False):
        assert third - first >= 1, "the provider was asked three times in a second"
