"""Every recorded exchange that concerns a served endpoint is played against ours and compared.

``tests/data/identity/replay.json`` says which and how; a difference is a line there with a reason, or a failure.
"""

from __future__ import annotations

import asyncio
import dataclasses
import fnmatch
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.identity import keycloak_stub
from tests.identity.comparing import Difference
from tests.identity.replaying import Player

from cadenza.identity.config import IdentityConfig, OAuthProvider, PasswordHashing, RateLimits

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "tests" / "data" / "identity"

EXTERNAL_URLS = {f"G{number}": f"http://127.0.0.1:{18519 + number}" for number in range(1, 5)}
FIRST_EXCHANGE_AT = 1_795_423_080.0


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
            async with open_provider(
                _config(folder, setup, changes), make_client=keycloak_stub.make_client
            ) as provider:
                provider.clock.now = FIRST_EXCHANGE_AT
                player = Player(provider, exchanges, differences)
                for step in plan["played"]:
                    if exchanges[step["line"]]["setup"].startswith(setup):
                        await player.play(step)

    asyncio.run(asyncio.wait_for(play_all(), 60))
    return differences


def _config(folder: Path, setup: str, changes: dict[str, Any]) -> Any:
    config = IdentityConfig(
        data_dir=folder,
        external_url=EXTERNAL_URLS[setup],
        allowed_origins=("*",),
        trusted_proxies=frozenset({"127.0.0.1"}),
        hashing=PasswordHashing(passes=1, memory_kib=8, lanes=1),
        limits=RateLimits.off(),
        providers=(
            OAuthProvider(name="keycloak", client_id="kc-client", client_secret="kc-secret", url=keycloak_stub.URL),
        ),
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
