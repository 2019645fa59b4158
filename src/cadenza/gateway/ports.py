"""What the gateway needs from others: the backend, the token verifier, a broker, a transport, timers.

Above: ``connection``, ``node``. Below: ``protocol.proxy``, ``protocol.codes``. Each port is a small Protocol; what
implements it comes in by constructor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from cadenza.protocol.client import Publication
from cadenza.protocol.codes import Termination
from cadenza.protocol.proxy import Peer, RpcRequest, RpcResponse, SubscribeRequest, SubscribeResponse

__all__ = [
    "Broker",
    "Cancellable",
    "Flag",
    "History",
    "Override",
    "Placed",
    "ProxyCaller",
    "PublishOptions",
    "PublishResult",
    "Scheduler",
    "SubscriptionGrant",
    "TokenVerifier",
    "Transport",
    "VerifiedToken",
]


class Flag(Protocol):
    """Centrifugo's wrapped boolean."""

    @property
    def value(self) -> bool:
        """The boolean."""
        ...


class Override(Protocol):
    """Namespace options that a token or the backend sets otherwise for one subscription; ``None`` leaves them."""

    @property
    def force_recovery(self) -> Flag | None:
        """Whether it is recoverable."""
        ...

    @property
    def force_positioning(self) -> Flag | None:
        """Whether it is positioned."""
        ...


class SubscriptionGrant(Protocol):
    """One server-side subscription that a token grants: what to show of it, what to send with it."""

    @property
    def info(self) -> msgspec.Raw:
        """Shown to others, raw JSON."""
        ...

    @property
    def data(self) -> msgspec.Raw:
        """Sent with the subscription, raw JSON."""
        ...

    @property
    def override(self) -> Override | None:
        """Namespace options set otherwise."""
        ...


class VerifiedToken(Protocol):
    """What a verified token says. ``meta`` and ``info`` are raw JSON, empty when absent; ``sub`` "" is anonymous.

    ``subs`` are the server-side subscriptions with options; where there are any, ``channels`` is empty.
    """

    @property
    def sub(self) -> str:
        """The user."""
        ...

    @property
    def connection_expires_at(self) -> float | None:
        """When the connection ends, seconds since the epoch; ``None``: never."""
        ...

    @property
    def meta(self) -> bytes:
        """Travels to the backend, raw JSON."""
        ...

    @property
    def info(self) -> bytes:
        """Shown to others, raw JSON."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels to subscribe the connection to."""
        ...

    @property
    def subs(self) -> Mapping[str, SubscriptionGrant]:
        """The same, with options."""
        ...


class TokenVerifier(Protocol):
    """Judges connection tokens; ``tokens.verifier.Verifier`` is one.

    ``verify`` raises ``TokenFormatError``, ``TokenExpiredError``, ``TokenNotYetValidError``, ``TokenInvalidError``,
    ``KeysUnavailableError``, or ``SessionRevokedError`` where it knows of ended sessions.
    """

    def cached(self, token: str, /) -> VerifiedToken | None:
        """Give the result without waiting if this token was verified before and still holds."""
        ...

    async def verify(self, token: str, /) -> VerifiedToken:
        """Verify the token."""
        ...


class ProxyCaller(Protocol):
    """The backend, in process or behind HTTP. An exception is answered with error 100, temporary."""

    async def rpc(self, request: RpcRequest, peer: Peer, /) -> RpcResponse:
        """Serve a client's RPC."""
        ...

    async def subscribe(self, request: SubscribeRequest, peer: Peer, /) -> SubscribeResponse:
        """Decide whether a client may subscribe."""
        ...


class PublishOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one publication is kept."""

    history_size: int = 0
    history_ttl_seconds: float = 0.0
    idempotency_key: str = ""


class PublishResult(msgspec.Struct, frozen=True, kw_only=True):
    """Where a publication stands in its channel's stream; zero and empty when the channel keeps no history."""

    offset: int = 0
    epoch: str = ""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a channel's stream, and the stream's top."""

    offset: int
    epoch: str
    publications: list[Publication] = []


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A publication that has its place: ``publication`` is what receivers get.

    ``is_repeat``: the idempotency key was used before; ``result`` is that of the first, and nothing is delivered.
    """

    result: PublishResult
    publication: Publication
    is_repeat: bool = False


class Broker(Protocol):
    """Keeps channel streams: gives each publication its offset, and the missed ones back."""

    def place(self, channel: str, publication: Publication, options: PublishOptions, /) -> Placed:
        """Give the publication its place in the channel's stream."""
        ...

    def top(self, channel: str, /) -> History:
        """Give the stream's position without publications, opening the stream if there is none."""
        ...

    def since(self, channel: str, offset: int, /, *, limit: int) -> History:
        """Give at most ``limit`` publications after ``offset``, oldest first."""
        ...

    def sweep(self) -> None:
        """Drop what is too old. Called now and then."""
        ...


class Transport(Protocol):
    """The way to one client."""

    def send(self, data: bytes, /) -> None:
        """Send one frame; never blocks, silently does nothing once the transport is closing."""
        ...

    def close(self, termination: Termination, /) -> None:
        """Send the close frame and close."""
        ...

    def pause_reading(self) -> None:
        """Stop reading from the client; safe to repeat."""
        ...

    def resume_reading(self) -> None:
        """Read again; safe to repeat."""
        ...


class Cancellable(Protocol):
    """A timer that has been set."""

    def cancel(self) -> None:
        """Forget it."""
        ...


class Scheduler(Protocol):
    """Timers; an event loop is one."""

    def time(self) -> float:
        """Monotonic seconds."""
        ...

    def call_at(self, when: float, callback: Callable[[], object], /) -> Cancellable:
        """Call back at that monotonic time."""
        ...
