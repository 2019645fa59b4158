"""What a verb hears of its connection: an unreachable gateway ends it at once, a lost one is only told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cadenza.cli.session import Api
from cadenza.client import Connected, Disconnected, ErrorOccurred, NextStep
from cadenza.errors import GatewayError, TransportError

_REFUSED = ErrorOccurred(
    code=1006,
    error=TransportError("The gateway: disconnect 1006 (ConnectionRefusedError: [Errno 111] Connect call failed)."),
    next_step=NextStep.RECONNECT,
    retry_in_seconds=0.2,
)
_LOST = Disconnected(code=3001, reason="shutdown", next_step=NextStep.RECONNECT, retry_in_seconds=0.2)


@pytest.fixture
async def api(clean_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("CADENZA_DATA_DIR", str(tmp_path))
    return _api(as_json=False)


def _api(*, as_json: bool) -> Api:
    return Api(as_json=as_json, ws_url="ws://127.0.0.1:9/connection/websocket", supabase_url=None, timeout=10.0)


async def test_work_is_given_up_when_nobody_listens(api: Api) -> None:
    async with api.client:
        work = asyncio.ensure_future(asyncio.Event().wait())
        api.on_error(_REFUSED)
        async with asyncio.timeout(5):
            with pytest.raises(
                TransportError, match=r"ws://127\.0\.0\.1:9/.* cannot be reached: nothing listens there"
            ):
                await api.do(work)
    assert work.cancelled()


async def test_an_error_after_the_first_connection_gives_nothing_up(api: Api) -> None:
    async with api.client:
        api.on_connected(Connected(client="5f"))
        api.on_error(_REFUSED)
        assert await api.do(asyncio.sleep(0, "done")) == "done"


async def test_what_the_gateway_answers_is_left_to_the_work(api: Api) -> None:
    async with api.client:
        api.on_error(ErrorOccurred(code=109, error=GatewayError("token expired", code=109)))
        assert await api.do(asyncio.sleep(0, "done")) == "done"


async def test_the_works_own_error_comes_through(api: Api) -> None:
    async def fails() -> None:
        raise GatewayError("no", code=103)

    async with api.client:
        with pytest.raises(GatewayError):
            await api.do(fails())


async def test_work_is_cancelled_with_its_caller(api: Api) -> None:
    begun = asyncio.Event()
    work = asyncio.ensure_future(_waits(begun))
    caller = asyncio.create_task(api.do(work))
    async with asyncio.timeout(5):
        await begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert work.cancelled()


async def _waits(begun: asyncio.Event) -> None:
    begun.set()
    await asyncio.Event().wait()


async def test_a_lost_connection_is_told_with_what_comes_next(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.on_connected(Connected(client="5f"))
    api.on_disconnected(_LOST)
    api.on_connected(Connected(client="60"))
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "cadenza: Connection lost (shutdown); the SDK reconnects with backoff.",
        "cadenza: Connected again (60).",
    ]


async def test_with_json_it_is_told_in_json(
    clean_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CADENZA_DATA_DIR", str(tmp_path))
    _api(as_json=True).on_disconnected(_LOST)
    assert json.loads(capsys.readouterr().err) == {"event": "disconnected", "code": 3001, "reason": "shutdown"}


async def test_a_final_disconnect_is_not_told_twice(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.on_disconnected(Disconnected(code=3503, reason="force disconnect", next_step=NextStep.STOP))
    assert capsys.readouterr().err == ""
