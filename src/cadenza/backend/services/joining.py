"""What a new subscriber of a channel starts with, given in the subscribe reply's ``data``.

Above: ``backend.handlers``. Below: ``selection``, ``ports``, schema.

=====================================  =========================================================
``market:orderbook:{venue}:{symbol}``  ``{seq, book}``: the whole book, to which the DIFFs after ``seq`` apply
``market:ticker:{venue}:{symbol}``     the ticker as last published
``market:kline:{...}:{interval}``      the bar that forms, as a Kline of one candle
all others                             nothing
=====================================  =========================================================
"""

from cadenza.backend.ports import MarketVenue
from cadenza.backend.services.selection import Instruments
from cadenza.schema.channels import KLINE, ORDERBOOK, TICKER, ParsedChannel
from cadenza.schema.market import Kline, OrderBookSnapshot, Ticker
from cadenza.schema.scalars import KlineInterval

__all__ = ["JoiningService"]


class JoiningService:
    """Knows the market channels that there are."""

    def __init__(self, instruments: Instruments) -> None:
        self._venues = {str(venue.name): venue for venue in instruments.venues}

    def exists(self, channel: ParsedChannel) -> bool:
        """Whether a venue publishes on this channel."""
        venue = self._venues.get(channel.params.get("venue", ""))
        if venue is None:
            return False
        symbol = channel.params.get("symbol")
        return symbol is None or symbol in venue.instruments()

    async def first(self, channel: ParsedChannel) -> OrderBookSnapshot | Ticker | Kline | None:
        """The state on a channel that exists, or None where there is none to give."""
        venue = self._venues[channel.params["venue"]]
        return await self._first(venue, channel)

    async def _first(self, venue: MarketVenue, channel: ParsedChannel) -> OrderBookSnapshot | Ticker | Kline | None:
        pattern, params = channel.pattern, channel.params
        if pattern is ORDERBOOK:
            return await venue.order_book(params["symbol"])
        if pattern is TICKER:
            return await venue.ticker(params["symbol"])
        if pattern is KLINE:
            return await venue.klines(params["symbol"], KlineInterval(params["interval"]), 1)
        return None
