"""One HTTP request to Supabase Auth, and the few pieces that builders share.

Above: the builders beside it. Below: ``messages``, ``endpoints``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.messages import Discreet
from cadenza.protocol.auth.words import S256


class Request(Discreet, frozen=True, kw_only=True):
    """One HTTP request, relative to the service's root.

    Attributes:
        method: HTTP's method.
        path: Begins with a slash, without the prefix.
        query: Name and value pairs, not yet encoded.
        body: JSON, or empty for none.
        bearer: The access token to send, or empty for none.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    bearer: str = ""

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"

    def headers(self, *, api_key: str = "") -> dict[str, str]:
        """The headers to send. ``api_key``: the project's publishable key, for Supabase's gateway."""
        headers = {"Accept": "application/json", endpoints.API_VERSION_HEADER: endpoints.API_VERSION}
        if self.body:
            headers["Content-Type"] = "application/json;charset=UTF-8"
        if api_key:
            headers[endpoints.API_KEY_HEADER] = api_key
        if self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        return headers


def post(path: str, body: msgspec.Struct, *, bearer: str = "", redirect_to: str = "") -> Request:
    """A ``POST`` with JSON. ``redirect_to`` travels in the query, where Supabase's own clients put it."""
    query = ((endpoints.REDIRECT_TO, redirect_to),) if redirect_to else ()
    return Request(method="POST", path=path, query=query, body=msgspec.json.encode(body), bearer=bearer)


def method_for(code_challenge: str | None) -> str | None:
    """The method that a challenge goes with: ``s256``, or nothing without one."""
    return S256 if code_challenge else None


def own(data: Mapping[str, object] | None) -> dict[str, object] | None:
    """The caller's mapping as the dictionary that a body holds."""
    return dict(data) if data is not None else None
