"""Instruments over RPC: in the venue's order, filtered and paged as asked."""

from typing import Any

import msgspec
import pytest

from cadenza.schema.instruments import Instrument

SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ADA/USDT"]


async def listed_with(rpc: Any, params: object) -> Any:
    answer = await rpc("query.instrument.list", params)
    msgspec.convert(answer["data"], list[Instrument])
    return answer["data"]


async def test_instruments_come_in_the_venues_order(rpc: Any) -> None:
    listed = await listed_with(rpc, None)
    assert [instrument["instrumentId"] for instrument in listed] == [f"PAPER:{symbol}" for symbol in SYMBOLS]
    assert (
        listed[0]
        | {
            "symbol": "BTC/USDT",
            "venue": "PAPER",
            "instrumentType": "SPOT",
            "status": "ACTIVE",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "pipSize": "0.1",
            "lotSize": "0.00001",
        }
        == listed[0]
    )


@pytest.mark.parametrize(
    ("params", "symbols"),
    [
        ({"venue": "PAPER"}, SYMBOLS),
        ({"venue": "BINANCE"}, []),
        ({"symbols": ["SOL/USDT", "BTC/USDT"]}, ["BTC/USDT", "SOL/USDT"]),
        ({"symbols": []}, []),
        ({"securityType": "CRYPTO"}, SYMBOLS),
        ({"securityType": "STOCK"}, []),
        ({"instrumentStatus": "ACTIVE"}, SYMBOLS),
        ({"instrumentStatus": "DELISTED"}, []),
        ({"limit": 2}, SYMBOLS[:2]),
        ({"limit": 2, "offset": 1}, SYMBOLS[1:3]),
        ({"offset": 100}, []),
    ],
)
async def test_instrument_filters_add_up(rpc: Any, params: object, symbols: list[str]) -> None:
    assert [instrument["symbol"] for instrument in await listed_with(rpc, params)] == symbols


@pytest.mark.parametrize(
    ("params", "field"), [({"limit": 0}, "limit"), ({"limit": 1001}, "limit"), ({"offset": -1}, "offset")]
)
async def test_paging_out_of_bounds_is_an_invalid_argument(rpc: Any, params: object, field: str) -> None:
    answer = await rpc("query.instrument.list", params)
    assert (answer["error"]["code"], answer["error"]["field"]) == (22015, field)
