"""Books, tickers and bars over RPC: what the venue has, selected as asked, errors by field."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cadenza.schema import methods
from cadenza.schema.scalars import KlineInterval

SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ADA/USDT"]
LISTS = ["query.orderbook.list", "query.ticker.list", "query.kline.list"]


async def data(rpc: Any, method: str, params: object = None) -> Any:
    answer = await rpc(method, params)
    assert list(answer) == ["data"]
    # What a client reads it as: strictly the contract's type.
    assert msgspec.convert(answer["data"], methods.METHODS[method].data) is not None
    return answer["data"]


async def refused(rpc: Any, method: str, params: object) -> tuple[int, str | None]:
    answer = await rpc(method, params)
    assert list(answer) == ["error"]
    return answer["error"]["code"], answer["error"].get("field")


@pytest.mark.parametrize("method", LISTS)
@pytest.mark.parametrize(
    ("params", "symbols"),
    [
        ({}, SYMBOLS),
        ({"venue": "PAPER"}, SYMBOLS),
        ({"venue": "OKX"}, []),
        ({"symbols": ["ETH/USDT"]}, ["ETH/USDT"]),
        ({"venue": "PAPER", "symbols": ["ADA/USDT", "BTC/USDT"]}, ["BTC/USDT", "ADA/USDT"]),
        ({"instrumentIds": ["PAPER:SOL/USDT", "PAPER:BTC/USDT"]}, ["SOL/USDT", "BTC/USDT"]),
        ({"instrumentIds": ["PAPER:SOL/USDT", "PAPER:SOL/USDT"]}, ["SOL/USDT"]),
        ({"instrumentIds": ["PAPER:SOL/USDT", "PAPER:BTC/USDT"], "symbols": ["BTC/USDT"]}, ["BTC/USDT"]),
        ({"instrumentIds": ["PAPER:SOL/USDT"], "venue": "OKX"}, []),
        ({"instrumentIds": []}, []),
    ],
)
async def test_market_data_is_selected_by_ids_venue_and_symbols(
    rpc: Any, method: str, params: object, symbols: list[str]
) -> None:
    assert [entry["symbol"] for entry in await data(rpc, method, params)] == symbols


@pytest.mark.parametrize("method", LISTS)
@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"instrumentIds": ["PAPER:BTC/USDT", "PAPER:NO/PE"]}, "instrumentIds"),
        ({"instrumentIds": ["BINANCE:BTC/USDT"]}, "instrumentIds"),
        ({"instrumentIds": ["BTC/USDT"]}, "instrumentIds"),
        ({"instrumentIds": [""]}, "instrumentIds"),
        ({"symbols": ["NO/PE"]}, "symbols"),
        ({"venue": "PAPER", "symbols": ["btc/usdt"]}, "symbols"),
    ],
)
async def test_an_instrument_nobody_has_is_18017_by_field(rpc: Any, method: str, params: object, field: str) -> None:
    assert await refused(rpc, method, params) == (18017, field)


async def test_a_book_is_a_snapshot_of_the_best_ten_levels_unless_told_otherwise(rpc: Any, backend: Any) -> None:
    book = await data(rpc, "query.orderbook.get", {"instrumentId": "PAPER:BTC/USDT"})
    whole = (await backend.venues[0].order_book("BTC/USDT")).book
    assert book["updateType"] == "SNAPSHOT"
    assert [tuple(row) for row in book["bids"]] == list(whole.bids[:10])
    assert [tuple(row) for row in book["asks"]] == list(whole.asks[:10])
    deep = await data(rpc, "query.orderbook.get", {"instrumentId": "PAPER:BTC/USDT", "depth": 1000})
    assert len(deep["bids"]) == len(whole.bids)
    [listed] = await data(rpc, "query.orderbook.list", {"symbols": ["BTC/USDT"], "depth": 3})
    assert listed["asks"] == book["asks"][:3]
    bids = [Decimal(price) for price, _ in deep["bids"]]
    assert bids == sorted(bids, reverse=True)


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({}, (22015, "instrumentId")),
        ({"instrumentId": "PAPER:NO/PE"}, (18017, "instrumentId")),
        ({"instrumentId": "paper:BTC/USDT"}, (18017, "instrumentId")),
        ({"instrumentId": "PAPER:BTC/USDT", "depth": 0}, (22015, "depth")),
        ({"instrumentId": "PAPER:BTC/USDT", "depth": 1001}, (22015, "depth")),
        ({"instrumentId": "PAPER:BTC/USDT", "depth": "10"}, (22015, "depth")),
        ({"instrumentId": 5}, (22015, "instrumentId")),
    ],
)
async def test_a_book_that_cannot_be_had_says_why(rpc: Any, params: object, refusal: tuple[int, str]) -> None:
    assert await refused(rpc, "query.orderbook.get", params) == refusal


async def test_an_error_quotes_little_of_what_was_asked(rpc: Any) -> None:
    answer = await rpc("query.orderbook.get", {"instrumentId": "x" * 10_000})
    assert len(answer["error"]["message"]) < 200


@pytest.mark.parametrize("interval", list(KlineInterval))
async def test_bars_of_every_interval_are_many_and_forming(rpc: Any, interval: KlineInterval) -> None:
    [kline] = await data(rpc, "query.kline.list", {"symbols": ["BTC/USDT"], "interval": interval})
    assert kline["interval"] == interval
    assert kline["isClosed"] is False
    opened = [candle[0] for candle in kline["candles"]]
    assert opened == sorted(set(opened))
    # A month is rarer than the past is long.
    assert len(opened) == 200 or interval in {KlineInterval.WEEK_1, KlineInterval.MONTH_1}
    assert len(opened) > 20


async def test_bars_are_of_one_minute_unless_told_otherwise(rpc: Any) -> None:
    [kline] = await data(rpc, "query.kline.list", {"symbols": ["BTC/USDT"]})
    assert kline["interval"] == "1m"


async def test_an_unknown_interval_is_an_invalid_argument(rpc: Any) -> None:
    assert await refused(rpc, "query.kline.list", {"interval": "1D"}) == (22015, "interval")
    assert await refused(rpc, "query.ticker.list", {"venue": "paper"}) == (22015, "venue")


async def test_a_ticker_moves_with_the_market(rpc: Any, backend: Any, time: Any) -> None:
    before = await data(rpc, "query.ticker.list", {"symbols": ["BTC/USDT"]})
    for _ in range(20):
        time.now += 0.1
        backend.venues[0].step("BTC/USDT")
    after = await data(rpc, "query.ticker.list", {"symbols": ["BTC/USDT"]})
    assert after != before
    assert before[0]["timestamp"] < after[0]["timestamp"] <= int(time.now * 1000)
