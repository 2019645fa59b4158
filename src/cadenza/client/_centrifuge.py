"""centrifuge-python behind the connection port. The only file that imports it.

Above: ``link`` makes it. Below: ``ports``, centrifuge-python 0.7 (unmodified, public names only).

Its callbacks run in the task that reads the socket, so they only note things down and pass them on: they never wait
(B3) and never raise (B2). It is also kept from reconnecting by itself: that is ``supervisor``'s, which knows the code
table. For this its reconnect delay is set to a day, and each attempt is one ``connect()``. After a terminal code the
same ``Client`` connects again (0.7 mended B1), so its subscriptions keep their positions and recover.

What it does not tell, and what follows: when a socket is closed with a code below 3500 before the connect was
answered, the code is lost; such an attempt counts as a lost connection, which leads to the same step.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from centrifuge import (
    CentrifugeError,
    Client,
    ClientDisconnectedError,
    ClientEventHandler,
    ConnectedContext,
    ConnectingContext,
    DisconnectedContext,
    ErrorContext,
    OperationTimeoutError,
    PublicationContext,
    ReplyError,
    SubscribedContext,
    Subscription,
    SubscriptionErrorContext,
    SubscriptionEventHandler,
    UnauthorizedError,
    UnsubscribedContext,
)

from cadenza.client import redaction
from cadenza.client.ports import (
    LOST,
    TOO_BIG,
    Cause,
    ChannelSink,
    ConnectFailedError,
    ConnectionListener,
    Opened,
    Plane,
    Subscribed,
    TokenRenewal,
)
from cadenza.errors import (
    CadenzaError,
    ConfigurationError,
    DeadlineExceededError,
    DisconnectedError,
    GatewayError,
    ProtocolError,
    SignInRequiredError,
    SubscriptionError,
    TransportError,
)

#: The library's own reconnect, put out of the way.
_NEVER_SECONDS: Final = 86_400.0
_LEAST_RESUBSCRIBE_SECONDS: Final = 0.2
_MOST_RESUBSCRIBE_SECONDS: Final = 20.0
#: The library asks again for a token after 5 to 10 s; the gateway's grace is 25 s.
_TOKEN_RETRY_SECONDS: Final = 10.0
#: Below this the library's codes are its own, and some numbers mean two things: its words tell them apart.
_OWN_CODES: Final = range(100)
_UNAUTHORIZED: Final = 1
_EXPIRED: Final = 3005
_PROTOCOL_BROKEN: Final = 1002
_ERROR_CODES: Final = range(100, 2000)
_CLOSE_GRACE_SECONDS: Final = 1.0


class _Phase(enum.Enum):
    IDLE = "no connection, none wanted"
    OPENING = "an attempt is under way"
    OPEN = "connected"


@dataclass
class _Attempt:
    """What became of one ``connect()``."""

    opened: Opened | None = None
    failure: Cause | None = None


class CentrifugeConnection:
    """One ``centrifuge.Client``.

    Args:
        url: The gateway's WebSocket address.
        listener: Who is told.
        renewal: Where a newer token comes from when the gateway says the connection's is at its end.
        timeout_seconds: For the handshake and for each command that has no deadline of its own.
        proxy: A proxy's address; True for the environment's, None for none.
        ssl_context: For ``wss`` with an authority of one's own.
        version: What we call ourselves to the gateway.

    Raises:
        ConfigurationError: The proxy cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        listener: ConnectionListener,
        renewal: TokenRenewal | None,
        timeout_seconds: float,
        proxy: str | Literal[True] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        version: str = "",
    ) -> None:
        redaction.install()
        self._listener = listener
        self._renewal = renewal
        self._phase = _Phase.IDLE
        self._token = ""
        self._attempt = _Attempt()
        self._last_drop = Cause(code=LOST, reason="no connection")
        try:
            self._client = Client(
                url,
                events=_ClientEvents(self),
                get_token=None if renewal is None else self._newer_token,
                timeout=timeout_seconds,
                name="cadenza-python",
                version=version,
                min_reconnect_delay=_NEVER_SECONDS,
                max_reconnect_delay=_NEVER_SECONDS,
                proxy=proxy,
                ssl_context=ssl_context,
            )
        except ValueError as error:
            raise ConfigurationError(
                f"The gateway cannot be reached that way: {error}.",
                setting="proxy",
                next_step="Give an http:// proxy, or install python-socks for a socks5:// one.",
            ) from None

    async def open(self, token: str) -> Opened:
        """Connect with this token. Raises ``ConnectFailedError``."""
        await self._silence()
        self._token = token
        attempt = self._attempt = _Attempt()
        self._client.set_token(token)
        self._phase = _Phase.OPENING
        try:
            await self._client.connect()
        except asyncio.CancelledError:
            await self._silence()  # the attempt goes on without us otherwise
            raise
        if attempt.opened is not None:
            return attempt.opened
        await self._silence()
        raise ConnectFailedError(
            attempt.failure or Cause(code=LOST, reason="the connection was closed before the connect was answered")
        )

    async def close(self) -> None:
        """Disconnect. What is in flight fails."""
        self._last_drop = Cause(code=0, reason="disconnect called")
        before = asyncio.all_tasks()
        await self._silence()
        # 0.7 closes its socket in a task of its own, which a loop that ends now would cut off: no close frame, and an
        # unclosed socket. Nobody waits long for a peer that does not answer.
        closing = {task for task in asyncio.all_tasks() - before if _is_the_librarys(task)}
        if closing:
            await asyncio.wait(closing, timeout=_CLOSE_GRACE_SECONDS)

    async def call(self, method: str, data: object, deadline_seconds: float) -> object:
        """Call a method. Raises ``GatewayError``, ``DisconnectedError`` or ``DeadlineExceededError``."""
        try:
            return (await self._client.rpc(method, data, timeout=deadline_seconds)).data
        except ReplyError as error:
            raise GatewayError(
                f"The gateway answered {method} with an error: {error.message}.",
                code=error.code,
                temporary=error.temporary,
            ) from None
        except OperationTimeoutError:
            raise DeadlineExceededError(f"No answer to {method} within {deadline_seconds:g} s.") from None
        except ClientDisconnectedError:
            cause = self._last_drop
            raise DisconnectedError(
                f"The connection ended before {method} was answered: {cause}.",
                code=cause.code,
                reason=cause.reason,
                temporary=True,
                next_step="The work may have been done: repeat only what is idempotent.",
            ) from None

    def channel(self, name: str, sink: ChannelSink) -> _Channel:
        """Prepare a subscription. There may be one a channel."""
        return _Channel(self._client, name, sink, self._listener)

    async def _silence(self) -> None:
        """Disconnect without a word to the listener."""
        self._phase = _Phase.IDLE
        await self._client.disconnect()

    async def _newer_token(self) -> str:
        """Asked by the library at the end of the token's life, and once more when an attempt follows a 109."""
        if self._phase is not _Phase.OPEN or self._renewal is None:
            return self._token
        try:
            self._token = await self._renewal(self._token)
        except SignInRequiredError as error:
            raise UnauthorizedError from error
        return self._token

    # What the library tells.

    def connected(self, context: ConnectedContext) -> None:
        """The connect was answered."""
        if self._phase is _Phase.OPENING:
            self._phase = _Phase.OPEN
            self._attempt.opened = Opened(client=context.client, version=context.version, data=context.data)

    def ended(self, code: int, reason: str) -> None:
        """The socket is gone, or was refused."""
        cause = _cause(code, reason)
        if self._phase is _Phase.OPENING:
            self._attempt.failure = cause
        elif self._phase is _Phase.OPEN:
            self._phase = _Phase.IDLE
            self._last_drop = cause
            self._listener.dropped(cause)

    def erred(self, error: Exception) -> None:
        """Something failed: the attempt, or a refresh of the connection's token."""
        if self._phase is _Phase.OPENING:
            self._attempt.failure = _cause_of(error)
        elif self._phase is _Phase.OPEN:
            self._listener.failed(_typed(error), _TOKEN_RETRY_SECONDS)


class _ClientEvents(ClientEventHandler):
    """Passes the library's four events on. ``connecting`` is how it reports a lost connection."""

    def __init__(self, connection: CentrifugeConnection) -> None:
        self._connection = connection

    async def on_connecting(self, ctx: ConnectingContext) -> None:
        if ctx.code != 0:
            self._connection.ended(ctx.code, ctx.reason)

    async def on_connected(self, ctx: ConnectedContext) -> None:
        self._connection.connected(ctx)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self._connection.ended(ctx.code, ctx.reason)

    async def on_error(self, ctx: ErrorContext) -> None:
        self._connection.erred(ctx.error)


class _Channel(SubscriptionEventHandler):
    """One subscription of the library. The library keeps its position and recovers from it."""

    def __init__(self, client: Client, name: str, sink: ChannelSink, listener: ConnectionListener) -> None:
        self._client = client
        self._sink = sink
        self._listener = listener
        self._leaving = False
        self._subscription: Subscription = client.new_subscription(
            name,
            events=self,
            recoverable=True,
            min_resubscribe_delay=_LEAST_RESUBSCRIBE_SECONDS,
            max_resubscribe_delay=_MOST_RESUBSCRIBE_SECONDS,
        )

    async def start(self) -> None:
        """Subscribe, now or as soon as there is a connection."""
        await self._subscription.subscribe()

    async def restart(self) -> None:
        """Unsubscribe and subscribe again from the same position."""
        self._leaving = True
        try:
            await self._subscription.unsubscribe()
        finally:
            self._leaving = False
        await self._subscription.subscribe()

    async def stop(self) -> None:
        """Unsubscribe and forget."""
        self._leaving = True
        await self._subscription.unsubscribe()
        with contextlib.suppress(CentrifugeError):  # subscribed again by someone else meanwhile
            self._client.remove_subscription(self._subscription)

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        position = ctx.stream_position
        answer = Subscribed(
            data=ctx.data,
            lost=ctx.was_recovering and not ctx.recovered,
            offset=None if position is None else position.offset,
            epoch="" if position is None else position.epoch,
        )
        self._pass_on(lambda: self._sink.subscribed(answer))

    async def on_publication(self, ctx: PublicationContext) -> None:
        publication = ctx.pub
        self._pass_on(lambda: self._sink.publication(publication.data, publication.offset, publication.tags))

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        if not self._leaving:
            self._pass_on(lambda: self._sink.unsubscribed(ctx.code, ctx.reason))

    async def on_error(self, ctx: SubscriptionErrorContext) -> None:
        error = ctx.error
        message = f"Subscribing to {self._subscription.channel} failed for now: {_words(error)}."
        code = error.code if isinstance(error, ReplyError) else None
        self._listener.failed(
            SubscriptionError(message, channel=self._subscription.channel, code=code, temporary=True),
            _MOST_RESUBSCRIBE_SECONDS,
        )

    def _pass_on(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception as error:  # noqa: BLE001 - the library would stop reading for good (B2)
            fault = ProtocolError(f"A message on {self._subscription.channel} could not be used: {error}")
            fault.__cause__ = error
            self._listener.failed(fault, None)


def _cause(code: int, reason: str) -> Cause:
    """Read the library's code: its own small ones, an error's of a refused connect or refresh, or the close code."""
    if code in _OWN_CODES:
        if reason == "message size limit":
            return Cause(code=TOO_BIG, reason=reason)
        if code == _UNAUTHORIZED and reason == "unauthorized":
            return Cause(code=_EXPIRED, reason="there is no newer token for this connection")
        if reason.startswith("exception"):
            return Cause(code=_PROTOCOL_BROKEN, reason="the gateway sent what cannot be read")
        return Cause(code=LOST, reason=reason)
    if code in _ERROR_CODES:
        return Cause(plane=Plane.CONNECT_ERROR, code=code, reason=reason)
    return Cause(code=code, reason=reason)


def _cause_of(error: Exception) -> Cause:
    if isinstance(error, ReplyError):
        return Cause(plane=Plane.CONNECT_ERROR, code=error.code, reason=error.message, temporary=error.temporary)
    if isinstance(error, OperationTimeoutError):
        return Cause(code=LOST, reason="no answer to the connect in time")
    return Cause(code=LOST, reason=_words(error))


def _typed(error: Exception) -> CadenzaError:
    if isinstance(error, CadenzaError):
        return error
    if isinstance(error, ReplyError):
        return GatewayError(
            f"The gateway refused the connection's newer token: {error.message}.",
            code=error.code,
            temporary=error.temporary,
        )
    return TransportError(f"The connection's token could not be renewed: {_words(error)}.")


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _is_the_librarys(task: asyncio.Task[object]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and Path(code.co_filename).parent.name == "centrifuge"
