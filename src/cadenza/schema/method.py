"""What a method is: its name, types, rule, class of limits, and the codecs of its two payloads.

Above: ``methods`` (the table). Below: ``access``, ``rates``, the envelope. Codecs are built at first use, so
importing stays quick.
"""

from __future__ import annotations

import enum
from functools import cached_property
from typing import Final, Generic, TypeVar

import msgspec

from cadenza.schema.access import Access, Guarded
from cadenza.schema.envelope import ErrorBody, Pagination, Result
from cadenza.schema.rates import Rate
from cadenza.schema.reading import UNREADABLE, reread, reread_received

P = TypeVar("P")
D = TypeVar("D")

_encoder: Final = msgspec.json.Encoder()


class Kind(enum.StrEnum):
    """Whether a method changes anything."""

    QUERY = "query"
    COMMAND = "command"


_RATES: Final = {Kind.QUERY: Rate.QUERIES, Kind.COMMAND: Rate.COMMANDS}


class Method(Generic[P, D]):
    """One RPC method.

    Args:
        name: ``{kind}.{resource}.{action}``.
        params: Type of the parameters; ``NoParams`` for none.
        data: Type of the envelope's ``data``.
        summary: What it does, one sentence.
        access: Who may call it.
        guarded: Among which commands it is, if an operator may demand a second factor for it.
        rate: What it is counted with; its kind's class if not given.
        paginated: Whether the envelope carries ``pagination``.
    """

    def __init__(
        self,
        name: str,
        params: type[P],
        data: type[D],
        summary: str = "",
        *,
        access: Access = Access.USER,
        guarded: Guarded | None = None,
        rate: Rate | None = None,
        paginated: bool = False,
    ) -> None:
        self.name = name
        self.kind = Kind(name.partition(".")[0])
        self.params = params
        self.data = data
        self.summary = summary
        self.access = access
        self.guarded = guarded
        self.rate = rate or _RATES[self.kind]
        self.paginated = paginated

    def __repr__(self) -> str:
        return f"<Method {self.name}>"

    def decode_params(self, payload: bytes | msgspec.Raw) -> P:
        """Read parameters; an absent payload reads as ``{}``.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError, RecursionError: It does not read; ``reading.misfit`` says where.
        """
        try:
            return self._params_decoder.decode(payload or b"{}")
        except UNREADABLE as error:
            return reread(error, self._params_decoder, payload)

    def encode_params(self, params: P) -> bytes:
        """Write parameters."""
        return _encoder.encode(params)

    def encode_result(self, data: D, pagination: Pagination | None = None) -> bytes:
        """Write a good answer; the envelope of a method without data is empty."""
        if data is None:
            return b"{}"
        if pagination is None:
            return b'{"data":%b}' % _encoder.encode(data)
        return b'{"data":%b,"pagination":%b}' % (_encoder.encode(data), _encoder.encode(pagination))

    def decode_result(self, payload: bytes | msgspec.Raw) -> Result[D]:
        """Read an answer.

        Raises:
            ProtocolError: Not of the contract's shape; the message names the field, ``data[0].venue``.
        """
        try:
            return self._result_decoder.decode(payload)
        except UNREADABLE as error:
            return reread_received(error, self._result_decoder, payload)

    @cached_property
    def _params_decoder(self) -> msgspec.json.Decoder[P]:
        return msgspec.json.Decoder(self.params)

    @cached_property
    def _result_decoder(self) -> msgspec.json.Decoder[Result[D]]:
        return msgspec.json.Decoder(Result[self.data])  # type: ignore[name-defined]  # the type is a value here


def encode_error(error: ErrorBody) -> bytes:
    """Write a refusal, the same for every method."""
    return b'{"error":%b}' % _encoder.encode(error)
