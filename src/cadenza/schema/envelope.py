"""What every answer and every event comes in.

Above: ``methods``, ``channels``, backend and client. Below: scalars.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from cadenza.schema.scalars import DateTimeText, Message, Uuid

#: Covariant, as an envelope is frozen: an ``Event[Ticker]`` is an ``Event[object]``.
T_co = TypeVar("T_co", covariant=True)


class ErrorBody(Message, frozen=True, kw_only=True):
    """Why the backend refused. ``code`` is DDCCC, see ``schema.codes``.

    ``field`` (the parameter at fault, in wire names) and ``retry_after`` (seconds) are ours.
    """

    code: int
    message: str
    temporary: bool | None = None
    field: str | None = None
    retry_after: float | None = None


class Pagination(Message, frozen=True, kw_only=True):
    """Where in a list this page stands. ``total`` counts all entries that match."""

    offset: int | None = None
    limit: int | None = None
    total: int | None = None
    cursor: str | None = None
    has_next: bool | None = None


class Result(Message, Generic[T_co], frozen=True, kw_only=True):
    """An RPC's answer: ``data`` or ``error``; ``pagination`` where the method pages."""

    data: T_co | None = None
    error: ErrorBody | None = None
    pagination: Pagination | None = None


class Event(Message, Generic[T_co], frozen=True, kw_only=True):
    """An event on ``tradingAccount:{id}`` or ``market:instrument:{venue}``.

    ``type`` is the short form (``orderUpdate``), ``event`` the contract's name (``event.trade_order.updated``).
    """

    type: str
    event: str
    event_id: Uuid
    timestamp: DateTimeText
    data: T_co
