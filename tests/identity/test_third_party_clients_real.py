"""Third-party applications at the real Supabase Auth and ours: the same requests, the same answers."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from tests.identity.side_by_side import Real, Side, beside, running_real
from tests.identity.test_official_clients_oauth import administer
from tests.support.real import find_programs

from cadenza.identity import IdentityConfig

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})

pytestmark = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]

PATH = "/admin/oauth/clients"
GOOD: dict[str, Any] = {"redirect_uris": ["https://a.b/cb"], "client_name": "Charts"}
URIS = [
    "https://a.b",
    "http://a.b",
    "http://localhost:1",
    "http://[::1]/x",
    "http://127.0.0.2/",
    "http://u:p@localhost/",
    "HTTPS://A.B/?q#",
    "https://a.b#f",
    "javascript://a/",
    "JavaScript:alert(1)",
    "myapp://x",
    "myapp:x",
    "/relative",
    "a b",
    "https://a b/",
    "https://a.b/%zz",
    "https://a.b:x/",
    "//a.b",
    "\t",
    "",
    "https://é.b/ü",
]
LINKS = ["https://a.b", "/a", "*", "a.b", "mailto:x", "https://a.b/%zz", "x" * 2049, "https://a.b#%zz", ""]
CREATIONS: list[Any] = [
    GOOD,
    {},
    None,
    "null",
    "[]",
    "{",
    '{"redirect_uris": "x"}',
    '{"redirect_uris": null}',
    {"redirect_uris": []},
    {"redirect_uris": ["https://a.b"] * 11},
    {**GOOD, "unknown": 1},
    {**GOOD, "client_name": "n" * 1024},
    {**GOOD, "client_name": "é" * 600},
    {**GOOD, "client_name": ""},
    {**GOOD, "client_name": None},
    {**GOOD, "grant_types": []},
    {**GOOD, "grant_types": ["refresh_token"]},
    {**GOOD, "grant_types": ["authorization_code", "password"]},
    {**GOOD, "response_types": ["token"]},
    {**GOOD, "scope": "x"},
    *({**GOOD, "client_type": kind} for kind in ("public", "confidential", "", "Public", None)),
    *(
        {**GOOD, "token_endpoint_auth_method": method}
        for method in ("none", "client_secret_basic", "client_secret_post", "", "private_key_jwt")
    ),
    *(
        {**GOOD, "client_type": kind, "token_endpoint_auth_method": method}
        for kind in ("public", "confidential")
        for method in ("none", "client_secret_basic", "client_secret_post")
    ),
    *({"redirect_uris": [uri]} for uri in URIS),
    *({**GOOD, field: link} for field in ("client_uri", "logo_uri") for link in LINKS),
]
UPDATES: list[Any] = [
    {},
    "null",
    "{",
    {"client_type": "public"},
    {"client_name": "Graphs"},
    {"client_name": ""},
    {"redirect_uris": []},
    {"redirect_uris": None},
    {"redirect_uris": ["https://c.d", "http://c.d"]},
    {"redirect_uris": ["https://c.d", "https://e.f"]},
    {"grant_types": []},
    {"grant_types": ["implicit"]},
    {"grant_types": ["refresh_token"]},
    {"logo_uri": "a.b"},
    {"logo_uri": "https://a.b/logo.png", "client_uri": "https://a.b"},
    {"token_endpoint_auth_method": "none"},
    {"token_endpoint_auth_method": "client_secret_post"},
    {"token_endpoint_auth_method": "client_secret_basic"},
    {"token_endpoint_auth_method": ""},
    {"token_endpoint_auth_method": "x"},
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    assert not isinstance(_REAL, str)
    folder = tmp_path_factory.mktemp("real")
    with running_real(_REAL, folder, {"GOTRUE_OAUTH_SERVER_ENABLED": "true"}) as running:
        yield running


@pytest.fixture
async def sides(real: Real, config: IdentityConfig) -> AsyncIterator[tuple[Side, Side]]:
    async with beside(real, config, oauth_server=True) as both:
        yield both


def told(answer: httpx.Response) -> Any:
    """An answer without what differs from run to run."""
    if not answer.content:
        return answer.status_code, None
    body = answer.json()
    for entry in [body, *body.get("clients", [])]:
        for name in ("client_id", "created_at", "updated_at"):
            if name in entry:
                assert re.fullmatch(r"[0-9a-f-]{36}|[0-9T:.Z-]+", entry[name])
                entry[name] = "..."
        if "client_secret" in entry:
            assert re.fullmatch(r"[A-Za-z0-9_-]{43}", entry["client_secret"])
            entry["client_secret"] = "..."
    return answer.status_code, body


async def asked(sides: tuple[Side, Side], method: str, path: str, body: Any = None, **further: Any) -> list[Any]:
    return [told(await side.ask(method, path, body, **further)) for side in sides]


async def test_what_can_be_registered_is_the_same(sides: tuple[Side, Side]) -> None:
    differences = []
    for body in CREATIONS:
        theirs, ours = await asked(sides, "POST", PATH, body)
        if theirs != ours:
            differences.append(f"{str(body)[:200]}\n   theirs {theirs}\n   ours   {ours}")
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("kind", ["confidential", "public"])
async def test_what_can_be_changed_is_the_same(sides: tuple[Side, Side], kind: str) -> None:
    paths = {}
    for side in sides:
        made = await side.ask("POST", PATH, {**GOOD, "client_type": kind})
        paths[side.name] = f"{PATH}/{made.json()['client_id']}"
    differences = []
    for body in UPDATES:
        answers = [told(await side.ask("PUT", paths[side.name], body)) for side in sides]
        if answers[0] != answers[1]:
            differences.append(f"{body}\n   theirs {answers[0]}\n   ours   {answers[1]}")
    assert not differences, "\n".join(differences)
    for method, further in (("GET", ""), ("POST", "/regenerate_secret"), ("DELETE", ""), ("GET", ""), ("DELETE", "")):
        theirs, ours = [told(await side.ask(method, paths[side.name] + further)) for side in sides]
        assert ours == theirs, (method, further)


async def test_who_is_let_in_and_what_is_not_there_is_the_same(sides: tuple[Side, Side]) -> None:
    nobody = "11111111-2222-4333-8444-555555555555"
    for method, path, body in (
        ("GET", f"{PATH}/{nobody}", None),
        ("PUT", f"{PATH}/{nobody}", "{"),
        ("DELETE", f"{PATH}/{nobody}", None),
        ("POST", f"{PATH}/{nobody}/regenerate_secret", None),
        ("GET", f"{PATH}/x", None),
        ("PUT", f"{PATH}/x", {}),
    ):
        theirs, ours = await asked(sides, method, path, body)
        assert ours == theirs, (method, path)
        theirs, ours = await asked(sides, method, path, body, bearer="")
        assert ours == theirs, (method, path)


async def test_they_are_listed_alike(sides: tuple[Side, Side]) -> None:
    for name in ("One", "Two"):
        await asked(sides, "POST", PATH, {**GOOD, "client_name": name})
    theirs, ours = await asked(sides, "GET", PATH)
    assert [theirs[0], *theirs[1]["clients"][:2]] == [ours[0], *ours[1]["clients"]]
    empty = await sides[1].ask("GET", PATH)
    for client in empty.json()["clients"]:
        await sides[1].ask("DELETE", f"{PATH}/{client['client_id']}")
    assert told(await sides[1].ask("GET", PATH)) == (200, {})


async def test_supabase_auth_administers_both(sides: tuple[Side, Side]) -> None:
    for side in sides:
        await administer(side.url, side.admin_token)
