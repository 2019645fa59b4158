"""The ASGI shell: from a scope to a handler's request, from a handler's response or refusal to bytes.

Raw ASGI, no framework: the table of ``handlers`` is all the routing there is, the answers' form is Supabase Auth's to
the letter, and importing Litestar takes a quarter of the time the whole stack has to start in.

It checks what does not depend on the endpoint: ``Host`` and ``Origin`` (another web page must not reach a provider on
loopback, nor by a name of its own that resolves to it), the body's length, the path's prefix.

Above: ``server``. Below: ``handlers``, ``cors``, ``protocol.auth.errors``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final  # ASGI's own types
from urllib.parse import parse_qsl

from cadenza.identity.config import IdentityConfig, is_loopback
from cadenza.identity.cors import CorsPolicy
from cadenza.identity.errors import RefusalError, body_too_large, body_too_slow, unexpected_failure
from cadenza.identity.exchange import Request, Response
from cadenza.identity.handlers import Handler
from cadenza.identity.oauth_errors import OAuthRefusalError
from cadenza.identity.routes import Routes
from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.endpoints import API_VERSION_HEADER
from cadenza.protocol.auth.errors import encode_error, encode_oauth_error, wants_dated_form

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG: Final = logging.getLogger(__name__)

_TEXT: Final[Mapping[str, str]] = {"Content-Type": "text/plain; charset=utf-8"}
_NOT_FOUND: Final = Response(status=404, headers=_TEXT, body=b"404 page not found\n")
_ORIGIN_REFUSED: Final = Response(status=403, headers=_TEXT, body=b"403 origin not allowed\n")
_HOST_REFUSED: Final = Response(status=421, headers=_TEXT, body=b"421 this host is not served here\n")

_MOST_QUERY_FIELDS: Final = 50
_FORWARDED_FOR: Final = "x-forwarded-for"
#: RFC 4291's longest text is 45 characters, and a zone may follow; what is longer is no address.
_LONGEST_ADDRESS: Final = 64
#: RFC 1035 section 2.3.4.
_LONGEST_HOST: Final = 255
#: Of a header: a longer one is read each time anew.
_LONGEST_KEPT_NAME: Final = 64


class _ClientGoneError(Exception):
    """The client left before its request was whole."""


class IdentityApp:
    """The provider as an ASGI application.

    Args:
        config: Prefixes, limits, origins and hosts.
        table: Path pattern -> method -> handler (``routes``).
        on_refusal: Told of each refusal of a handler's; must neither wait nor raise.
    """

    def __init__(
        self,
        config: IdentityConfig,
        table: Mapping[str, Mapping[str, Handler]],
        *,
        on_refusal: Callable[[Request, RefusalError], None] = lambda _request, _refusal: None,
    ) -> None:
        self._config = config
        self._on_refusal = on_refusal
        self._routes = Routes(table)
        self._cors = CorsPolicy(config.allowed_origins, config.allowed_headers, config.site_url)
        self._prefixes = sorted(config.path_prefixes, key=len, reverse=True)
        self._address_header = config.address_header.lower()
        self._checks_host = is_loopback(config.host)
        self._own_origin = "/".join(config.base_url.split("/", 3)[:3])
        self._hosts = frozenset(host.lower() for host in config.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; anything else is not served."""
        if scope["type"] != "http":
            return
        headers = _headers(scope["headers"])
        try:
            response = await self._answer(scope, headers, receive)
        except _ClientGoneError:
            return
        await _send(send, response, self._common(scope["method"], headers))

    async def _answer(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Response:
        if self._checks_host and not self._is_own_host(headers.get("host", "")):
            return _HOST_REFUSED
        if _is_preflight(scope["method"], headers):
            return Response(status=204)
        path = self._path_in_table(scope["path"])
        if path != endpoints.CALLBACK and not self._may_come_from(headers):
            return _ORIGIN_REFUSED
        found = self._routes.find(path)
        if found is None:
            return _NOT_FOUND
        handler = found.methods.get(scope["method"])
        if handler is None:
            return Response(status=405, headers={"Allow": ", ".join(sorted(found.methods))})
        return await self._handled(handler, found.values, scope, headers, receive)

    async def _handled(
        self,
        handler: Handler,
        values: Mapping[str, str],
        scope: Scope,
        headers: Mapping[str, str],
        receive: Receive,
    ) -> Response:
        request = Request(
            method=scope["method"],
            path=scope["path"],
            values=values,
            query=_query(scope["query_string"]),
            headers=headers,
            address=self._address(scope, headers),
        )
        try:
            body = b"" if _has_no_body(request) else await self._body(headers, receive)
            return await handler(dataclasses.replace(request, body=body) if body else request)
        except RefusalError as refusal:
            self._on_refusal(request, refusal)
            return _refused(refusal, headers)
        except _ClientGoneError:
            raise
        except Exception:  # noqa: BLE001 - the outermost edge: it becomes a 500, and a line in the log
            # The traceback names lines, not values: no body, token or password is in it.
            _LOG.exception("%s %s failed", scope["method"], self._path_in_table(scope["path"]))
            return _refused(unexpected_failure(), headers)

    def _common(self, method: str, headers: Mapping[str, str]) -> dict[str, str]:
        if _is_preflight(method, headers):
            return self._cors.preflight(headers)
        return {**self._cors.response(headers.get("origin", "")), "X-Content-Type-Options": "nosniff"}

    def _path_in_table(self, path: str) -> str:
        for prefix in self._prefixes:
            if path.startswith(f"{prefix}/"):
                return path[len(prefix) :]
        return ""

    def _may_come_from(self, headers: Mapping[str, str]) -> bool:
        """Whether the page that asks may: one of ours always (``Host`` has been looked at by then).

        Providers send forms to the callback from wherever they are: there the state counts.
        """
        origin = headers.get("origin", "")
        if not origin or self._cors.allows(origin) or origin == self._own_origin:
            return True
        scheme = self._own_origin.partition("://")[0]
        return self._checks_host and origin == f"{scheme}://{headers.get('host', '')}"

    def _is_own_host(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.removeprefix("[").removesuffix("]").lower()
        return len(name) <= _LONGEST_HOST and (is_loopback(name) or name in self._hosts)

    def _address(self, scope: Scope, headers: Mapping[str, str]) -> str:
        """Who is counted: the peer, or who a proxy says it speaks for.

        Behind proxies that are listed, the last address that is not one of them; with a header that a proxy is known
        to set, its first value, as Supabase Auth reads ``GOTRUE_RATE_LIMIT_HEADER``.
        """
        named = headers.get(self._address_header, "").split(",", 1)[0].strip() if self._address_header else ""
        if named:
            return named[:_LONGEST_ADDRESS]
        client = scope.get("client")
        address = str(client[0]) if client else ""
        forwarded = [hop.strip() for hop in headers.get(_FORWARDED_FOR, "").split(",") if hop.strip()]
        while address in self._config.trusted_proxies and forwarded:
            address = forwarded.pop()
        return address

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        limit = self._config.body_limit_bytes
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            raise body_too_large(limit)
        try:
            async with asyncio.timeout(self._config.body_deadline_seconds):
                return await _whole_body(receive, limit)
        except TimeoutError:
            raise body_too_slow() from None


def _has_no_body(request: Request) -> bool:
    """Whether a ``GET`` announces none (RFC 9112 section 6.3): then nothing need be waited for."""
    headers = request.headers
    return request.method == "GET" and headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers


async def _whole_body(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        body += message.get("body", b"")
        if len(body) > limit:
            raise body_too_large(limit)
        more = message.get("more_body", False)
    return bytes(body)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Each header's first value, as Go's ``Header.Get`` has it; of ``X-Forwarded-For`` all: its last hop counts."""
    headers: dict[str, str] = {}
    for encoded, value in raw:
        name = _known_name(encoded) if len(encoded) <= _LONGEST_KEPT_NAME else encoded.decode("latin-1").lower()
        text = value.decode("latin-1").strip(" \t")  # RFC 9110 section 5.5: not part of the value
        if name == _FORWARDED_FOR and name in headers:
            headers[name] += f",{text}"
        else:
            headers.setdefault(name, text)
    return headers


@functools.lru_cache(maxsize=256)
def _known_name(encoded: bytes) -> str:
    """A header's name. The same dozen come with every request; values are not kept: they may be secret."""
    return encoded.decode("latin-1").lower()


def _is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    return method == "OPTIONS" and "access-control-request-method" in headers


def _query(raw: bytes) -> dict[str, str]:
    """The first value of each name, as Go's ``Query().Get`` has it; an absurd query is as good as none."""
    query: dict[str, str] = {}
    if not raw:
        return query
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError:
        return query
    for name, value in pairs:
        query.setdefault(name, value)
    return query


def _refused(refusal: RefusalError, headers: Mapping[str, str]) -> Response:
    if isinstance(refusal, OAuthRefusalError):
        own, body = encode_oauth_error(refusal.error, refusal.message, dated=_wants_dated(headers))
        return Response(status=refusal.status, headers=own, body=body)
    dated = _wants_dated(headers)
    own, body = encode_error(
        status=refusal.status,
        error_code=refusal.error_code,
        message=refusal.message,
        dated=dated,
        reasons=refusal.reasons,
    )
    if refusal.retry_after_seconds is not None:
        own["Retry-After"] = str(max(1, math.ceil(refusal.retry_after_seconds)))
    return Response(status=refusal.status, headers=own, body=body)


def _wants_dated(headers: Mapping[str, str]) -> bool:
    return wants_dated_form(headers.get(API_VERSION_HEADER.lower()))


@functools.lru_cache(maxsize=256)
def _header_name(name: str) -> bytes:
    """As uvicorn wants it. The names are ours, a few dozen; values are not kept: they may be secret."""
    return name.lower().encode("latin-1")


async def _send(send: Send, response: Response, common: Mapping[str, str]) -> None:
    headers = {**common, **response.headers}
    if response.status not in {204, 304}:
        headers["Content-Length"] = str(len(response.body))
    encoded = [(_header_name(name), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})
