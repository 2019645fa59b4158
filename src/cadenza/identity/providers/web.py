"""HTTP towards providers: bounded, quick to give up, over TLS, and never led elsewhere.

Where to is the operator's configuration, or an issuer's discovery document, which may not lead from the open network
to this machine or into a private one (SSRF). No redirect is followed. What goes wrong is ``ProviderError``: its text is
for our log, never for whoever signs in.

Above: ``oidc`` and the presets. Below: httpx.
"""

from __future__ import annotations

import base64
import ipaddress
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import httpx
import msgspec

from cadenza.identity.config import is_loopback
from cadenza.tokens.fetch import FetchedKeys, freshness

#: Supabase Auth's own.
TIMEOUT_SECONDS: Final = 10.0
_MOST_BYTES: Final = 256 * 1024
_OK: Final = 200
_JSON: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "cadenza"}


class ProviderError(Exception):
    """The provider cannot be asked, or answered something else than it should."""


def new_client(own_certificate: Path | None = None) -> httpx.AsyncClient:
    """A client that goes by the proxies of the environment, but never to this machine by one.

    Args:
        own_certificate: What this service shows where it speaks TLS: it asks its own test provider over TLS, too, and
            nobody else vouches for a certificate somebody made for this machine.
    """
    trust = httpx.create_ssl_context(trust_env=False)
    if own_certificate is not None:
        trust.load_verify_locations(own_certificate)
    direct = {f"all://{host}": httpx.AsyncHTTPTransport(verify=trust) for host in ("localhost", "127.0.0.1", "[::1]")}
    return httpx.AsyncClient(mounts=direct)


class Web:
    """Asks providers.

    Args:
        make_client: Called when the first one is asked: reading the machine's certificates takes its time.
    """

    def __init__(self, make_client: Callable[[], httpx.AsyncClient]) -> None:
        self._make_client = make_client
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close what was opened."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def get_json(self, url: str, *, bearer: str = "") -> object:
        """An answer in JSON.

        Raises:
            ProviderError: There is none.
        """
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        body, _ = await self._ask("GET", url, headers=headers)
        return _decoded(body)

    async def get_object(self, url: str, *, bearer: str = "") -> dict[str, object]:
        """An answer that is a JSON object. Raises as ``get_json`` does."""
        return as_object(await self.get_json(url, bearer=bearer))

    async def get_keys(self, url: str) -> FetchedKeys:
        """A key set, for ``tokens.jwks.RemoteKeySet``."""
        body, headers = await self._ask("GET", url, headers={})
        return FetchedKeys(body, freshness(headers))

    async def post_form(
        self, url: str, fields: Mapping[str, str], *, basic: tuple[str, str] | None
    ) -> dict[str, object]:
        """The answer of a token endpoint: JSON, or a form as GitHub wrote it once. Raises as ``get_json`` does."""
        headers = {"Authorization": _basic(*basic)} if basic else {}
        body, answered = await self._ask("POST", url, headers=headers, form=fields)
        if answered.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            return dict(urllib.parse.parse_qsl(body.decode("latin-1")))
        return as_object(_decoded(body))

    async def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> tuple[bytes, httpx.Headers]:
        require_safe(url)
        if self._client is None:
            self._client = self._make_client()
        try:
            request = self._client.stream(
                method,
                url,
                headers={**_JSON, **headers},
                data=form,
                follow_redirects=False,
                timeout=TIMEOUT_SECONDS,
            )
            async with request as response:
                if response.status_code != _OK:
                    raise ProviderError(f"{_shown(url)} answered {response.status_code}")
                return await _bounded(response, url), response.headers
        except httpx.HTTPError as error:
            raise ProviderError(f"{_shown(url)} cannot be asked: {type(error).__name__}") from error


async def _bounded(response: httpx.Response, url: str) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProviderError(f"{_shown(url)} compressed its answer unasked")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ProviderError(f"{_shown(url)} answered more than {_MOST_BYTES} bytes")
    return bytes(body)


def require_safe(url: str, *, named_by: str = "") -> None:
    """Refuse an address over which others could listen, or to which ``named_by`` has no business leading us.

    Raises:
        ProviderError: It is one.
    """
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None or "\\" in url:
        raise ProviderError(f"{_shown(url)} is no address of a provider")
    if parts.scheme == "http" and not is_loopback(host):
        raise ProviderError(f"{_shown(url)} is not https")
    if named_by and _is_inside(host) and not _is_inside(urllib.parse.urlsplit(named_by).hostname or ""):
        raise ProviderError(f"{_shown(named_by)} names an address of a private network")


def _is_inside(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def as_object(value: object) -> dict[str, object]:
    """A JSON object.

    Raises:
        ProviderError: It is something else.
    """
    if not isinstance(value, dict):
        raise ProviderError("the provider's answer is no JSON object")
    return value


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderError("the provider's answer is no JSON") from None


def _basic(name: str, secret: str) -> str:
    # RFC 6749 section 2.3.1: both are form-encoded first.
    pair = f"{urllib.parse.quote_plus(name)}:{urllib.parse.quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _shown(url: str) -> str:
    """An address without its query, which may hold what is nobody's business."""
    return url.partition("?")[0][:200]
