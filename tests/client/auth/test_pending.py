"""Sign-ins that wait: one test class for every place they wait in (rows E9, G2)."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cadenza.client.auth.pending import MOST_FLOWS, FlowKind, MemoryPendingFlows, PendingFlow, PendingFlows
from cadenza.client.auth.pending_files import FilePendingFlows
from cadenza.errors import SessionStoreError

NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def flow(letter: str = "a", *, started_at: float = NOW, lives: float = 600.0) -> PendingFlow:
    return PendingFlow(
        state=letter * 32,
        kind=FlowKind.MAGIC_LINK,
        verifier=f"verifier-{letter}-" + "v" * 43,
        redirect_to=f"http://127.0.0.1:53682/callback?state={letter * 32}",
        started_at=started_at,
        expires_at=started_at + lives,
        ws_url="ws://127.0.0.1:8000/connection/websocket",
        supabase_url="http://127.0.0.1:54321",
        over_websocket=False,
        email="ann@example.com",
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


def files(folder: Path) -> int:
    return len(list(folder.iterdir()))


class TestEveryPlace:
    @pytest.fixture(params=["memory", "file"])
    def flows(self, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> PendingFlows:
        makers: dict[str, Callable[[], PendingFlows]] = {
            "memory": lambda: MemoryPendingFlows(clock),
            "file": lambda: FilePendingFlows(tmp_path / "sign-ins", clock),
        }
        return makers[request.param]()

    async def test_a_flow_is_taken_once(self, flows: PendingFlows) -> None:
        await flows.save(flow())
        assert await flows.take("a" * 32) == flow()
        assert await flows.take("a" * 32) is None

    async def test_of_many_that_take_at_once_one_gets_it(self, flows: PendingFlows) -> None:
        await flows.save(flow())
        taken = await asyncio.gather(*(flows.take("a" * 32) for _ in range(10)))
        assert [each for each in taken if each is not None] == [flow()]

    async def test_two_flows_do_not_overwrite_each_other(self, flows: PendingFlows) -> None:
        await flows.save(flow("a"))
        await flows.save(flow("b", started_at=NOW + 1))
        assert [each.state[0] for each in await flows.waiting()] == ["a", "b"]
        first, second = await flows.take("a" * 32), await flows.take("b" * 32)
        assert first is not None
        assert second is not None
        assert first.verifier != second.verifier

    async def test_a_flow_ends_at_its_time(self, flows: PendingFlows, clock: Clock) -> None:
        await flows.save(flow("a", lives=10))
        await flows.save(flow("b", lives=20))
        clock.now += 10
        assert [each.state[0] for each in await flows.waiting()] == ["b"]
        assert await flows.take("a" * 32) is None
        clock.now += 10
        assert await flows.take("b" * 32) is None

    async def test_a_place_holds_so_many_and_the_oldest_goes(self, flows: PendingFlows) -> None:
        for number in range(MOST_FLOWS + 3):
            await flows.save(msgspec.structs.replace(flow(started_at=NOW + number), state=f"{number:032d}"))
        states = [each.state for each in await flows.waiting()]
        assert (len(states), states[0]) == (MOST_FLOWS, f"{3:032d}")

    async def test_what_was_never_there_is_not_taken(self, flows: PendingFlows) -> None:
        for state in ("", "../../etc/passwd", "x" * 5000, "\0"):
            assert await flows.take(state) is None
        assert await flows.waiting() == ()


async def test_a_flow_survives_the_process_and_only_its_owner_can_read_it(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "data" / "sign-ins"
    await FilePendingFlows(folder, clock).save(flow())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "a" * 32 not in file.name
    assert await FilePendingFlows(folder, clock).take("a" * 32) == flow()
    assert not list(folder.iterdir())


async def test_expired_and_damaged_files_are_cleared_away(tmp_path: Path, clock: Clock) -> None:
    flows = FilePendingFlows(tmp_path, clock)
    await flows.save(flow(lives=1))
    (tmp_path / "damaged.json").write_text('{"state": ')
    clock.now += 2
    await flows.save(flow("b"))
    assert [each.state[0] for each in await flows.waiting()] == ["b"]
    assert files(tmp_path) == 1


async def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "elsewhere").write_bytes(msgspec.json.encode(flow()))
    folder = tmp_path / "sign-ins"
    folder.mkdir()
    (folder / "a.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SessionStoreError):
        await FilePendingFlows(folder, clock).waiting()


def test_a_flow_shows_no_secret() -> None:
    shown = repr(flow()) + str(flow())
    for secret in ("verifier", "a" * 32, "ann@example.com"):
        assert secret not in shown
