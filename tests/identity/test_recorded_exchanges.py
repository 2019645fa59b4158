"""Every recorded exchange that concerns a served endpoint is played against ours and compared.

``tests/data/identity/replay.json`` says which and how; a difference is a line there with a reason, or a failure.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import fnmatch
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from cadenza.identity.config import IdentityConfig, PasswordHashing, RateLimits
from cadenza.identity.keys import load_key_ring

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "tests" / "data" / "identity"

EXTERNAL_URLS = {f"G{number}": f"http://127.0.0.1:{18519 + number}" for number in range(1, 5)}
FIRST_EXCHANGE_AT = 1_795_423_080.0
#: Values that differ from run to run: only their type, and which are equal to which, are compared.
NAMED_APART = {"id", "user_id", "identity_id", "sub", "session_id", "refresh_token", "kid"}
OPAQUE = {"access_token", "exp", "iat", "timestamp", "expires_at", "n", "e", "x", "y"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


@dataclasses.dataclass(frozen=True)
class Difference:
    line: int
    name: str
    path: str
    theirs: Any
    ours: Any


@pytest.fixture(scope="module")
def plan() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / "replay.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def found(
    plan: dict[str, Any],
    exchanges: list[dict[str, Any]],
    migrated_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    open_provider: Any,
) -> list[Difference]:
    """Every difference there is, listed or not."""
    differences: list[Difference] = []

    async def play_all() -> None:
        for setup, changes in plan["setups"].items():
            folder = tmp_path_factory.mktemp(setup) / "data"
            shutil.copytree(migrated_folder, folder)
            folder.joinpath("signing-keys.json").unlink()  # made again with the setup's algorithm
            async with open_provider(_config(folder, setup, changes)) as provider:
                provider.clock.now = FIRST_EXCHANGE_AT
                player = Player(provider, exchanges, differences)
                for step in plan["played"]:
                    if exchanges[step["line"]]["setup"].startswith(setup):
                        await player.play(step)

    asyncio.run(asyncio.wait_for(play_all(), 60))
    return differences


def _config(folder: Path, setup: str, changes: dict[str, Any]) -> Any:
    limited = 3 if setup == "G3" else None
    config = IdentityConfig(
        data_dir=folder,
        external_url=EXTERNAL_URLS[setup],
        allowed_origins=("*",),
        trusted_proxies=frozenset({"127.0.0.1"}),
        hashing=PasswordHashing(passes=1, memory_kib=8, lanes=1),
        limits=dataclasses.replace(RateLimits.off(), token_requests_per_five_minutes=limited),
    )
    return _changed(config, changes)


def _changed(config: Any, changes: dict[str, Any]) -> Any:
    """Settings with some changed; an object of changes is for the settings inside."""
    plain: dict[str, Any] = {}
    for name, to in changes.items():
        inner = getattr(config, name)
        if dataclasses.is_dataclass(inner):
            plain[name] = _changed(inner, to)
        else:
            plain[name] = tuple(to) if isinstance(to, list) else to
    return dataclasses.replace(config, **plain)


def test_each_exchange_is_played_or_its_absence_explained(
    plan: dict[str, Any], exchanges: list[dict[str, Any]]
) -> None:
    played = [step["line"] for step in plan["played"]]
    absent = [line for group in plan["not_played"] for line in group["lines"]]

    assert sorted(played + absent) == list(range(len(exchanges)))
    assert all(exchanges[step["line"]]["name"] == step["name"] for step in plan["played"])
    for group in plan["not_played"]:
        assert group["reason"]
        assert {exchanges[line]["name"] for line in group["lines"]} == set(group["names"])


def test_ours_answers_as_recorded_but_for_the_listed_differences(plan: dict[str, Any], found: list[Difference]) -> None:
    unlisted = [
        difference for difference in found if not any(_covers(entry, difference) for entry in plan["differences"])
    ]

    assert not unlisted, "\n".join(str(difference) for difference in unlisted)


def test_each_listed_difference_exists_and_has_a_reason(plan: dict[str, Any], found: list[Difference]) -> None:
    for entry in plan["differences"]:
        assert entry["reason"]
        assert any(_covers(entry, difference) for difference in found), entry


def _covers(entry: dict[str, str], difference: Difference) -> bool:
    return fnmatch.fnmatchcase(difference.name, entry["name"]) and fnmatch.fnmatchcase(difference.path, entry["path"])


class Player:
    """Plays one setup's exchanges in order, and keeps what later ones refer to."""

    def __init__(self, provider: Any, exchanges: list[dict[str, Any]], differences: list[Difference]) -> None:
        self.provider = provider
        self.exchanges = exchanges
        self.differences = differences
        self.names: dict[tuple[str, str], str] = {}
        self.tokens: dict[int, str] = {}
        self.signer = load_key_ring(provider.config, random_bytes=bytes).signer

    async def play(self, step: dict[str, Any]) -> None:
        recorded = self.exchanges[step["line"]]
        if "confirm_email_first" in step:
            assert await self.provider.parts.users.confirm(step["confirm_email_first"])
        self._move_clock(step, recorded)
        request = recorded["request"]
        headers = {name: value for name, value in request["headers"].items() if name != "Authorization"}
        if "bearer" in step:
            headers["Authorization"] = await self._authorization(step["bearer"])
        answer = await self.provider.http.request(
            request["method"], request["path"], headers=headers, content=self._body(request["body"])
        )
        self._compare_all(step, recorded, answer)

    def _move_clock(self, step: dict[str, Any], recorded: dict[str, Any]) -> None:
        clock = self.provider.clock
        clock.advance(step.get("advance_seconds", 0))
        claims = recorded.get("decoded_access_token", {}).get("claims")
        if claims:
            clock.now = max(clock.now, claims["iat"] + 0.5)

    def _body(self, recorded: Any) -> bytes:
        if recorded is None or isinstance(recorded, str):
            return (recorded or "").encode()
        token = recorded.get("refresh_token")
        ours = self.names.get(("refresh_token", token)) if token else None
        return json.dumps({**recorded, "refresh_token": ours} if ours else recorded).encode()

    async def _authorization(self, which: str) -> str:
        session = re.fullmatch(r"session of line (\d+)", which)
        if session:
            return f"Bearer {self.tokens[int(session.group(1))]}"
        if which == "someone else":
            return f"Bearer {(await self.provider.signed_up('someone.else@example.com')).access_token}"
        base = self.tokens[max(self.tokens)] if self.tokens else ""
        claims = _payload(base)
        forged: dict[str, dict[str, Any]] = {
            "expired": {"exp": int(self.provider.clock.now) - 1},
            "no sub": {"sub": None},
            "unknown sub": {"sub": "00000000-0000-4000-8000-000000000000"},
            "unknown session": {"session_id": "00000000-0000-4000-8000-000000000000"},
            "no session": {"session_id": None},
        }
        if which in forged:
            kept = {**claims, **forged[which]}
            return f"Bearer {self.signer.sign({name: value for name, value in kept.items() if value is not None})}"
        return {
            "not a token": "Bearer garbage",
            "not base64": "Bearer !!!.e30.x",
            "wrong signature": f"Bearer {base.rsplit('.', 1)[0]}.{'A' * 86}",
            "basic": "Basic YTpi",
        }[which]

    # Comparing

    def _compare_all(self, step: dict[str, Any], recorded: dict[str, Any], answer: Any) -> None:
        theirs = recorded["response"]
        self.here = (step["line"], step["name"])
        if answer.status_code != theirs["status"]:
            self._differ("status", theirs["status"], answer.status_code)
        self._compare_headers(theirs["headers"], answer.headers)
        if isinstance(theirs["body"], str):
            self._compare("body", theirs["body"], answer.text)
            return
        ours = answer.json()
        self._compare("body", theirs["body"], ours)
        if "access_token" in ours and "decoded_access_token" in recorded:
            self.tokens[step["line"]] = ours["access_token"]
            self._compare("claims", recorded["decoded_access_token"]["claims"], _payload(ours["access_token"]))
            self._compare("token_header", recorded["decoded_access_token"]["header"], _header(ours["access_token"]))

    def _compare_headers(self, theirs: dict[str, str], ours: Any) -> None:
        for name, value in theirs.items():
            if ours.get(name) != value:
                self._differ(f"headers.{name}", value, ours.get(name))
        known = {name.lower() for name in theirs}
        for name in ours:
            if name.lower() not in known and name.lower() != "content-length":
                self._differ(f"headers.{name.title()}", None, ours[name])

    def _compare(self, path: str, theirs: Any, ours: Any) -> None:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in [*theirs, *(name for name in ours if name not in theirs)]:
                if name not in theirs or name not in ours:
                    self._differ(f"{path}.{name}", theirs.get(name, "(absent)"), ours.get(name, "(absent)"))
                else:
                    self._compare(f"{path}.{name}", theirs[name], ours[name])
        elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
            for index, (their, our) in enumerate(zip(theirs, ours, strict=True)):
                self._compare(f"{path}.{index}", their, our)
        elif not self._same(path.rsplit(".", 1)[-1], theirs, ours):
            self._differ(path, theirs, ours)

    def _same(self, name: str, theirs: Any, ours: Any) -> bool:
        if type(theirs) is not type(ours):
            return False
        if name in NAMED_APART:
            both_ways = self.names.setdefault((name, theirs), ours), self.names.setdefault((f"-{name}", ours), theirs)
            return both_ways == (ours, theirs)
        if name in OPAQUE:
            return True
        if isinstance(theirs, str) and INSTANT.fullmatch(theirs):
            return INSTANT.fullmatch(ours) is not None
        return bool(theirs == ours)

    def _differ(self, path: str, theirs: Any, ours: Any) -> None:
        self.differences.append(Difference(*self.here, path, theirs, ours))


def _part(token: str, index: int) -> dict[str, Any]:
    part = token.split(".")[index]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def _payload(token: str) -> dict[str, Any]:
    return _part(token, 1) if token else {}


def _header(token: str) -> dict[str, Any]:
    return _part(token, 0)
