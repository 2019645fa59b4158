"""Order books, tickers and bars as they are now: ``query.orderbook.*``, ``query.ticker.list``, ``query.kline.list``.

Above: ``backend.router``. Below: ``selection``, ``ports``, schema.
"""

from cadenza.backend.ports import Caller
from cadenza.backend.services.selection import Instruments
from cadenza.errors import RpcError
from cadenza.schema.codes import Code
from cadenza.schema.market import (
    GetOrderBookParams,
    Kline,
    ListKlinesParams,
    ListOrderBooksParams,
    ListTickersParams,
    OrderBook,
    Ticker,
)
from cadenza.schema.scalars import KlineInterval

__all__ = ["MarketService"]

#: The contract's REST twin bounds the depth; RPC only states the default.
_DEEPEST = 1000
#: ``query.kline.list`` has neither a range nor a limit.
_CANDLES = 200


class MarketService:
    """Serves the market data methods."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    async def order_book(self, params: GetOrderBookParams, caller: Caller) -> OrderBook:  # noqa: ARG002 - a service method's shape
        """One book, as a SNAPSHOT of its best levels."""
        if params.instrument_id is None:
            raise RpcError("instrumentId is needed.", code=Code.INVALID_ARGUMENT, field="instrumentId")
        _check_depth(params.depth)
        venue, symbol = self._instruments.get(params.instrument_id, field="instrumentId")
        return (await venue.order_book(symbol, params.depth)).book

    async def order_books(self, params: ListOrderBooksParams, caller: Caller) -> list[OrderBook]:  # noqa: ARG002 - a service method's shape
        """Books that pass all filters, each as a SNAPSHOT of its best levels."""
        _check_depth(params.depth)
        selected = self._instruments.select(
            instrument_ids=params.instrument_ids, venue=params.venue, symbols=params.symbols
        )
        return [(await venue.order_book(symbol, params.depth)).book for venue, symbol in selected]

    async def tickers(self, params: ListTickersParams, caller: Caller) -> list[Ticker]:  # noqa: ARG002 - a service method's shape
        """Tickers that pass all filters."""
        selected = self._instruments.select(
            instrument_ids=params.instrument_ids, venue=params.venue, symbols=params.symbols
        )
        return [await venue.ticker(symbol) for venue, symbol in selected]

    async def klines(self, params: ListKlinesParams, caller: Caller) -> list[Kline]:  # noqa: ARG002 - a service method's shape
        """The last 200 candles of each instrument that passes all filters; one-minute ones unless told otherwise."""
        selected = self._instruments.select(
            instrument_ids=params.instrument_ids, venue=params.venue, symbols=params.symbols
        )
        interval = params.interval or KlineInterval.MINUTE_1
        return [await venue.klines(symbol, interval, _CANDLES) for venue, symbol in selected]


def _check_depth(depth: int) -> None:
    if not 1 <= depth <= _DEEPEST:
        raise RpcError(f"depth must be 1 to {_DEEPEST}.", code=Code.INVALID_ARGUMENT, field="depth")
