"""The backend over HTTP, as raw ASGI: Centrifugo's rpc and subscribe proxies, its key set, health and readiness.

Above: uvicorn. Below: ``handlers``, ``intake``, ``jwks``, ``proxy_secret``, ``protocol.proxy``, ``address``. Raw ASGI
because each RPC behind a real Centrifugo passes here. Source: Centrifugo v6, "Proxy events to the backend"; a non-200
answer reaches the client as error 100, temporary.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from cadenza._version import __version__
from cadenza.backend.address import AddressReader
from cadenza.backend.config import BackendConfig
from cadenza.backend.handlers import Handlers
from cadenza.backend.intake import Intake, Taking
from cadenza.backend.jwks import UNREACHABLE, GatewayKeys
from cadenza.backend.proxy_secret import ProxySecret
from cadenza.errors import ProtocolError
from cadenza.protocol import proxy

#: The header a gateway proves itself with (Centrifugo: ``rpc.proxy.http.static_headers``).
SECRET_HEADER = "X-Cadenza-Proxy-Secret"  # noqa: S105 - a header's name

# ASGI's own types (asgi.readthedocs.io); its messages are open dictionaries.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Where a gateway gets the keys (Centrifugo: ``client.token.jwks_public_endpoint``).
JWKS_PATH = "/.well-known/jwks.json"

#: Where the provider's database tells which sessions it has deleted (``docs/how-to/end-sessions.md``).
SESSIONS_ENDED_PATH = "/hooks/sessions-ended"

#: What is asked with the secret, and answered to the last.
_CALLS = frozenset({"/proxy/rpc", "/proxy/subscribe", SESSIONS_ENDED_PATH})

# For caches on the way; Centrifugo keeps keys by a rule of its own.
_SHORT_LIVED = (b"cache-control", b"public, max-age=30")
_CLOSE = (b"connection", b"close")
_RETRY = (b"retry-after", b"1")
#: The contract's words, from good to bad.
_WORDS = ("healthy", "degraded", "unhealthy")
_SECRET = SECRET_HEADER.lower().encode()
_JSON = b"application/json"
_LONGEST_LENGTH = 18  # digits; Python refuses to read numbers of thousands of them


class Health(NamedTuple):
    """One part's condition: its name, whether calls should be sent here with it as it is, and what is wrong with it.

    What works and has a reason all the same is what others are to blame for, and no other backend could do better.
    """

    part: str
    works: bool
    reason: str = ""


class _Refusal(Exception):  # noqa: N818 - an HTTP answer on its way out
    def __init__(self, status: int, reason: str, *, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = list(headers)


class App:
    """The ASGI application.

    Args:
        config: Secret, limits, hosts and trusted proxies.
        handlers: Who answers the proxied calls.
        parts: The parts readiness depends on, as they are now.
        clock: Seconds since the epoch.
        on_sessions_ended: Is told which sessions have ended at the provider.
        gateway_keys: The key set for the gateway; None: it is not served, as in the embedded stack.

    Attributes:
        intake: The proxied calls under way; whoever stops the backend closes it first.
    """

    def __init__(
        self,
        config: BackendConfig,
        handlers: Handlers,
        *,
        parts: Callable[[], tuple[Health, ...]],
        clock: Callable[[], float],
        on_sessions_ended: Callable[[Iterable[str]], None],
        gateway_keys: GatewayKeys | None = None,
    ) -> None:
        self._gateway_keys = gateway_keys
        self._on_sessions_ended = on_sessions_ended
        self.intake = Intake()
        self._secret = (
            ProxySecret(config.proxy_secret, config.previous_proxy_secret, clock=clock)
            if config.proxy_secret is not None
            else None
        )
        self._max_body_bytes = config.max_body_bytes
        self._hosts = frozenset(host.lower() for host in config.allowed_hosts)
        self._addresses = AddressReader(config.trusted_proxies)
        self._handlers = handlers
        self._parts = parts
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            try:
                await self._http(scope, receive, send)
            except _Refusal as refusal:
                await _answer(send, refusal.status, msgspec.json.encode({"error": refusal.reason}), refusal.headers)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def condition(self) -> tuple[Health, ...]:
        """The parts readiness depends on, now. The provider is asked for its keys, if that is due."""
        parts = list(self._parts())
        if self._gateway_keys is not None:
            await self._gateway_keys.document()
            trouble = self._gateway_keys.trouble
            # Without any key to serve, another backend may do better; with old ones, none does.
            parts.append(Health("keys", works=trouble != UNREACHABLE, reason=trouble))
        if self.intake.taking is not Taking.ALL:
            parts.append(Health("calls", works=False, reason="the backend is stopping"))
        return tuple(parts)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        self._check_host(headers)
        path = scope["path"]
        if path in _CALLS and self._secret is not None:
            if self.intake.taking is Taking.NONE:
                raise _Refusal(503, "the backend is stopping", headers=[_CLOSE, _RETRY])
            with self.intake:
                answer = await self._proxied(path, scope, headers, receive)
                await _answer(send, 200, answer, [] if self.intake.taking is Taking.ALL else [_CLOSE])
        elif path in {"/health", "/ready"}:
            _require_reading(scope)
            status, report = self._health() if path == "/health" else await self._readiness()
            await _answer(send, status, msgspec.json.encode(report))
        elif path == JWKS_PATH and self._gateway_keys is not None:
            _require_reading(scope)
            fresh = b"no-cache" in headers.get(b"cache-control", b"") and self._has_secret(headers)
            await _answer(send, 200, await self._key_set(self._gateway_keys, fresh=fresh), [_SHORT_LIVED])
        else:
            raise _Refusal(404, "there is nothing here")

    async def _proxied(self, path: str, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        try:
            body = await self._proxied_body(scope, headers, receive)
            return await self._call(path, body, self._peer(scope, headers))
        except asyncio.CancelledError:
            # The server is stopping and waits no longer. This is the end of its task, and the gateway is told.
            raise _Refusal(503, "the backend is stopping", headers=[_CLOSE, _RETRY]) from None

    async def _call(self, path: str, body: bytes, peer: proxy.Peer) -> bytes:
        if path == SESSIONS_ENDED_PATH:
            self._on_sessions_ended(_ended(body))
            return b"{}"
        try:
            if path == "/proxy/rpc":
                return proxy.encode_rpc_response(await self._handlers.rpc(proxy.decode_rpc_request(body), peer))
            request = proxy.decode_subscribe_request(body)
        except ProtocolError as error:
            raise _Refusal(400, error.message) from None
        return proxy.encode_subscribe_response(await self._handlers.subscribe(request, peer))

    async def _key_set(self, keys: GatewayKeys, *, fresh: bool) -> bytes:
        document = await keys.document(fresh=fresh)
        if document is None:
            raise _Refusal(503, "the identity provider's keys cannot be had now", headers=[_RETRY])
        return document

    def _check_host(self, headers: Mapping[bytes, bytes]) -> None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host[: host.rfind("]") + 1] if host.startswith("[") else host.partition(":")[0]
        port = host[len(name) :]
        if port and not (port.startswith(":") and port[1:].isdigit()):
            name = ""
        if "*" not in self._hosts and name not in self._hosts:
            raise _Refusal(421, "this host is not served here")

    def _has_secret(self, headers: Mapping[bytes, bytes]) -> bool:
        return self._secret is not None and self._secret.is_shown_by(headers.get(_SECRET, b""))

    async def _proxied_body(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The body of a call that a gateway made; everything else is refused before the body is looked at."""
        if not self._has_secret(headers):
            raise _Refusal(401, f"the {SECRET_HEADER} header is missing or wrong")
        if b"origin" in headers:
            raise _Refusal(403, "browsers have no business here")
        if scope["method"] != "POST":
            raise _Refusal(405, "only POST is allowed here", headers=[(b"allow", b"POST")])
        kind = headers.get(b"content-type", _JSON).partition(b";")[0].strip().lower()
        if kind != _JSON:
            raise _Refusal(415, "only application/json is understood here")
        return await self._read(headers, receive)

    async def _read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        too_large = _Refusal(413, f"the body is larger than {self._max_body_bytes} bytes")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            raise _Refusal(400, "Content-Length is not a number")
        if len(length) > _LONGEST_LENGTH or int(length) > self._max_body_bytes:
            raise too_large
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refusal(400, "the body ended too early")
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._max_body_bytes:
                raise too_large
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _peer(self, scope: Scope, headers: Mapping[bytes, bytes]) -> proxy.Peer:
        client = scope.get("client") or ("", 0)
        address = self._addresses.read(
            client[0],
            forwarded_for=b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode(
                "latin-1"
            ),
            real_ip=headers.get(b"x-real-ip", b"").decode("latin-1"),
        )
        return proxy.Peer(address=address)

    def _health(self) -> tuple[int, dict[str, object]]:
        """Alive, in the contract's form of ``GET /health``; whether it can serve is ``/ready``'s matter."""
        now = self._clock()
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        return 200, {
            "status": "healthy",
            "timestamp": int(now * 1000),
            "isoDateTime": at.replace("+00:00", "Z"),
            "version": __version__,
        }

    async def _readiness(self) -> tuple[int, dict[str, object]]:
        parts = await self.condition()
        ready = all(part.works for part in parts)
        checks = {part.part: _check(part) for part in parts}
        worst = max((_severity(part) for part in parts), default=0)
        return (200 if ready else 503), {"status": _WORDS[worst], "checks": checks}


class _Row(msgspec.Struct, frozen=True):
    id: str


class _Deletion(msgspec.Struct, frozen=True):
    """A Database Webhook of Supabase on ``auth.sessions``, of which the deleted row's id is read."""

    old_record: _Row


class _Deletions(msgspec.Struct, frozen=True):
    """Several at once, as our own trigger and the embedded provider send them."""

    session_ids: tuple[str, ...] = msgspec.field(name="sessionIds")


def _ended(body: bytes) -> tuple[str, ...]:
    """The ids of deleted sessions; raises a refusal."""
    try:
        return msgspec.json.decode(body, type=_Deletions).session_ids
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return (msgspec.json.decode(body, type=_Deletion).old_record.id,)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Refusal(400, 'neither {"sessionIds": [...]} nor a deletion from auth.sessions') from None


def _require_reading(scope: Scope) -> None:
    if scope["method"] not in {"GET", "HEAD"}:
        raise _Refusal(405, "only GET is allowed here", headers=[(b"allow", b"GET, HEAD")])


def _severity(part: Health) -> int:
    if not part.works:
        return 2
    return int(bool(part.reason))


def _check(part: Health) -> dict[str, str]:
    status = _WORDS[_severity(part)]
    return {"status": status, "reason": part.reason} if part.reason else {"status": status}


async def _live(receive: Receive, send: Send) -> None:
    """The lifespan protocol: nothing to do, as ``service`` starts and stops the parts."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    start = [(b"content-type", _JSON), (b"content-length", b"%d" % len(body)), *(headers or ())]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
