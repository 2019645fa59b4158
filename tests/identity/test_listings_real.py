"""Users and the audit log at the real Supabase Auth and ours: found, sorted and refused alike."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.identity.side_by_side import Real, Side, beside, running_real
from tests.support.real import find_programs

from cadenza.identity import IdentityConfig

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})

pytestmark = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]

#: Address and full name.
USERS: list[tuple[str, Any]] = [
    ("ann_a@example.com", "Ann Ännchen"),
    ("annxa@example.com", None),
    ("bob@example.com", "Bob 50% off"),
    ("cat@other.test", "back\\slash"),
    ("dan@other.test", 42),
    ("eve@other.test", ""),
]
PARTS = [
    "ann",
    "ANN",
    "änn",
    "ÄNN",
    "n_a",
    "n\\_a",
    "0%",
    "50\\%",
    "%",
    "_",
    "other",
    "Other",
    "k\\\\s",
    "42",
    "'",
    "",
    "b%o",
]
SORTS = [
    "created_at",
    "created_at asc",
    "created_at ASC",
    "created_at desc",
    "created_at  asc",
    "created_at up",
    "id",
    "",
]
QUERIES = [
    "action:login",
    "action:LOG",
    "action:user_",
    "action:user\\_",
    "action:",
    "type:team",
    "type:TEAM",
    "type:account",
    "author:ann_a@",
    "author:Ännchen",
    "author:ännchen",
    "author:service",
    "login",
    "actor:x",
    "ACTION:login",
    ":",
    ":x",
    "action:login:x",
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    assert not isinstance(_REAL, str)
    with running_real(_REAL, tmp_path_factory.mktemp("real"), {}) as running:
        yield running


@pytest.fixture
async def sides(real: Real, config: IdentityConfig) -> AsyncIterator[tuple[Side, Side]]:
    async with beside(real, config) as both:
        for side in both:
            for email, name in USERS:
                data = {} if name is None else {"full_name": name}
                body = {"email": email, "password": "Password-123", "user_metadata": data, "email_confirm": True}
                assert (await side.ask("POST", "/admin/users", body)).status_code == 200
            for email, _ in USERS[:2]:
                sign_in = {"email": email, "password": "Password-123"}
                assert (await side.ask("POST", "/token?grant_type=password", sign_in, bearer="")).status_code == 200
        yield both


async def told(side: Side, path: str) -> Any:
    answer = await side.ask("GET", path)
    body: Any = answer.json()
    if isinstance(body, dict) and "users" not in body:
        return answer.status_code, {name: value for name, value in body.items() if name != "error_id"}
    rows = body["users"] if isinstance(body, dict) else body
    shown = [row.get("email") or (row["payload"]["action"], row["payload"]["log_type"]) for row in rows]
    return answer.status_code, shown, answer.headers["x-total-count"], answer.headers["link"]


async def test_users_and_entries_are_found_alike(sides: tuple[Side, Side]) -> None:
    paths = [
        *(f"/admin/users?filter={quote(part)}" for part in PARTS),
        *(f"/admin/users?sort={quote(sort)}" for sort in SORTS),
        "/admin/users?filter=other&sort=created_at%20asc&per_page=2",
        "/admin/users?page=2&per_page=2&filter=other",
        *(f"/admin/audit?query={quote(query)}" for query in QUERIES),
        "/admin/audit?per_page=3&page=2",
    ]
    differences = []
    for path in paths:
        theirs, ours = [await told(side, path) for side in sides]
        if theirs != ours:
            differences.append(f"{path}\n   theirs {theirs}\n   ours   {ours}")
    assert not differences, "\n".join(differences)

    forms = []
    for side in sides:
        for query in ("action:login", "action:user_signedup"):
            entry = (await side.ask("GET", f"/admin/audit?query={query}")).json()[0]
            payload = {name: type(value).__name__ for name, value in entry["payload"].items()}
            forms.append((sorted(entry), payload, entry["payload"]["actor_username"], entry["ip_address"]))
    assert forms[:2] == forms[2:]
