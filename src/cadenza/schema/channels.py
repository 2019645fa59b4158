"""The channel patterns: names, parameters, payloads, and who may join.

Above: backend (authorises, publishes), client (subscribes). Below: the nouns. Spelling is exact: lower case, known
venues and intervals; anything else is no channel of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cadenza.errors import ValidationError
from cadenza.schema.access import Access
from cadenza.schema.envelope import Event
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker
from cadenza.schema.scalars import KlineInterval, Venue

_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: Centrifugo reserves ``: # $ / * &``; a symbol's own slash stands after the namespace, where it is allowed.
_SYMBOL: Final = r"[A-Z0-9][A-Z0-9._-]{0,31}/[A-Z0-9][A-Z0-9._-]{0,31}"


def _one_of(values: type[Venue | KlineInterval]) -> str:
    return "|".join(re.escape(value.value) for value in values)


_PARTS: Final[Mapping[str, str]] = {
    "accountId": _UUID,
    "venue": _one_of(Venue),
    "symbol": _SYMBOL,
    "interval": _one_of(KlineInterval),
}


@dataclass(frozen=True, slots=True)
class ChannelPattern:
    """One pattern, ``market:ticker:{venue}:{symbol}``; ``payload`` is what a publication's data reads as."""

    pattern: str
    payload: Any
    access: Access
    example: str

    def compile(self) -> re.Pattern[str]:
        """Return the pattern as a regular expression over whole names."""
        parts = re.split(r"\{(\w+)\}", self.pattern)
        text = "".join(
            re.escape(part) if index % 2 == 0 else f"(?P<{part}>{_PARTS[part]})" for index, part in enumerate(parts)
        )
        return re.compile(text)


TRADING_ACCOUNT: Final = ChannelPattern(
    "tradingAccount:{accountId}", Event[Any], Access.OWNER, "tradingAccount:1b4e28ba-2fa1-41d2-883f-0016d3cca427"
)
ORDERBOOK: Final = ChannelPattern(
    "market:orderbook:{venue}:{symbol}", OrderBook, Access.USER, "market:orderbook:PAPER:BTC/USDT"
)
TICKER: Final = ChannelPattern("market:ticker:{venue}:{symbol}", Ticker, Access.USER, "market:ticker:PAPER:BTC/USDT")
VENUE_TICKER: Final = ChannelPattern("market:ticker:{venue}", Ticker, Access.USER, "market:ticker:PAPER")
KLINE: Final = ChannelPattern(
    "market:kline:{venue}:{symbol}:{interval}", Kline, Access.USER, "market:kline:PAPER:BTC/USDT:1m"
)
TRADE: Final = ChannelPattern("market:trade:{venue}:{symbol}", MarketTrade, Access.USER, "market:trade:PAPER:BTC/USDT")
#: Ours: events about instruments and securities of a venue.
INSTRUMENT: Final = ChannelPattern("market:instrument:{venue}", Event[Any], Access.USER, "market:instrument:PAPER")

CHANNELS: Final = (TRADING_ACCOUNT, ORDERBOOK, TICKER, VENUE_TICKER, KLINE, TRADE, INSTRUMENT)
_COMPILED: Final = tuple((channel, channel.compile()) for channel in CHANNELS)


@dataclass(frozen=True, slots=True)
class ParsedChannel:
    """A channel's pattern and the values of its parameters."""

    name: str
    pattern: ChannelPattern
    params: Mapping[str, str]


def parse_channel(name: str) -> ParsedChannel | None:
    """Read a channel's name; None where it is not, to the letter, one of ours."""
    for channel, expression in _COMPILED:
        found = expression.fullmatch(name)
        if found:
            return ParsedChannel(name, channel, found.groupdict())
    return None


def format_channel(pattern: ChannelPattern, **params: str) -> str:
    """Write a channel's name.

    Raises:
        ValidationError: A parameter is missing, unknown or of the wrong form.
    """
    wanted = set(re.findall(r"\{(\w+)\}", pattern.pattern))
    for name in wanted ^ params.keys():
        raise ValidationError(f"The channel {pattern.pattern} takes {sorted(wanted)}.", field=name)
    for name, value in params.items():
        if not re.fullmatch(_PARTS[name], value):
            raise ValidationError(f"{value!r} is no {name} of a channel.", field=name)
    return pattern.pattern.format(**params)


def orderbook_channel(venue: str, symbol: str) -> str:
    """``market:orderbook:PAPER:BTC/USDT``."""
    return format_channel(ORDERBOOK, venue=venue, symbol=symbol)


def ticker_channel(venue: str, symbol: str | None = None) -> str:
    """``market:ticker:PAPER:BTC/USDT``, or every symbol of the venue."""
    if symbol is None:
        return format_channel(VENUE_TICKER, venue=venue)
    return format_channel(TICKER, venue=venue, symbol=symbol)


def kline_channel(venue: str, symbol: str, interval: str) -> str:
    """``market:kline:PAPER:BTC/USDT:1m``."""
    return format_channel(KLINE, venue=venue, symbol=symbol, interval=interval)


def trade_channel(venue: str, symbol: str) -> str:
    """``market:trade:PAPER:BTC/USDT``."""
    return format_channel(TRADE, venue=venue, symbol=symbol)
