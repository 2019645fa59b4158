"""Two processes refresh at the same instant, one is killed at any point of a refresh: nobody is signed out (E1)."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cadenza.client import FileSessionStore
from cadenza.client.auth.session import StoredSession

if TYPE_CHECKING:
    from tests.soak.conftest import Ground

POINTS = (
    "before the lock",
    "under the lock",
    "request sent",
    "answered",
    "written, not renamed",
    "renamed",
    "saved",
)


@pytest.mark.timeout(900)
async def test_two_processes_that_refresh_at_the_same_instant_both_stay_signed_in(
    ground: Ground, start: Any, rounds: int
) -> None:
    tokens: list[str] = []
    async with start("racer.py", ground) as one, start("racer.py", ground) as other:
        # Both have read the session before the first round: who comes later than the other's refresh is in no race.
        assert set(await asyncio.gather(one.ask("asked"), other.ask("asked"))) == {"0"}
        for _ in range(rounds):
            first, second = await asyncio.gather(one.ask("refresh"), other.ask("refresh"))
            assert first == second, "one of them has another session than the other"
            tokens.append(first)
        assert [await one.ask("user"), await other.ask("user")] == [ground.user_id, ground.user_id]
        sent = int(await one.ask("asked")) + int(await other.ask("asked"))
    # A provider forgives the parent of the active token: both would live without a lock too, until one is late.
    assert sent == rounds, "both of them refreshed in one round"
    assert len(set(tokens)) == rounds, "a round in which nobody refreshed"


@pytest.mark.timeout(900)
async def test_a_session_survives_a_process_killed_at_any_point_of_a_refresh(
    ground: Ground, start: Any, rounds: int
) -> None:
    chance = random.Random(4)  # noqa: S311 - the same moments each time
    killed: Counter[str] = Counter()
    survived = 0
    async with start("victims.py", ground) as victims:
        for number in range(rounds):
            at_a_point = number % (len(POINTS) + 1) < len(POINTS)
            point = POINTS[number % (len(POINTS) + 1)] if at_a_point else f"after {chance.uniform(1, 120):.0f}"
            ended = int(await victims.ask(point))
            if at_a_point:
                assert ended == -signal.SIGKILL, f"killed {point}"
                killed[point] += 1
            else:
                assert ended in {-signal.SIGALRM, 0}
            async with asyncio.timeout(30), ground.connect() as api:
                await api.auth.refresh()
                survived += (await api.auth.user()).id == ground.user_id
    assert survived == rounds
    assert set(killed) == set(POINTS)
    assert max(killed.values()) - min(killed.values()) <= 1
    stored = msgspec.json.decode((ground.data_dir / "session.json").read_bytes(), type=StoredSession)
    assert stored.session.user_id == ground.user_id
    left = [path.name for path in ground.data_dir.iterdir() if path.name.startswith(".session.json")]
    assert left == [], "a killed writer's tokens lie about"


@pytest.mark.timeout(900)
async def test_a_process_that_hangs_with_the_answer_in_its_hand_is_passed_over_and_does_no_harm_later(
    ground: Ground, start: Any, rounds: int
) -> None:
    """E5: its lock is taken over; E1: what it has in hand is three generations old when it comes back."""
    store = FileSessionStore(ground.data_dir / "session.json", lease_seconds=0.05)
    async with start("victims.py", ground) as victims:
        for _ in range(rounds // 10):
            assert int(await victims.ask("hang")) == -signal.SIGSTOP
            async with asyncio.timeout(30), ground.connect(store) as api:
                for _ in range(2):
                    await api.auth.refresh()
                newest = await api.auth.refresh()
            assert int(await victims.ask("go on")) == 0
            stored = await store.load()
            assert stored is not None
            assert stored.session.refresh_token == newest.refresh_token
            async with asyncio.timeout(30), ground.connect() as api:
                await api.auth.refresh()
                assert (await api.auth.user()).id == ground.user_id
