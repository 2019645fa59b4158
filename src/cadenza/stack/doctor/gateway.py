"""The gateway and what is behind it: reached, token accepted, call answered, channel joined, publication received.

Above: ``chain``. Below: ``socket``, ``schema`` (which methods and channels there are).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

import msgspec
import websockets

from cadenza.protocol.codes import ErrorCode
from cadenza.schema import methods
from cadenza.schema.channels import orderbook_channel
from cadenza.stack.doctor.provider import unreachable
from cadenza.stack.doctor.report import Finding, Link, Verdict, broken, good, skipped
from cadenza.stack.doctor.socket import Closed, Refused, Socket, open_socket

__all__ = ["Expected", "look_at_gateway"]

_CHECK: Final = "cadenza gateway check FILE names what is wrong in Centrifugo's configuration."
_EXPIRED: Final = (ErrorCode.TOKEN_EXPIRED, 3005)


class Expected(NamedTuple):
    """What the gateway has to be told, so that it takes this project's tokens."""

    issuer: str
    audience: str
    jwks_url: str

    def settings(self) -> str:
        """The three settings, as Centrifugo names them."""
        return (
            f"client.token.issuer = {self.issuer}, client.token.audience = {self.audience}, "
            "client.token.jwks_public_endpoint = the backend's /.well-known/jwks.json, and see that the backend runs"
        )


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class _Instrument(msgspec.Struct, frozen=True):
    venue: str
    symbol: str


class _Envelope(msgspec.Struct, frozen=True):
    data: msgspec.Raw = msgspec.Raw(b"[]")
    error: _Error | None = None


async def look_at_gateway(
    url: str, *, token: str | None, expected: Expected, reply_seconds: float, publication_seconds: float
) -> AsyncIterator[Finding]:
    """Look at each link from the gateway on, until one does not hold.

    Args:
        url: The gateway's WebSocket.
        token: The access token; None: as nobody, as far as that leads.
        expected: What the gateway has to know.
        reply_seconds: How long one answer is waited for.
        publication_seconds: How long a publication is waited for.
    """
    try:
        async with open_socket(url, timeout_seconds=reply_seconds) as socket:
            yield good(Link.GATEWAY, f"{url} answers.")
            for link, step in _Look(socket, token, expected, publication_seconds).steps():
                finding = await _in_time(link, step, reply_seconds + publication_seconds * (link is Link.PUBLICATION))
                yield finding
                if finding.verdict is not Verdict.GOOD:
                    return
    except websockets.InvalidHandshake as refused:
        yield _no_websocket(url, refused)
    except (OSError, TimeoutError) as error:
        yield unreachable(Link.GATEWAY, url, error, setting="CADENZA_WS_URL")


class _Look:
    """One connection, from its connect command on."""

    def __init__(self, socket: Socket, token: str | None, expected: Expected, publication_seconds: float) -> None:
        self._socket = socket
        self._token = token
        self._expected = expected
        self._publication_seconds = publication_seconds
        self._channel = ""

    def steps(self) -> tuple[tuple[Link, Callable[[], Awaitable[Finding]]], ...]:
        """The links, in order."""
        return (
            (Link.CONNECTION, self._connection),
            (Link.CALL, self._call),
            (Link.SUBSCRIPTION, self._subscription),
            (Link.PUBLICATION, self._publication),
        )

    async def _connection(self) -> Finding:
        try:
            await self._socket.connect(self._token)
        except Closed as closed:
            return self._not_let_in(closed.code, closed.reason)
        except Refused as refused:
            return self._not_let_in(refused.code, refused.message)
        if self._token is None:
            return good(Link.CONNECTION, "The gateway lets in somebody without a token, who may sign in over it.")
        return good(Link.CONNECTION, "The gateway accepts the token.")

    def _not_let_in(self, code: int, reason: str) -> Finding:
        said = f"({code}, {reason})"
        if self._token is None:
            return broken(
                Link.CONNECTION,
                f"The gateway lets nobody in without a token {said}.",
                "Set client.allow_anonymous_connect_without_token = true in it, or sign in first: cadenza login.",
            )
        if code in _EXPIRED:
            return broken(
                Link.CONNECTION,
                f"To the gateway the token has run out, or is not valid yet {said}: its clock is wrong (row A9).",
                "Set the clock of the gateway's machine, and keep it set: timedatectl set-ntp true.",
            )
        if code == ErrorCode.INTERNAL:
            return broken(
                Link.CONNECTION,
                f"The gateway cannot check the token just now {said}.",
                f"See that it reaches the provider's keys: {self._expected.jwks_url}.",
            )
        return broken(
            Link.CONNECTION,
            f"The gateway does not accept the token {said}.",
            f"Set in its configuration {self._expected.settings()}. {_CHECK}",
        )

    async def _call(self) -> Finding:
        try:
            answer = await self._socket.call(methods.QUERY_SYSTEM_INFO.name, {})
        except Closed as closed:
            return _ended(Link.CALL, closed)
        except Refused as refused:
            return _call_refused(refused)
        error = _envelope(answer).error
        if error is not None:
            return broken(Link.CALL, f"The backend refuses: {error.message} ({error.code}).", "See the backend's log.")
        return good(Link.CALL, f"{methods.QUERY_SYSTEM_INFO.name} is answered by the backend.")

    async def _subscription(self) -> Finding:
        if self._token is None:
            return skipped(Link.SUBSCRIPTION, "Nobody is signed in, and nobody may join a channel.")
        try:
            channel = await self._first_book()
            if channel is None:
                return skipped(Link.SUBSCRIPTION, "The backend shows no instrument whose book could be joined.")
            await self._socket.subscribe(channel)
        except Closed as closed:
            return _ended(Link.SUBSCRIPTION, closed)
        except Refused as refused:
            return _join_refused(refused)
        self._channel = channel
        return good(Link.SUBSCRIPTION, f"{channel} is joined.")

    async def _first_book(self) -> str | None:
        listed = _envelope(await self._socket.call(methods.QUERY_INSTRUMENT_LIST.name, {}))
        if listed.error is not None:
            return None
        instruments = msgspec.json.decode(listed.data, type=tuple[_Instrument, ...])
        return orderbook_channel(instruments[0].venue, instruments[0].symbol) if instruments else None

    async def _publication(self) -> Finding:
        try:
            async with asyncio.timeout(self._publication_seconds):
                await self._socket.publication(self._channel)
        except Closed as closed:
            return _ended(Link.PUBLICATION, closed)
        except TimeoutError:
            return broken(
                Link.PUBLICATION,
                f"Nothing came on {self._channel} in {self._publication_seconds:.1f} s.",
                "See that the backend has the gateway's key and address (CADENZA_API_KEY is http_api.key, "
                "CADENZA_API_URL its server API), and that the venue is not paused (cadenza up --pace 0).",
            )
        return good(Link.PUBLICATION, f"Publications come on {self._channel}.")


async def _in_time(link: Link, step: Callable[[], Awaitable[Finding]], seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            return await step()
    except TimeoutError:
        return broken(link, "No answer came in time.", "See the logs of gateway and backend, and how busy they are.")


def _envelope(answer: bytes) -> _Envelope:
    try:
        return msgspec.json.decode(answer, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Envelope(error=_Error(message="its answer is not Cadenza's"))


def _no_websocket(url: str, refused: websockets.InvalidHandshake) -> Finding:
    status = refused.response.status_code if isinstance(refused, websockets.InvalidStatus) else None
    what = "no WebSocket is there" if status is None else f"no WebSocket is there, it answers {status}"
    return broken(
        Link.GATEWAY,
        f"{url}: {what}.",
        "Set CADENZA_WS_URL to the gateway's WebSocket, wss://…/connection/websocket, and let the proxy before it pass "
        "Upgrade on.",
    )


def _ended(link: Link, closed: Closed) -> Finding:
    return broken(
        link,
        f"The gateway closed the connection ({closed.code}, {closed.reason or 'no reason given'}).",
        "See docs/reference/codes.md for the code, and the gateway's log.",
    )


def _call_refused(refused: Refused) -> Finding:
    said = f"({refused.code}, {refused.message})"
    if refused.code == ErrorCode.INTERNAL:
        return broken(
            Link.CALL,
            f"The gateway gets no answer from the backend {said}.",
            "Start the backend, see that rpc.proxy.endpoint names its /proxy/rpc, and that both have the same secret: "
            "CADENZA_PROXY_SECRET is rpc.proxy.http.static_headers' X-Cadenza-Proxy-Secret.",
        )
    return broken(
        Link.CALL,
        f"The gateway hands no calls on {said}.",
        f"Set rpc.proxy.endpoint and rpc.without_namespace.proxy_enabled = true in it. {_CHECK}",
    )


def _join_refused(refused: Refused) -> Finding:
    said = f"({refused.code}, {refused.message})"
    if refused.code == ErrorCode.UNKNOWN_CHANNEL:
        return broken(
            Link.SUBSCRIPTION,
            f"The gateway knows no namespace market {said}.",
            f"Add it to channel.namespaces, with subscribe_proxy_enabled = true. {_CHECK}",
        )
    if refused.code == ErrorCode.INTERNAL:
        return broken(
            Link.SUBSCRIPTION,
            f"The gateway gets no answer from the backend {said}.",
            "See that channel.proxy.subscribe.endpoint names the backend's /proxy/subscribe, with its secret.",
        )
    return broken(
        Link.SUBSCRIPTION,
        f"The gateway lets no signed-in user join {said}.",
        f"Set subscribe_proxy_enabled = true in the namespace market, and channel.proxy.subscribe.endpoint. {_CHECK}",
    )
