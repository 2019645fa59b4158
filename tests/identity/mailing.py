"""What the tests of links and codes share: asking, reading the inbox, following links.

Above: ``test_links``, ``test_verify``, ``test_changes`` and the like. Below: the provider of ``conftest``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

ANN, BOB = "ann@example.com", "bob@example.com"
PASSWORD = "correct horse 1"
CALLBACK = "http://127.0.0.1:3000/cb"
DATED = {"X-Supabase-Api-Version": "2024-01-01"}


async def post(provider: Any, path: str, body: dict[str, Any], **headers: str) -> Any:
    """POST as both official clients do."""
    return await provider.http.post(path, json=body, headers={**DATED, **headers})


async def put_user(provider: Any, token: str, body: dict[str, Any], **query: str) -> Any:
    """PUT /user."""
    headers = {**DATED, "Authorization": f"Bearer {token}"}
    return await provider.http.put("/user", json=body, headers=headers, params=query)


async def get(provider: Any, path: str, token: str) -> Any:
    """GET with a bearer."""
    return await provider.http.get(path, headers={**DATED, "Authorization": f"Bearer {token}"})


def code_of(answer: Any) -> tuple[int, str]:
    """Status and error code."""
    body = answer.json()
    return answer.status_code, body.get("code", "") if isinstance(body, dict) else ""


def newest(provider: Any, to: str = ANN) -> Any:
    """The newest mail to an address."""
    return provider.parts.inbox.newest(to=to)[0]


def mails(provider: Any, to: str = "") -> int:
    """How many mails there are."""
    return len(provider.parts.inbox.newest(to=to))


def token_of(mail: Any) -> str:
    """The token in a mail's link."""
    values: dict[str, str] = dict(parse_qsl(urlsplit(str(mail.link)).query))
    return values["token"]


async def follow(provider: Any, link: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Follow a link as a browser does: where it leads, and what that address says in its query and its fragment."""
    answer = await provider.http.get(link)
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    where = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return where, dict(parse_qsl(parts.query)), dict(parse_qsl(parts.fragment, keep_blank_values=True))


async def verified(provider: Any, **body: str) -> Any:
    """The session of a code."""
    answer = await post(provider, "/verify", body)
    assert answer.status_code == 200, answer.text
    return answer.json()
