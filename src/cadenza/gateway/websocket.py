"""A client's WebSocket: picows frames in, connection calls out, and back. The only file that knows picows.

Above: ``server`` hands upgraded sockets over. Below: ``node`` opens a connection, picows speaks RFC 6455.

``WSProtocol`` and the order of its constructor's arguments are private to picows, so its version is pinned
(``pyproject.toml``) and ``tests/gateway/test_websocket.py`` fails when either changes. It gets a canonical request in
place of the client's own, because it takes ``Connection: keep-alive, Upgrade`` (Firefox) for an error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # private: see the module docstring

from cadenza.gateway.connection import Connection
from cadenza.gateway.front import UpgradeRequest
from cadenza.gateway.node import Node
from cadenza.protocol.codes import Disconnects, Termination
from cadenza.protocol.proxy import Peer

__all__ = ["ClientSocket", "upgrade"]

_log = logging.getLogger(__name__)

_READ_BUFFER_BYTES = 1024
_LOWEST_SENDABLE_CODE = 1000
_UNSENDABLE_CODES = frozenset({1005, 1006, 1015})
_TEXT, _CONTINUATION = WSMsgType.TEXT, WSMsgType.CONTINUATION
_DATA = (_TEXT, WSMsgType.BINARY)
_CLOSE, _PING = WSMsgType.CLOSE, WSMsgType.PING


class ClientSocket(WSListener):
    """One client's socket: the listener picows calls, and the transport the connection writes to."""

    __slots__ = ("_closer", "_connection", "_fragments", "_is_paused", "_node", "_peer", "_wire")

    def __init__(self, node: Node, peer: Peer) -> None:
        self._node = node
        self._peer = peer
        self._wire: WSTransport | None = None
        self._connection: Connection | None = None
        self._fragments: bytearray | None = None
        self._closer: asyncio.TimerHandle | None = None
        self._is_paused = False

    # picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._wire = transport
        transport.underlying_transport.set_write_buffer_limits(high=self._node.config.queue_max_size_bytes)
        self._node.stats.accepted_websockets += 1
        self._connection = self._node.open(self, self._peer)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame has arrived."""
        connection = self._connection
        if connection is None:
            return
        kind = frame.msg_type
        if self._closer is not None:
            if kind == _CLOSE:
                transport.disconnect()
            return
        if kind in _DATA:
            if frame.fin and self._fragments is None:
                connection.receive(frame.get_payload_as_bytes())
            else:
                self._gather(connection, frame)
        elif kind == _CONTINUATION:
            self._gather(connection, frame)
        elif kind == _PING:
            # Not picows' own answer: it would swallow the frame that ends a read, and with it the flush.
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind == _CLOSE:
            self._peer_closes(transport, frame)
        if frame.last_in_buffer:
            connection.flush()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone."""
        del transport
        connection, self._connection, self._wire = self._connection, None, None
        if self._closer is not None:
            self._closer.cancel()
        if connection is not None:
            self._node.forget(connection)

    def pause_writing(self) -> None:
        """More than ``queue_max_size_bytes`` waits for the client to read."""
        if self._connection is not None:
            self._connection.close(Disconnects.SLOW)

    def resume_writing(self) -> None:
        """The client has caught up; by then it has been cut off."""

    def too_big(self) -> None:
        """Answer a message over the limit: 1009 without a reason, as recorded (picows would name one)."""
        if self._wire is not None and self._closer is None:
            self._node.stats.disconnects[WSCloseCode.MESSAGE_TOO_BIG.value] += 1
            self._wire.send_close(WSCloseCode.MESSAGE_TOO_BIG)

    # The connection calls

    def send(self, data: bytes) -> None:
        """Send one text frame."""
        if self._wire is not None:
            self._wire.send(_TEXT, data)

    def close(self, termination: Termination) -> None:
        """Send the close frame, then give the peer time to read what is left and to answer."""
        wire = self._wire
        if wire is None or self._closer is not None:
            return
        code = termination.code
        if code < _LOWEST_SENDABLE_CODE or code in _UNSENDABLE_CODES:
            wire.disconnect(graceful=False)
            return
        wire.send_close(code, termination.reason)  # type: ignore[arg-type]  # any code goes, the stub knows a few
        self.resume_reading()
        loop = asyncio.get_running_loop()
        self._closer = loop.call_later(self._node.config.close_timeout_seconds, self._cut)

    def pause_reading(self) -> None:
        """Stop reading: too many commands wait."""
        if self._wire is not None and not self._is_paused:
            self._is_paused = True
            self._wire.underlying_transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._wire is not None and self._is_paused:
            self._is_paused = False
            self._wire.underlying_transport.resume_reading()

    def _cut(self) -> None:
        if self._wire is not None:
            self._wire.disconnect(graceful=False)

    def _peer_closes(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        code = int.from_bytes(payload[:2], "big") if payload else WSCloseCode.OK.value
        transport.send_close(code)  # type: ignore[arg-type]  # any code goes, the stub knows a few
        transport.disconnect()

    def _gather(self, connection: Connection, frame: WSFrame) -> None:
        """Put a fragmented message together (RFC 6455 section 5.4)."""
        is_first = frame.msg_type != _CONTINUATION
        if is_first == (self._fragments is not None):
            connection.close(Termination(code=WSCloseCode.PROTOCOL_ERROR.value))
            return
        if self._fragments is None:
            self._fragments = bytearray()
        self._fragments += frame.get_payload_as_memoryview()
        if len(self._fragments) > self._node.config.message_size_limit_bytes:
            connection.close(Termination(code=WSCloseCode.MESSAGE_TOO_BIG.value))
        elif frame.fin:
            message, self._fragments = bytes(self._fragments), None
            connection.receive(message)


class _Journal:
    """What picows writes its log to: quiet about peers, loud about our own mistakes, and told of each parser error.

    Not a ``logging.Logger``: picows makes a child of one for each socket.
    """

    __slots__ = ("_socket",)

    def __init__(self, socket: ClientSocket) -> None:
        self._socket = socket

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        del level
        return False

    def _ignore(self, *args: object, **kwargs: object) -> None:
        """A peer's doings are counted, not logged."""

    debug = info = warning = log = _ignore

    def error(self, message: str, *args: object) -> None:
        # picows says so before it sends its own close frame; the first one sent is the only one.
        details = args[0] if args else None
        if isinstance(details, tuple) and details and details[0] == WSCloseCode.MESSAGE_TOO_BIG:
            self._socket.too_big()
        else:
            _log.debug("picows: %s", message)

    def exception(self, message: str, *args: object) -> None:
        _log.exception(message, *args)


def upgrade(node: Node, transport: asyncio.Transport, request: UpgradeRequest) -> None:
    """Turn a socket whose handshake has been checked into a client's WebSocket."""
    socket = ClientSocket(node, Peer(address=request.address))
    protocol = _make_protocol(socket, request.subprotocol, node.config.message_size_limit_bytes)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    _replay(protocol, _canonical_head(request.key) + request.rest)


def _make_protocol(socket: ClientSocket, subprotocol: str, message_size_limit: int) -> asyncio.BufferedProtocol:
    headers = {"Sec-WebSocket-Protocol": subprotocol} if subprotocol else None

    def accept(_: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(headers), socket)

    factory: Callable[..., asyncio.BufferedProtocol] = WSProtocol
    return factory(
        None,  # host_port: a server has none
        None,  # ws_path
        False,  # noqa: FBT003 - is_client_side; all positional in picows' own code too
        accept,
        _Journal(socket),
        True,  # noqa: FBT003 - disconnect_on_exception
        None,  # handshake timeout: the handshake has arrived
        False,  # noqa: FBT003 - enable_auto_ping: the client protocol has its own pings
        10,
        10,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # noqa: FBT003 - enable_auto_pong: see on_ws_frame
        message_size_limit,
        None,  # extra_headers
        _READ_BUFFER_BYTES,
    )


def _canonical_head(key: str) -> bytes:
    return (
        "GET / HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode("ascii")


def _replay(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    while data:
        buffer = memoryview(protocol.get_buffer(len(data)))
        count = min(len(buffer), len(data))
        buffer[:count] = data[:count]
        protocol.buffer_updated(count)
        data = data[count:]
