"""A browser without a screen: goes through the test provider's page as a person would, over HTTP."""

from __future__ import annotations

import html
import re
import ssl
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx


def fields(url: str) -> dict[str, str]:
    """What an address says in its query and its fragment."""
    parts = urlsplit(url)
    return dict(parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(parts.fragment, keep_blank_values=True))


async def walk(
    url: str,
    *,
    email: str = "ann@example.com",
    verified: bool = True,
    decision: str = "allow",
    until: str | tuple[str, ...] = "",
    trust: ssl.SSLContext | None = None,
) -> str:
    """Follow an ``/authorize`` through the consent page and back; where the browser ends, on an address of ``until``.

    Args:
        url: Where it begins.
        email: Who sits there.
        verified: Whether that is said to be their address.
        decision: ``allow`` or ``deny``.
        until: What the last address begins with, or one of several; it is not visited.
        trust: Whose certificates the browser believes.
    """
    async with httpx.AsyncClient(timeout=10, verify=trust or True, trust_env=False) as http:
        answer = await http.get(url)
        for _ in range(8):
            if "location" in answer.headers:
                url = urljoin(str(answer.url), answer.headers["location"])
                if url.startswith(until):
                    return url
                answer = await http.get(url)
            else:
                found = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', answer.text)
                form = {name: html.unescape(value) for name, value in found}
                person = {"name": "Ann", "email": email, "decision": decision}
                person |= {"email_verified": "true"} if verified else {}
                answer = await http.post(str(answer.url).partition("?")[0], data={**form, **person})
    raise AssertionError(f"the browser ended at {url.partition('?')[0]}")
