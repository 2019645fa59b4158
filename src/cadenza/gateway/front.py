"""The one port's door: reads a request's head, bounded in size and time, and hands the socket to who serves it.

Above: ``server`` listens with it. Below: ``websocket`` for upgrades, ``http`` for everything else; what was read is
replayed to them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Collection
from typing import cast
from urllib.parse import parse_qs

import msgspec

from cadenza.gateway.hosts import HostRule, OriginPatterns
from cadenza.gateway.stats import Stats

__all__ = ["Door", "Front", "RequestHead", "UpgradeRequest", "parse_head", "read_upgrade"]

WEBSOCKET_PATH = "/connection/websocket"

_HEAD_END = b"\r\n\r\n"
_MAX_HEADERS = 100
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_KEY_BYTES = 16
_PROTOBUF = "protobuf"
_JSON_SUBPROTOCOL = "centrifuge-json"
_STATUS_TEXTS = {
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
}


class RequestHead(msgspec.Struct, frozen=True, kw_only=True):
    """A request's first line and headers; names in lower case, repeated ones joined by a comma."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class UpgradeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A WebSocket upgrade that may be done. ``rest`` has arrived after the head."""

    key: str
    subprotocol: str
    address: str
    rest: bytes


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """The request is answered with this status and closed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What every socket at the door needs to know.

    Attributes:
        upgrade: Takes a socket over as a client's.
        serve_http: Takes a socket over for HTTP, with what was read.
    """

    timeout_seconds: float
    size_limit_bytes: int
    origins: OriginPatterns
    hosts: HostRule
    trusted_proxies: Collection[str]
    stats: Stats
    sockets: set[Front]
    upgrade: Callable[[asyncio.Transport, UpgradeRequest], None]
    serve_http: Callable[[asyncio.Transport, bytes], None]


class Front(asyncio.Protocol):
    """One socket until its request's head is complete."""

    __slots__ = ("_buffer", "_door", "_timer", "_transport")

    def __init__(self, door: Door) -> None:
        self._door = door
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's stream transports are none by class
        self._door.stats.accepted_sockets += 1
        self._door.sockets.add(self)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._door.timeout_seconds, self._refuse, 408)

    def data_received(self, data: bytes) -> None:
        """Read on until the head is whole."""
        self._buffer += data
        end = self._buffer.find(_HEAD_END)
        if end > self._door.size_limit_bytes or (end < 0 and len(self._buffer) > self._door.size_limit_bytes):
            self._refuse(431)
        elif end >= 0:
            try:
                self._route(parse_head(self._buffer[:end]), self._buffer[end + len(_HEAD_END) :])
            except Refusal as refusal:
                self._refuse(refusal.status)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer went away before it had asked for anything."""
        del exc
        self._let_go()

    def abort(self) -> None:
        """Close at once; the server stops."""
        if self._transport is not None:
            self._transport.abort()

    def _route(self, head: RequestHead, rest: bytes) -> None:
        transport, door = self._transport, self._door
        assert transport is not None  # noqa: S101 - data comes after connection_made
        if not door.hosts.allows(head.headers.get("host", ""), lambda: transport.get_extra_info("sockname")[0]):
            raise Refusal(403)
        if head.path != WEBSOCKET_PATH:
            buffer = self._buffer
            self._let_go()
            door.serve_http(transport, buffer)
            return
        key, subprotocol = read_upgrade(head)
        if not door.origins.allow(head.headers.get("origin")):
            raise Refusal(403)
        remote = transport.get_extra_info("peername")
        address = client_address(remote[0], head.headers.get("x-forwarded-for", ""), door.trusted_proxies)
        self._let_go()
        door.upgrade(transport, UpgradeRequest(key=key, subprotocol=subprotocol, address=address, rest=rest))

    def _refuse(self, status: int) -> None:
        transport = self._transport
        self._let_go()
        if transport is None or transport.is_closing():
            return
        self._door.stats.refused_requests[status] += 1
        text = _STATUS_TEXTS[status]
        body = f"{text}\n"
        transport.write(
            f"HTTP/1.1 {status} {text}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            f"{body}".encode()
        )
        transport.close()

    def _let_go(self) -> None:
        self._buffer = b""
        self._transport = None
        self._door.sockets.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def parse_head(head: bytes) -> RequestHead:
    """Read a request's head, without its final empty line.

    Raises:
        Refusal: It is not HTTP/1 as browsers and SDKs write it (status 400).
    """
    try:
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
    except ValueError:
        raise Refusal(400) from None
    if not method.isalpha() or not target.startswith("/") or version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise Refusal(400)
    if len(lines) > _MAX_HEADERS:
        raise Refusal(431)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if not colon or not name or name != name.strip() or _CONTROL.search(value):
            raise Refusal(400)
        if name in headers and name in {"host", "origin", "sec-websocket-key", "sec-websocket-version"}:
            raise Refusal(400)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path, _, query = target.partition("?")
    return RequestHead(method=method, path=path, query=query, headers=headers)


def read_upgrade(head: RequestHead) -> tuple[str, str]:
    """Check a WebSocket handshake (RFC 6455 section 4.2.1), and choose the subprotocol.

    Returns:
        The key, and the subprotocol to answer with, empty for none.

    Raises:
        Refusal: It is not a handshake, or not one this gateway can serve.
    """
    headers = head.headers
    if head.method != "GET":
        raise Refusal(405)
    upgrade, connection = _tokens(headers.get("upgrade", "")), _tokens(headers.get("connection", ""))
    if "websocket" not in upgrade or "upgrade" not in connection or headers.get("sec-websocket-version") != "13":
        raise Refusal(400)
    key = headers.get("sec-websocket-key", "")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        is_key = False
    offered = _tokens(headers.get("sec-websocket-protocol", ""))
    if not is_key or _asks_for_protobuf(head.query) or (offered and _JSON_SUBPROTOCOL not in offered):
        raise Refusal(400)
    return key, _JSON_SUBPROTOCOL if offered else ""


def client_address(peer: str, forwarded_for: str, trusted_proxies: Collection[str]) -> str:
    """Find the client's address: the nearest hop that is not ours (``X-Forwarded-For`` is written left to right).

    Anyone can send the header, so it counts only when a listed proxy did.
    """
    address = peer
    for hop in reversed([hop.strip() for hop in forwarded_for.split(",") if hop.strip()]):
        if address not in trusted_proxies:
            break
        try:
            address = str(ipaddress.ip_address(hop))
        except ValueError:
            break
    return address


def _asks_for_protobuf(query: str) -> bool:
    if not query:
        return False
    asked = parse_qs(query)
    return _PROTOBUF in asked.get("format", []) or _PROTOBUF in asked.get("cf_protocol", [])


def _tokens(value: str) -> list[str]:
    return [token.strip().lower() for token in value.split(",") if token.strip()]
