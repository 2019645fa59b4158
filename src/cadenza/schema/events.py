"""The events: contract name, short form, payload, channel; and the envelope they travel in.

Above: ``channels``, ``backend.events`` (writes them), client (reads them). Below: ``envelope``, the nouns.

On ``tradingAccount:{accountId}`` and ``market:instrument:{venue}`` (ours) an event travels in ``Event``; the book's
event is the bare book on its own channel (``design/decisions.md``, "Channels and events").
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import msgspec

from cadenza.schema.accounts import TradingAccount
from cadenza.schema.credentials import TradingAccountCredential
from cadenza.schema.envelope import Event
from cadenza.schema.instruments import Instrument
from cadenza.schema.market import OrderBook
from cadenza.schema.orders import TradeOrder
from cadenza.schema.portfolio import BalanceEntry, Portfolio
from cadenza.schema.reading import UNREADABLE, reread_received
from cadenza.schema.scalars import Message
from cadenza.schema.securities import Security
from cadenza.schema.subscriptions import Subscription

__all__ = [
    "BALANCE_UPDATED",
    "CREDENTIAL_UPDATED",
    "EVENTS",
    "INSTRUMENT_UPDATED",
    "ORDERBOOK_UPDATED",
    "PORTFOLIO_UPDATED",
    "SECURITY_UPDATED",
    "SUBSCRIPTION_UPDATED",
    "TRADE_ORDER_UPDATED",
    "TRADING_ACCOUNT_SUBSCRIPTION_UPDATED",
    "TRADING_ACCOUNT_UPDATED",
    "EventKind",
    "decode_event",
]

D = TypeVar("D")

_ACCOUNT: Final = "tradingAccount:{accountId}"
_INSTRUMENT: Final = "market:instrument:{venue}"
_BOOK: Final = "market:orderbook:{venue}:{symbol}"


class EventKind(Generic[D]):
    """One event of the contract.

    Args:
        name: The contract's name, ``event.trade_order.updated``.
        type: The short form on the channel, ``orderUpdate``; empty where the channel carries the bare model.
        data: Type of the payload.
        channel: Pattern of the channel that carries it.
        documented: False for the one that is ours.
    """

    def __init__(self, name: str, type: str, data: type[D], channel: str, *, documented: bool = True) -> None:  # noqa: A002 - the wire's word
        self.name = name
        self.type = type
        self.data = data
        self.channel = channel
        self.documented = documented

    def __repr__(self) -> str:
        return f"<EventKind {self.name}>"

    @property
    def wrapped(self) -> bool:
        """Whether the payload travels in ``Event``."""
        return bool(self.type)

    def wrap(self, data: D, *, event_id: str, timestamp: str) -> Event[D]:
        """Put a payload into its envelope. ``event_id`` is a new UUID, ``timestamp`` RFC 3339 text ending in ``Z``."""
        return Event(type=self.type, event=self.name, event_id=event_id, timestamp=timestamp, data=data)

    def decode(self, payload: bytes | msgspec.Raw) -> Event[D]:
        """Read the envelope of this event.

        Raises:
            ProtocolError: It is not this event's envelope; the message names the field.
        """
        try:
            return self._decoder.decode(payload)
        except UNREADABLE as error:
            return reread_received(error, self._decoder, payload)

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Event[D]]:
        return msgspec.json.Decoder(Event[self.data])  # type: ignore[name-defined]  # the type is a value here


TRADE_ORDER_UPDATED: Final = EventKind("event.trade_order.updated", "orderUpdate", TradeOrder, _ACCOUNT)
PORTFOLIO_UPDATED: Final = EventKind("event.portfolio.updated", "portfolioUpdate", Portfolio, _ACCOUNT)
#: Ours: one balance changed; ``portfolioUpdate`` carries all of them.
BALANCE_UPDATED: Final = EventKind("event.balance.updated", "balanceUpdate", BalanceEntry, _ACCOUNT, documented=False)
TRADING_ACCOUNT_UPDATED: Final = EventKind("event.trading_account.updated", "accountUpdate", TradingAccount, _ACCOUNT)
CREDENTIAL_UPDATED: Final = EventKind(
    "event.credential.updated", "credentialUpdate", TradingAccountCredential, _ACCOUNT
)
TRADING_ACCOUNT_SUBSCRIPTION_UPDATED: Final = EventKind(
    "event.trading_account.subscription.updated", "subscriptionUpdate", Subscription, _ACCOUNT
)
SUBSCRIPTION_UPDATED: Final = EventKind(
    "event.subscription.updated", "subscriptionUpdate", tuple[Subscription, ...], _ACCOUNT
)
INSTRUMENT_UPDATED: Final = EventKind(
    "event.instrument.updated", "instrumentUpdate", tuple[Instrument, ...], _INSTRUMENT
)
SECURITY_UPDATED: Final = EventKind("event.security.updated", "securityUpdate", tuple[Security, ...], _INSTRUMENT)
ORDERBOOK_UPDATED: Final = EventKind("event.orderbook.updated", "", OrderBook, _BOOK)

#: Name -> event, for every event there is.
EVENTS: Final[Mapping[str, EventKind[Any]]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            TRADING_ACCOUNT_UPDATED,
            TRADING_ACCOUNT_SUBSCRIPTION_UPDATED,
            CREDENTIAL_UPDATED,
            TRADE_ORDER_UPDATED,
            PORTFOLIO_UPDATED,
            INSTRUMENT_UPDATED,
            SECURITY_UPDATED,
            ORDERBOOK_UPDATED,
            SUBSCRIPTION_UPDATED,
            BALANCE_UPDATED,
        )
    }
)


class _Head(Message, frozen=True, kw_only=True):
    """As much of an envelope as says which event it is."""

    event: str


_head_decoder: Final = msgspec.json.Decoder(_Head)
_any_decoder: Final = msgspec.json.Decoder(Event[msgspec.Raw])


def decode_event(payload: bytes | msgspec.Raw) -> Event[object]:
    """Read a publication of an event channel; ``data`` is of the type that ``EVENTS`` gives for its ``event``.

    An event that is not in the table, as a newer server may send one, keeps its ``data`` as ``msgspec.Raw``.

    Raises:
        ProtocolError: It is no event's envelope; the message names the field.
    """
    try:
        head = _head_decoder.decode(payload)
    except UNREADABLE as error:
        head = reread_received(error, _head_decoder, payload)
    kind = EVENTS.get(head.event)
    if kind is not None and kind.wrapped:
        return kind.decode(payload)
    try:
        return _any_decoder.decode(payload)
    except UNREADABLE as error:
        return reread_received(error, _any_decoder, payload)
