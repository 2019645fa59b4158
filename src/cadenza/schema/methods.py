"""The table: RPC name -> parameters, result, access.

Above: ``backend.router``, ``client.rpc``, docs. Below: the nouns. Codecs are built at first use: importing stays quick.
"""

from __future__ import annotations

import enum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import msgspec

from cadenza.schema.access import Access
from cadenza.schema.auth import (
    AuthSession,
    AuthUser,
    GetUserParams,
    LoginParams,
    LogoutParams,
    RefreshParams,
    SignupParams,
)
from cadenza.schema.envelope import ErrorBody, Pagination, Result
from cadenza.schema.instruments import Instrument, ListInstrumentsParams
from cadenza.schema.market import (
    GetOrderBookParams,
    Kline,
    ListKlinesParams,
    ListOrderBooksParams,
    ListTickersParams,
    OrderBook,
    Ticker,
)
from cadenza.schema.scalars import Venue
from cadenza.schema.system import HealthCheck, NoParams, SystemInfo

P = TypeVar("P")
D = TypeVar("D")

_encoder: Final = msgspec.json.Encoder()


class Kind(enum.StrEnum):
    """Whether a method changes anything."""

    QUERY = "query"
    COMMAND = "command"


class Method(Generic[P, D]):
    """One RPC method.

    Args:
        name: ``{kind}.{resource}.{action}``.
        params: Type of the parameters; ``NoParams`` for none.
        data: Type of the envelope's ``data``.
        access: Who may call it.
        paginated: Whether the envelope carries ``pagination``.
    """

    def __init__(
        self, name: str, params: type[P], data: type[D], *, access: Access = Access.USER, paginated: bool = False
    ) -> None:
        self.name = name
        self.kind = Kind(name.partition(".")[0])
        self.params = params
        self.data = data
        self.access = access
        self.paginated = paginated

    def __repr__(self) -> str:
        return f"<Method {self.name}>"

    def decode_params(self, payload: bytes | msgspec.Raw) -> P:
        """Read parameters; an absent payload reads as ``{}``.

        Raises:
            msgspec.DecodeError: Not JSON, or not of the contract's shape (``ValidationError`` names the path).
        """
        return self._params_decoder.decode(payload or b"{}")

    def encode_params(self, params: P) -> bytes:
        """Write parameters."""
        return _encoder.encode(params)

    def encode_result(self, data: D, pagination: Pagination | None = None) -> bytes:
        """Write a good answer."""
        if pagination is None:
            return b'{"data":%b}' % _encoder.encode(data)
        return b'{"data":%b,"pagination":%b}' % (_encoder.encode(data), _encoder.encode(pagination))

    def decode_result(self, payload: bytes | msgspec.Raw) -> Result[D]:
        """Read an answer.

        Raises:
            msgspec.DecodeError: Not JSON, or not of the contract's shape.
        """
        return self._result_decoder.decode(payload)

    @cached_property
    def _params_decoder(self) -> msgspec.json.Decoder[P]:
        return msgspec.json.Decoder(self.params)

    @cached_property
    def _result_decoder(self) -> msgspec.json.Decoder[Result[D]]:
        return msgspec.json.Decoder(Result[self.data])  # type: ignore[name-defined]  # the type is a value here


def encode_error(error: ErrorBody) -> bytes:
    """Write a refusal, the same for every method."""
    return b'{"error":%b}' % _encoder.encode(error)


QUERY_SYSTEM_INFO: Final = Method("query.system.info", NoParams, SystemInfo, access=Access.ANONYMOUS)
QUERY_SYSTEM_CHECK: Final = Method("query.system.check", NoParams, HealthCheck, access=Access.ANONYMOUS)
QUERY_VENUE_LIST: Final = Method("query.venue.list", NoParams, list[Venue])
QUERY_INSTRUMENT_LIST: Final = Method("query.instrument.list", ListInstrumentsParams, list[Instrument])
QUERY_ORDERBOOK_GET: Final = Method("query.orderbook.get", GetOrderBookParams, OrderBook)
QUERY_ORDERBOOK_LIST: Final = Method("query.orderbook.list", ListOrderBooksParams, list[OrderBook])
QUERY_TICKER_LIST: Final = Method("query.ticker.list", ListTickersParams, list[Ticker])
QUERY_KLINE_LIST: Final = Method("query.kline.list", ListKlinesParams, list[Kline])
COMMAND_AUTH_SIGNUP: Final = Method("command.auth.signup", SignupParams, AuthSession, access=Access.ANONYMOUS)
COMMAND_AUTH_LOGIN: Final = Method("command.auth.login", LoginParams, AuthSession, access=Access.ANONYMOUS)
COMMAND_AUTH_REFRESH: Final = Method("command.auth.refresh", RefreshParams, AuthSession, access=Access.ANONYMOUS)
COMMAND_AUTH_LOGOUT: Final = Method("command.auth.logout", LogoutParams, str, access=Access.ANONYMOUS)
QUERY_AUTH_USER: Final = Method("query.auth.user", GetUserParams, AuthUser, access=Access.ANONYMOUS)

#: Name -> method, for every method there is.
METHODS: Final[MappingProxyType[str, Method[Any, Any]]] = MappingProxyType(
    {method.name: method for method in tuple(globals().values()) if isinstance(method, Method)}
)
