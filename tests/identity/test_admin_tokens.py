"""The operator's token: believed by the provider it was made for, as long as it says, and noted before it is had."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.identity.conftest import FakeClock

from cadenza.errors import ConfigurationError
from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.admin_tokens import MOST_LIFETIME_SECONDS, AdminTokens
from cadenza.identity.config import GivenKeys
from cadenza.tokens.claims import decode_claims
from cadenza.tokens.compact import split
from cadenza.tokens.signer import SigningKey


@pytest.fixture
def served(config: IdentityConfig) -> IdentityConfig:
    """A provider whose issuer, audience and administrators no default would guess."""
    return dataclasses.replace(
        config,
        port=0,
        external_url="http://127.0.0.1:54321/auth/v1",
        audience="crew",
        admin_roles=frozenset({"supabase_admin", "service_role"}),
    )


@pytest.fixture
async def server(served: IdentityConfig, clock: FakeClock) -> AsyncIterator[IdentityServer]:
    async with IdentityServer(served, clock=clock) as server:
        yield server


@pytest.fixture
def tokens(config: IdentityConfig, clock: FakeClock) -> AdminTokens:
    """Beside it, in another process: what it is told is the folder alone."""
    return AdminTokens(IdentityConfig(data_dir=config.data_dir), clock=clock, random_bytes=os.urandom)


async def asked(server: IdentityServer, token: str, path: str = "/admin/users") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        headers = {"Authorization": f"Bearer {token}"}
        return await http.get(f"{server.config.listening_url}{path}", headers=headers)


async def test_it_opens_admin_until_it_runs_out(server: IdentityServer, tokens: AdminTokens, clock: FakeClock) -> None:
    made = await tokens.issue(lifetime_seconds=60)

    assert (await asked(server, made.token)).status_code == 200
    clock.advance(61)
    assert (await asked(server, made.token)).status_code == 403


async def test_it_names_a_role_and_nobody(server: IdentityServer, tokens: AdminTokens, clock: FakeClock) -> None:
    made = await tokens.issue(role="supabase_admin", lifetime_seconds=10 * MOST_LIFETIME_SECONDS)
    claims = decode_claims(split(made.token).payload)

    assert (claims.role, claims.sub, claims.aud) == ("supabase_admin", None, "crew")
    assert made.expires_at == int(clock.now) + MOST_LIFETIME_SECONDS == claims.exp
    assert (await asked(server, made.token)).status_code == 200
    assert (await asked(server, made.token, "/user")).status_code == 403
    assert made.token not in repr(made)


async def test_the_log_says_who_had_it_made(server: IdentityServer, tokens: AdminTokens) -> None:
    made = await tokens.issue(operator="root")
    entry: dict[str, Any] = (await asked(server, made.token, "/admin/audit")).json()[0]

    assert entry["payload"]["action"] == "admin_token_issued"
    assert entry["payload"]["actor_username"] == "service_role"
    traits = {"token_id": made.id, "expires_at": made.expires_at, "operator": "root"}
    assert entry["payload"]["traits"] == traits
    assert made.token not in json.dumps(entry)


async def test_no_user_can_be_made_an_operator_by_it(server: IdentityServer, tokens: AdminTokens) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await tokens.issue(role="authenticated")
    assert (caught.value.setting, "service_role" in caught.value.next_step) == ("role", True)


async def test_a_folder_nobody_has_served_has_no_tokens(config: IdentityConfig, tokens: AdminTokens) -> None:
    with pytest.raises(ConfigurationError, match="has served"):
        await tokens.issue()


@pytest.mark.parametrize("known", [True, False])
async def test_keys_from_outside_must_be_given_here_too(
    served: IdentityConfig,
    clock: FakeClock,
    known: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    given = GivenKeys(jwks=({**SigningKey.generate("ES256").private_jwk(), "key_ops": ["sign"]},))
    async with IdentityServer(dataclasses.replace(served, given_keys=given), clock=clock) as server:
        beside = IdentityConfig(data_dir=served.data_dir, given_keys=given if known else None)
        tokens = AdminTokens(beside, clock=clock, random_bytes=os.urandom)
        if known:
            assert (await asked(server, (await tokens.issue()).token)).status_code == 200
        else:
            with pytest.raises(ConfigurationError) as caught:
                await tokens.issue()
            assert caught.value.setting == "GOTRUE_JWT_KEYS"
