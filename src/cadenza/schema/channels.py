"""The channel patterns: names, parameters, payloads, and who may join.

Above: backend (authorises, publishes), client (subscribes), ``export``. Below: ``events``, the nouns. Spelling is
exact: lower case, known venues and intervals; anything else is no channel of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import msgspec

from cadenza.errors import ValidationError
from cadenza.schema.access import Access
from cadenza.schema.envelope import Event
from cadenza.schema.events import decode_event
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker
from cadenza.schema.reading import UNREADABLE, reread_received
from cadenza.schema.scalars import KlineInterval, Message, Venue

__all__ = [
    "CHANNELS",
    "INSTRUMENT",
    "KLINE",
    "ORDERBOOK",
    "TICKER",
    "TRADE",
    "TRADING_ACCOUNT",
    "VENUE_TICKER",
    "ChannelPattern",
    "ParsedChannel",
    "format_channel",
    "instrument_channel",
    "kline_channel",
    "orderbook_channel",
    "parse_channel",
    "ticker_channel",
    "trade_channel",
    "trading_account_channel",
]

#: Centrifugo's own limit (``channel.max_length``).
_LONGEST_NAME: Final = 255


def _one_of(values: type[Venue | KlineInterval]) -> str:
    return "|".join(re.escape(value.value) for value in values)


#: Form of each parameter. An account's id is its one canonical spelling; a symbol is ``{BASE}/{QUOTE}``, of characters
#: that Centrifugo gives no meaning to.
_FORMS: Final[Mapping[str, str]] = {
    "accountId": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "venue": _one_of(Venue),
    "symbol": r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}/[A-Za-z0-9][A-Za-z0-9._-]{0,31}",
    "interval": _one_of(KlineInterval),
}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


class ChannelPattern:
    """One pattern, ``market:ticker:{venue}:{symbol}``.

    Args:
        pattern: The name with its parameters in braces.
        payload: What a publication's data reads as; ``Event`` where ``EVENTS`` says which.
        access: Who may join.
        example: A name of this pattern.
        documented: False for the one that is ours.
    """

    def __init__(
        self, pattern: str, payload: type[Message], access: Access, example: str, *, documented: bool = True
    ) -> None:
        self.pattern = pattern
        self.payload = payload
        self.access = access
        self.example = example
        self.documented = documented
        self.parameters: tuple[str, ...] = tuple(_PARAMETER.findall(pattern))

    def __repr__(self) -> str:
        return f"<ChannelPattern {self.pattern}>"

    def match(self, name: str) -> Mapping[str, str] | None:
        """Return the parameters of a name of this pattern; None where it is not one, to the letter."""
        found = self._expression.fullmatch(name) if len(name) <= _LONGEST_NAME else None
        return found.groupdict() if found else None

    def decode(self, payload: bytes | msgspec.Raw) -> Message:
        """Read a publication's data.

        Raises:
            ProtocolError: It is not this channel's payload; the message names the field.
        """
        if self.payload is Event:
            return decode_event(payload)
        try:
            return self._decoder.decode(payload)
        except UNREADABLE as error:
            return reread_received(error, self._decoder, payload)

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        parts = _PARAMETER.split(self.pattern)  # text, name, text, name, ..., text
        return re.compile(
            "".join(f"(?P<{part}>{_FORMS[part]})" if index % 2 else re.escape(part) for index, part in enumerate(parts))
        )

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Message]:
        return msgspec.json.Decoder(self.payload)


TRADING_ACCOUNT: Final = ChannelPattern(
    "tradingAccount:{accountId}", Event, Access.OWNER, "tradingAccount:1b4e28ba-2fa1-41d2-883f-0016d3cca427"
)
ORDERBOOK: Final = ChannelPattern(
    "market:orderbook:{venue}:{symbol}", OrderBook, Access.USER, "market:orderbook:PAPER:BTC/USDT"
)
TICKER: Final = ChannelPattern("market:ticker:{venue}:{symbol}", Ticker, Access.USER, "market:ticker:PAPER:BTC/USDT")
#: Every symbol of the venue, one ticker a publication.
VENUE_TICKER: Final = ChannelPattern("market:ticker:{venue}", Ticker, Access.USER, "market:ticker:PAPER")
KLINE: Final = ChannelPattern(
    "market:kline:{venue}:{symbol}:{interval}", Kline, Access.USER, "market:kline:PAPER:BTC/USDT:1m"
)
TRADE: Final = ChannelPattern("market:trade:{venue}:{symbol}", MarketTrade, Access.USER, "market:trade:PAPER:BTC/USDT")
#: Ours: events about instruments and securities of a venue.
INSTRUMENT: Final = ChannelPattern(
    "market:instrument:{venue}", Event, Access.USER, "market:instrument:PAPER", documented=False
)

CHANNELS: Final = (TRADING_ACCOUNT, ORDERBOOK, TICKER, VENUE_TICKER, KLINE, TRADE, INSTRUMENT)


class ParsedChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel's name, its pattern and the values of its parameters."""

    name: str
    pattern: ChannelPattern
    params: Mapping[str, str]

    @property
    def access(self) -> Access:
        """Who may join."""
        return self.pattern.access

    @property
    def payload(self) -> type[Message]:
        """What a publication's data reads as."""
        return self.pattern.payload


def parse_channel(name: str) -> ParsedChannel | None:
    """Read a channel's name; None where it is not, to the letter, one of ours."""
    for pattern in CHANNELS:
        params = pattern.match(name)
        if params is not None:
            return ParsedChannel(name=name, pattern=pattern, params=params)
    return None


def format_channel(pattern: ChannelPattern, **params: str) -> str:
    """Write a channel's name.

    Raises:
        ValidationError: A parameter is missing, unknown or of the wrong form; ``field`` names it.
    """
    for name in sorted({*pattern.parameters} ^ params.keys()):
        raise ValidationError(f"{pattern.pattern} takes {', '.join(pattern.parameters)}.", field=name)
    for name, value in params.items():
        if not re.fullmatch(_FORMS[name], value):
            raise ValidationError(f"{value[:80]!r} is no {name} of a channel.", field=name)
    return _PARAMETER.sub(lambda found: params[found[1]], pattern.pattern)


def trading_account_channel(account_id: str) -> str:
    """``tradingAccount:1b4e28ba-2fa1-41d2-883f-0016d3cca427``."""
    return format_channel(TRADING_ACCOUNT, accountId=account_id)


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


def instrument_channel(venue: str) -> str:
    """``market:instrument:PAPER``."""
    return format_channel(INSTRUMENT, venue=venue)
