"""Which browser pages may call (the Fetch standard's CORS protocol), as Supabase's gateway answers it.

Supabase Auth itself does not allow the ``apikey`` header its own clients send; the gateway before it does, and so does
this provider, which stands for both. No cookies are used, so credentials are never allowed.

Above: ``app``. Below: ``config``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from cadenza.identity.config import ANY_ORIGIN, is_loopback
from cadenza.protocol.auth.endpoints import API_KEY_HEADER, API_VERSION_HEADER

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_HEADERS: Final = frozenset(
    {
        "accept",
        "authorization",
        "content-type",
        "x-client-info",
        "x-client-ip",
        "x-jwt-aud",
        "x-use-cookie",
        API_KEY_HEADER.lower(),
        API_VERSION_HEADER.lower(),
    }
)
_EXPOSED: Final = f"X-Total-Count, Link, {API_VERSION_HEADER}"
_ORIGIN: Final = "Access-Control-Allow-Origin"


class CorsPolicy:
    """Answers for one list of origins.

    Args:
        allowed_origins: ``None``: pages served from loopback at any port, and the site's own.
        allowed_headers: That pages may send beside those of Supabase's clients.
        site_url: Where the application's pages are.
    """

    def __init__(
        self, allowed_origins: tuple[str, ...] | None, allowed_headers: Iterable[str] = (), site_url: str = ""
    ) -> None:
        self._site = _origin_of(site_url)
        self._headers = _HEADERS | {name.lower() for name in allowed_headers}
        self._allowed = None if allowed_origins is None else frozenset(allowed_origins)

    def allows(self, origin: str) -> bool:
        """Whether a page of that origin may call."""
        if self._allowed is None:
            return origin == self._site or _is_loopback_origin(origin)
        return ANY_ORIGIN in self._allowed or origin in self._allowed

    def preflight(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that answer an ``OPTIONS`` request with ``Access-Control-Request-Method``."""
        answer = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
        origin = headers.get("origin", "")
        method = headers.get("access-control-request-method", "")
        wanted = headers.get("access-control-request-headers", "")
        names = {name.strip().lower() for name in wanted.split(",") if name.strip()}
        if not self.allows(origin) or method not in _METHODS or not names <= self._headers:
            return answer
        answer[_ORIGIN] = self._shown(origin)
        answer["Access-Control-Allow-Methods"] = method
        if names:
            answer["Access-Control-Allow-Headers"] = wanted
        return answer

    def response(self, origin: str) -> dict[str, str]:
        """The headers on every other answer; ``origin`` is empty when no page asked."""
        answer = {"Vary": "Origin"}
        if origin and self.allows(origin):
            answer[_ORIGIN] = self._shown(origin)
            answer["Access-Control-Expose-Headers"] = _EXPOSED
        return answer

    def _shown(self, origin: str) -> str:
        return ANY_ORIGIN if self._allowed is not None and ANY_ORIGIN in self._allowed else origin


def _is_loopback_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.scheme in {"http", "https"} and is_loopback(parts.hostname or "")
    except ValueError:
        return False


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""
