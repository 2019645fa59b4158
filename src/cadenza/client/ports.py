"""The ports between the SDK and its transport: a connection, a channel on it, and who is told what.

Above: ``supervisor``, ``subscriptions``, ``rpc`` use them; ``_centrifuge`` is the one transport behind them.
Below: ``errors``. Nothing here knows centrifuge-python.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import msgspec

from cadenza.errors import CadenzaError

#: RFC 6455 section 7.4.1: no close frame came; the connection was lost, or could not be made.
LOST: Final = 1006
#: RFC 6455 section 7.4.1: a message was larger than its receiver takes.
TOO_BIG: Final = 1009
#: Centrifugo's default limit for a message from a client, in bytes.
MESSAGE_LIMIT_BYTES: Final = 65_536


class Plane(enum.Enum):
    """How a code reached us. One number means different things on different planes."""

    DISCONNECT = "disconnect"
    """The socket was closed with it."""

    CONNECT_ERROR = "error"
    """It was the answer to a connect, or to a refresh of the connection's token."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no connection: a code and the words that came with it."""

    plane: Plane = Plane.DISCONNECT
    code: int
    reason: str = ""
    temporary: bool = False

    def __str__(self) -> str:
        return f"{self.plane.value} {self.code} ({self.reason or 'no reason given'})"


class ConnectFailedError(Exception):
    """Internal: an attempt to connect failed. Never reaches a user."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway said on letting us in."""

    client: str
    version: str = ""
    data: object = None


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's answer to a subscribe.

    Attributes:
        data: What the backend sent along.
        lost: Whether publications since the last position are gone for good.
        offset: Position in the stream from which on publications come, where the channel has one.
        epoch: The stream's incarnation.
    """

    data: object = None
    lost: bool = False
    offset: int | None = None
    epoch: str = ""


class ChannelSink(Protocol):
    """Takes what comes on one channel. Must not wait and must not raise."""

    def subscribed(self, answer: Subscribed) -> None:
        """The gateway has subscribed us: publications follow."""
        ...

    def publication(self, data: object, offset: int, tags: Mapping[str, str]) -> None:
        """One publication. ``offset`` is 0 on a channel without positions."""
        ...

    def unsubscribed(self, code: int, reason: str) -> None:
        """Refused, or ended for good."""
        ...


class ChannelLink(Protocol):
    """One channel on a connection, kept subscribed over reconnects with its position."""

    async def start(self) -> None:
        """Subscribe, now or as soon as there is a connection."""
        ...

    async def restart(self) -> None:
        """Unsubscribe and subscribe again from the same position: the answer carries a new snapshot."""
        ...

    async def stop(self) -> None:
        """Unsubscribe and forget."""
        ...


class Connection(Protocol):
    """A way to the gateway for one identity. It makes one attempt when told to, and never a second by itself."""

    async def open(self, token: str) -> Opened:
        """Connect with this token (empty: anonymously). Raises ``ConnectFailedError``."""
        ...

    async def close(self) -> None:
        """Disconnect. What is in flight fails."""
        ...

    async def call(self, method: str, data: object, deadline_seconds: float) -> object:
        """Call a method. Raises ``GatewayError``, ``DisconnectedError`` or ``DeadlineExceededError``."""
        ...

    def channel(self, name: str, sink: ChannelSink) -> ChannelLink:
        """Prepare a subscription."""
        ...


class ConnectionListener(Protocol):
    """Is told what happens to a connection. Must not wait and must not raise."""

    def dropped(self, cause: Cause) -> None:
        """An open connection ended."""
        ...

    def failed(self, error: CadenzaError, retry_in_seconds: float | None) -> None:
        """Something failed that leaves the connection open."""
        ...


#: Gives another token than the one named, which is used up. Raises ``AuthError`` or ``TransportError``.
TokenRenewal = Callable[[str], Awaitable[str]]
