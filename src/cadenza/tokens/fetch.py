"""Getting a JWKS document over HTTP, and how long the answer says it may be kept.

Above: ``jwks.RemoteKeySet`` calls what ``http_fetch`` returns. Below: httpx, ``errors``.

The address is the configuration's, never a token's. HTTPS outside loopback, no redirect is followed, the body is
bounded while it arrives, compressed bodies are refused (row F1).
"""

import ipaddress
from collections.abc import Awaitable, Callable

import httpx
import msgspec

from cadenza.errors import ConfigurationError, ProtocolError

__all__ = ["MAX_BODY_BYTES", "FetchedKeys", "freshness", "http_fetch"]

#: Supabase publishes a handful of keys, a few hundred bytes each.
MAX_BODY_BYTES = 64 * 1024

_OK = 200


class FetchedKeys(msgspec.Struct, frozen=True):
    """A JWKS document as it came. ``max_age``: seconds it may be kept, ``None`` when the provider does not say."""

    body: bytes
    max_age: float | None = None


def http_fetch(
    url: str,
    client: httpx.AsyncClient,
    *,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Callable[[], Awaitable[FetchedKeys]]:
    """Make the function that fetches a provider's key set.

    Args:
        url: Where the provider publishes it, ``https://<ref>.supabase.co/auth/v1/.well-known/jwks.json``.
        client: The HTTP client, with the caller's proxy and certificate settings. It stays the caller's to close.
        max_body_bytes: A longer document is refused.

    Raises:
        ConfigurationError: The address is not HTTPS, and not on this machine.
    """
    _require_safe(url)

    async def fetch() -> FetchedKeys:
        request = client.stream(
            "GET",
            url,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            follow_redirects=False,
        )
        async with request as response:
            if response.status_code != _OK:
                raise ProtocolError(f"The provider answered {response.status_code} for its key set.")
            if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
                raise ProtocolError("The provider compressed its key set unasked.")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_body_bytes:
                    raise ProtocolError(f"The key set is longer than {max_body_bytes} bytes.")
            return FetchedKeys(bytes(body), freshness(response.headers))

    return fetch


def _require_safe(url: str) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationError("The key set's address is not a URL.", setting="jwks_url") from error
    if not parsed.host or parsed.scheme not in {"https", "http"}:
        raise ConfigurationError("The key set's address is not an HTTP URL.", setting="jwks_url")
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise ConfigurationError(
            "The key set's address must be https outside this machine: whoever can change it can sign in as anyone.",
            setting="jwks_url",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def freshness(headers: httpx.Headers) -> float | None:
    """Seconds for which a response is fresh (RFC 9111 section 4.2); ``None`` when ``Cache-Control`` does not say.

    What cannot be read counts as stale, as section 4.2.1 wants. ``Age`` is time already spent in a shared cache.
    """
    shortest: float | None = None
    for directive in headers.get("Cache-Control", "").split(","):
        name, _, value = directive.strip().partition("=")
        match name.strip().lower():
            case "no-store" | "no-cache":
                return 0.0
            case "max-age":
                seconds = _seconds(value)
                shortest = seconds if shortest is None else min(shortest, seconds)
    if shortest is None:
        return None
    return max(0.0, shortest - _seconds(headers.get("Age", "")))


def _seconds(text: str) -> float:
    digits = text.strip().strip('"')
    # Ten digits are 300 years; more would only be an attempt to make a number too large to handle.
    return float(digits[:10]) if digits.isascii() and digits.isdigit() else 0.0
