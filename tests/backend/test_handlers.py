"""The proxy's requests answered: results for RPCs, Centrifugo's own codes for channels."""

import dataclasses
import logging
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend import AccessConfig, Backend, BackendConfig, Pace, RateLimits
from cadenza.backend.access import Gate
from cadenza.backend.handlers import Handlers
from cadenza.backend.levels import RaisedLevels
from cadenza.backend.rates import Limits, MemoryCounts
from cadenza.backend.revocation import Revocations
from cadenza.backend.router import Router
from cadenza.protocol.proxy import Peer, RpcRequest, SubscribeRequest
from cadenza.schema.methods import METHODS


async def error_code(subscribe: Any, channel: str, user: str = "ann") -> int | None:
    response = await subscribe(channel, user=user)
    assert response.disconnect is None
    assert (response.error is None) != (response.result is None)
    return None if response.error is None else response.error.code


@pytest.mark.parametrize(
    "channel",
    [
        "market:orderbook:PAPER:BTC/USDT",
        "market:ticker:PAPER:BTC/USDT",
        "market:ticker:PAPER",
        "market:kline:PAPER:BTC/USDT:1m",
        "market:trade:PAPER:BTC/USDT",
        "market:instrument:PAPER",
    ],
)
async def test_any_user_may_join_market_channels_and_an_anonymous_connection_none(subscribe: Any, channel: str) -> None:
    assert await error_code(subscribe, channel) is None
    assert await error_code(subscribe, channel, user="") == 103


async def test_account_channels_are_denied_to_all_while_there_are_no_accounts(subscribe: Any) -> None:
    for user in ("", "ann", "1b4e28ba-2fa1-41d2-883f-0016d3cca427"):
        assert await error_code(subscribe, "tradingAccount:1b4e28ba-2fa1-41d2-883f-0016d3cca427", user=user) == 103


@pytest.mark.parametrize(
    "channel",
    [
        "",
        "market",
        "market:",
        "market:orderBook:PAPER:BTC/USDT",
        "market:orderbook:paper:BTC/USDT",
        "market:orderbook:PAPER:btc/usdt",
        "market:orderbook:PAPER:BTC/USDT ",
        "market:orderbook:PAPER:BTC/USDT:1m",
        "market:orderbook:PAPER",
        "market:orderbook:BINANCE:BTC/USDT",
        "market:orderbook:PAPER:NO/PE",
        "market:ticker:OKX",
        "market:instrument:OKX",
        "market:kline:PAPER:BTC/USDT:1D",
        "market:kline:PAPER:BTC/USDT",
        "market:trade:PAPER:BTC/USDT\n",
        "Market:ticker:PAPER",
        "tradingAccount:acc-123",
        "trading:userData:1",
        "session:1",
        "#42",
        "$market:ticker:PAPER",
    ],
)
async def test_any_other_spelling_is_an_unknown_channel_to_whoever_asks(subscribe: Any, channel: str) -> None:
    assert await error_code(subscribe, channel) == 102


@given(channel=st.text(max_size=60))
async def test_no_channel_name_can_make_it_fail(channel: str) -> None:
    class Nothing:
        def exists(self, channel: object) -> bool:
            return channel is None

    gate, limits = Gate(AccessConfig()), Limits(RateLimits.off(), MemoryCounts(monotonic=float))
    router = Router(METHODS, gate, limits, new_request_id=lambda: "r")
    nobody: Any = None
    revocations = Revocations(nobody, monotonic=float, token_lifetime_seconds=1)
    handlers = Handlers(router, Nothing(), RaisedLevels(clock=float), gate, limits=limits, revocations=revocations)  # type: ignore[arg-type]  # joins nothing
    response = await handlers.subscribe(SubscribeRequest(client="c", user="ann", channel=channel), Peer())
    assert response.error is not None
    assert response.error.code in {102, 103}


async def test_too_many_joins_are_centrifugos_own_temporary_error_111(
    config: BackendConfig, outside: dict[str, Any], time: Any
) -> None:
    limits = RateLimits(changed={"joins": Pace(per_second=1, burst=2)})
    backend = Backend(dataclasses.replace(config, limits=limits), **outside, clock=time, monotonic=time)
    meta = msgspec.Raw(b'{"session_id":"s1"}')

    async def code(channel: str, user: str = "ann") -> tuple[int, bool] | None:
        request = SubscribeRequest(client="c", user=user, channel=channel, meta=meta)
        error = (await backend.handlers.subscribe(request, Peer())).error
        return None if error is None else (error.code, error.temporary)

    assert await code("market:ticker:PAPER") is None
    assert await code("no:such:channel") == (102, False)
    assert await code("market:ticker:PAPER") == (111, True)
    assert await code("no:such:channel") == (111, True)
    assert await code("market:ticker:PAPER", user="bob") is None
    time.now += 1
    assert await code("market:ticker:PAPER") is None


async def test_a_venue_that_fails_is_a_temporary_error_and_says_nothing_more(
    backend: Any, subscribe: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(symbol: str, depth: int | None = None) -> object:
        raise RuntimeError("a secret of the venue")

    monkeypatch.setattr(backend.venues[0], "order_book", broken)
    with caplog.at_level(logging.ERROR):
        response = await subscribe("market:orderbook:PAPER:BTC/USDT")
    assert (response.error.code, response.error.temporary) == (100, True)
    assert "secret" not in response.error.message
    assert len(caplog.records) == 1


async def test_refusals_of_an_rpc_are_results_in_the_contracts_envelope(rpc: Any) -> None:
    assert (await rpc("no.such.method"))["error"]["code"] == 19003
    assert (await rpc("query.venue.list", user=""))["error"]["code"] == 26001


def test_an_rpc_that_never_waits_is_answered_in_one_step(backend: Any) -> None:
    request = RpcRequest(client="c", user="", method="query.system.info", data=msgspec.Raw(b"{}"))
    with pytest.raises(StopIteration) as done:
        backend.handlers.rpc(request, Peer()).send(None)
    assert bytes(done.value.value.result.data).startswith(b'{"data":{"name":"Cadenza"')
