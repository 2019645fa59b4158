"""A typed call: check and encode, wait for the connection, send, decode, and turn either kind of refusal into an error.

Above: ``_client`` (``api.call``), ``auth.socket``. Below: ``link``, ``refusals``, schema. Parameters are checked before
anything is sent, against the contract; the answer is decoded once.

There are two planes of errors. The gateway's (Centrifugo's codes 100 to 113) becomes ``GatewayError``: the backend may
not have been asked. The backend's stands in the result envelope; ``refusals`` says what it becomes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar, cast

import msgspec

from cadenza.client.ports import MESSAGE_LIMIT_BYTES, TOO_BIG, Connection, Opened
from cadenza.client.refusals import refusal
from cadenza.client.timing import Timing
from cadenza.errors import (
    DeadlineExceededError,
    DisconnectedError,
    GatewayError,
    MessageTooBigError,
    ProtocolError,
    RateLimitedError,
    ValidationError,
)
from cadenza.protocol.codes import ErrorCode as GatewayCode
from cadenza.schema.codes import Code
from cadenza.schema.envelope import Pagination, Result
from cadenza.schema.methods import Kind, Method
from cadenza.schema.reading import field_of

P = TypeVar("P")
D = TypeVar("D")

#: A command frame around the parameters: id, method, braces.
_FRAME_BYTES: Final = 128
#: JSON in the transport's spelling (spaces, ``\\u`` escapes) is never more than so many times msgspec's.
_SPELLING: Final = 6
#: A wait shorter than this is none, and would make a storm of a backend that says 0.
_LEAST_WAIT_SECONDS: Final = 0.05
_MOST_DOUBLINGS: Final = 10


class Page(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """A method's data with where it stands in the whole list, for methods that page."""

    data: D
    pagination: Pagination | None = None


class CallLink(Protocol):
    """What a call needs of a link."""

    @property
    def connection(self) -> Connection:
        """The connection."""
        ...

    async def ready(self, deadline_seconds: float) -> Opened:
        """Wait for it to be open."""
        ...

    async def renew(self) -> bool:
        """Have the session refreshed because the gateway calls its token expired. Whether there is a newer one."""
        ...


class Caller:
    """Makes typed calls.

    Args:
        timing: Seconds, sleep and chance.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._monotonic = timing.monotonic
        self._results: dict[str, Any] = {}
        self._in_flight: dict[object, int] = {}

    async def call(self, link: CallLink, method: Method[P, D], params: P, deadline_seconds: float) -> Page[D]:
        """Call a method.

        A query that was interrupted by a lost connection is repeated within the deadline, as it changes nothing; a
        command never is. What the backend refused because there were too many calls in a short time waits as long as
        it was told and is repeated within the deadline, if it is a query or carries an idempotency key.

        Raises:
            ValidationError: The parameters do not fit the contract; nothing was sent.
            MessageTooBigError: They are larger than the gateway takes; nothing was sent, or it said so.
            RateLimitedError: Too many calls in a short time, and no waiting within the deadline helps.
            RpcError, AuthError: The backend refused.
            GatewayError: The gateway refused.
            DisconnectedError: The connection ended before the answer.
            DeadlineExceededError: No answer in time.
        """
        data = encode_params(method, params)
        size = _size(method.name, data)
        if size > MESSAGE_LIMIT_BYTES:
            raise MessageTooBigError(
                f"The parameters of {method.name} make a message of {size} bytes.", limit_bytes=MESSAGE_LIMIT_BYTES
            )
        ends_at = self._monotonic() + deadline_seconds
        renewed, waits = False, 0
        while True:
            await link.ready(_left(ends_at, self._monotonic, method.name))
            try:
                reply = await self._send(link, method.name, data, size, _left(ends_at, self._monotonic, method.name))
                return self._decode(method, reply)
            except RateLimitedError as error:
                if not (error.temporary and _may_be_repeated(method, data)):
                    raise
                await self._wait_out(error, ends_at, waits)
                waits += 1
            except DisconnectedError:
                if method.kind is not Kind.QUERY:
                    raise
            except GatewayError as error:
                if renewed or not _says_expired(error) or not await link.renew():
                    raise
                renewed = True

    async def _wait_out(self, refused: RateLimitedError, ends_at: float, waits: int) -> None:
        """Wait until the next call is free; raise the refusal where that is beyond the deadline.

        Calls that are refused together are told the same wait, and one is free then: the more often it was not this
        one, the wider they spread.
        """
        wait = max(refused.retry_after_seconds or 0, _LEAST_WAIT_SECONDS)
        left = ends_at - self._monotonic() - wait
        if left <= 0:
            raise refused
        spread = min(wait * 2.0 ** min(waits, _MOST_DOUBLINGS), left / 2)
        await self._timing.sleep(wait + self._timing.uniform(0, spread))

    async def _send(self, link: CallLink, name: str, data: object, size: int, seconds: float) -> object:
        token = object()
        self._in_flight[token] = size
        try:
            return await link.connection.call(name, data, seconds)
        except DisconnectedError as error:
            if error.code == TOO_BIG and size == max(self._in_flight.values()):
                # B5: the largest of what was under way is what the gateway would not take. It is not sent again.
                raise MessageTooBigError(
                    f"The gateway closed the connection over the message of {name}, {size} bytes.",
                    limit_bytes=min(size - 1, MESSAGE_LIMIT_BYTES),
                ) from error
            raise
        finally:
            del self._in_flight[token]

    def _decode(self, method: Method[P, D], reply: object) -> Page[D]:
        result_type = self._results.get(method.name)
        if result_type is None:
            result_type = self._results[method.name] = Result[method.data]  # type: ignore[name-defined]  # a value
        try:
            result: Result[D] = msgspec.convert({} if reply is None else reply, type=result_type)
        except msgspec.ValidationError:
            # The slow path forgives a null for an optional field, and names the field of anything else.
            result = method.decode_result(msgspec.json.encode(reply))
        if result.error is not None:
            raise refusal(result.error, method.name)
        if result.data is None and method.data is not type(None):
            raise ProtocolError(f"The answer to {method.name} has neither data nor error.")
        return Page(data=cast("D", result.data), pagination=result.pagination)


def encode_params(method: Method[P, D], params: P) -> object:
    """Check parameters against the contract and make them JSON's own types. Raises ``ValidationError``."""
    if not isinstance(params, method.params):
        raise ValidationError(
            f"{method.name} takes {method.params.__name__}, not {type(params).__name__}.",
            next_step=f"Build a {method.params.__name__}.",
        )
    data = msgspec.to_builtins(params)
    if data:
        read_params(method, data)
    return data


def read_params(method: Method[P, D], data: object) -> P:
    """Read parameters given as JSON's own types. Raises ``ValidationError`` that names the field."""
    try:
        return msgspec.convert(data, type=method.params)
    except msgspec.ValidationError as error:
        field = field_of(error)
        what = str(error).partition(" - at ")[0]
        raise ValidationError(
            f"{field or 'The parameters'} of {method.name}: {what}." if field else f"{method.name}: {what}.",
            field=field,
            code=Code.INVALID_ARGUMENT,
            next_step="Correct it; nothing was sent.",
        ) from None


def _may_be_repeated(method: Method[Any, Any], data: object) -> bool:
    """Whether it changes nothing, or the backend does it once however often it comes (``design``, "Idempotency")."""
    if method.kind is Kind.QUERY:
        return True
    order = data.get("tradeOrder") if isinstance(data, dict) else None
    places = ((data, "idempotencyKey"), (order, "idempotencyKey"), (order, "clientOrderId"))
    return any(isinstance(place, dict) and bool(place.get(name)) for place, name in places)


def _says_expired(error: GatewayError) -> bool:
    return error.code == GatewayCode.TOKEN_EXPIRED or "token expired" in error.message.lower()


def _left(ends_at: float, monotonic: Callable[[], float], name: str) -> float:
    left = ends_at - monotonic()
    if left <= 0:
        raise DeadlineExceededError(f"No answer to {name} in time.")
    return left


def _size(name: str, data: object) -> int:
    """The message's size in bytes; exact where it could matter, else an estimate from below."""
    least = len(msgspec.json.encode(data)) + len(name) + _FRAME_BYTES
    if least * _SPELLING < MESSAGE_LIMIT_BYTES:
        return least
    return len(json.dumps(data)) + len(name) + _FRAME_BYTES
