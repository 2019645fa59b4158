"""Through another provider and back: ``/authorize`` and ``/callback``.

Above: ``parts``. Below: ``oauth``.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from typing import Final

from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.exchange import Request, Response
from cadenza.identity.handlers import Table
from cadenza.identity.oauth import Begun, OAuth
from cadenza.identity.returning import SEE_OTHER, send_on, with_error
from cadenza.protocol.auth import endpoints

_COOKIE: Final = "cadenza-flow-"
_MOST_FIELDS: Final = 50


class OAuthEndpoints:
    """See the module.

    Args:
        config: The site, and where this service stands.
        oauth: Does it.
        on_refusal: Told of what a browser is led away with, for the audit log.
    """

    def __init__(
        self, config: IdentityConfig, *, oauth: OAuth, on_refusal: Callable[[Request, RefusalError], None]
    ) -> None:
        self._config = config
        self._oauth = oauth
        self._on_refusal = on_refusal
        self._own = urllib.parse.urlsplit(config.base_url)

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {
            endpoints.AUTHORIZE: {"GET": self.authorize},
            endpoints.CALLBACK: {"GET": self.callback, "POST": self.callback},
        }

    async def authorize(self, request: Request) -> Response:
        """Send the browser to the provider."""
        begun = await self._oauth.begin(
            request.query,
            redirect_to=redirect_asked_for(request),
            referer=request.headers.get("referer", ""),
            holds_cookies=self._is_browser_of_ours(request),
        )
        return send_on(begun.url, headers=self._bound(begun))

    async def callback(self, request: Request) -> Response:
        """Take the browser back from the provider, and send it on to where it was going."""
        answer = _answer(request)
        try:
            url = await self._oauth.come_back(
                answer,
                cookie=lambda state: _cookie(request, state),
                agent=request.agent,
                on_refusal=lambda refusal: self._on_refusal(request, refusal),
            )
        except RefusalError as refusal:
            self._on_refusal(request, refusal)
            return send_on(with_error(self._config.site_url, refusal, in_fragment=False), status=SEE_OTHER)
        return send_on(url, headers=self._unbound(request, answer.get("state", "")))

    def _is_browser_of_ours(self, request: Request) -> bool:
        """Whether a browser goes there itself, by the name under which it will come back: else it keeps no cookie."""
        return (
            request.headers.get("sec-fetch-mode") == "navigate"
            and request.headers.get("host", "").lower() == self._own.netloc.lower()
        )

    def _bound(self, begun: Begun) -> Mapping[str, str]:
        return self._set_cookie(begun.state, begun.browser, self._config.flow_lifetime_seconds) if begun.browser else {}

    def _unbound(self, request: Request, state: str) -> Mapping[str, str]:
        return self._set_cookie(state, "", 0) if _cookie(request, state) else {}

    def _set_cookie(self, state: str, value: str, lifetime_seconds: float) -> Mapping[str, str]:
        path = f"{self._own.path}{endpoints.CALLBACK}"
        secure = "; Secure" if self._own.scheme == "https" else ""
        # Lax: it comes along when the provider leads the browser back, and with nothing a page sends by itself.
        attributes = f"Path={path}; Max-Age={int(lifetime_seconds)}; HttpOnly; SameSite=Lax{secure}"
        return {"Set-Cookie": f"{_COOKIE}{state}={value}; {attributes}"}


def redirect_asked_for(request: Request) -> str:
    """Where the caller wants the browser to end: a header, else the query."""
    return request.headers.get(endpoints.REDIRECT_TO, "") or request.query.get(endpoints.REDIRECT_TO, "")


def _answer(request: Request) -> Mapping[str, str]:
    if request.method != "POST":
        return request.query
    try:
        fields = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        fields = []
    return {**request.query, **dict(reversed(fields))}


def _cookie(request: Request, state: str) -> str:
    """What the browser kept of a flow.

    Read as RFC 6265 section 5.4 writes it, whatever the others look like: browsers do not keep ports apart, so those of
    every program on this machine come along, and the standard library's reader gives up at the first odd one.
    """
    wanted = f"{_COOKIE}{state.lower()}"
    for held in request.headers.get("cookie", "").split(";"):
        name, _, value = held.strip().partition("=")
        if name == wanted:
            return value
    return ""
