"""Where a request wants the browser to end, if that is allowed.

Above: the endpoints that send a browser on or put a link into a mail. Below: ``redirects``.
"""

from __future__ import annotations

from cadenza.identity.exchange import Request
from cadenza.identity.redirects import Redirects
from cadenza.protocol.auth import endpoints


def leads_to(redirects: Redirects, request: Request) -> str:
    """``redirect_to`` of a header or of the query, else the page it was asked from, else the site."""
    name = endpoints.REDIRECT_TO
    wanted = request.headers.get(name, "") or request.query.get(name, "")
    return redirects.choose(wanted, request.headers.get("referer", ""))
