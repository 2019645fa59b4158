"""Whoever runs the provider changes its keys: the audit log says so, and nothing is done where it would do nothing."""

from __future__ import annotations

import dataclasses
import os

import msgspec
import pytest
from tests.identity.conftest import FakeClock

from cadenza.errors import ConfigurationError
from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config import GivenKeys
from cadenza.identity.key_acts import KeyActs
from cadenza.identity.store import Store
from cadenza.tokens.signer import SigningKey


@pytest.fixture
async def server(config: IdentityConfig, clock: FakeClock) -> IdentityServer:
    """A provider that has served its folder once."""
    async with IdentityServer(dataclasses.replace(config, port=0), clock=clock) as server:
        return server


def acts_of(config: IdentityConfig, clock: FakeClock) -> KeyActs:
    return KeyActs(config, clock=clock, random_bytes=os.urandom, operator="ann")


async def noted(config: IdentityConfig) -> list[tuple[str, str, str, str]]:
    """Action, author, key and operator of each entry, oldest first."""
    store = Store(config.database_path)
    await store.open()
    try:
        rows = await store.read(lambda records: records.audit.newest(limit=100))
    finally:
        await store.close()
    payloads = [msgspec.json.decode(row.payload) for row in reversed(rows)]
    return [
        (each["action"], each["actor_username"], each["traits"]["kid"], each["traits"]["operator"])
        for each in payloads
        if each["action"].startswith("signing_key")
    ]


@pytest.mark.usefixtures("server")
async def test_each_change_stands_in_the_audit_log_with_who_made_it(config: IdentityConfig, clock: FakeClock) -> None:
    acts = acts_of(config, clock)
    (old,) = acts.statuses()
    _, new = await acts.rotate(lead_seconds=0)
    await acts.revoke(new.key.kid)
    third = next(status.key.kid for status in acts.statuses() if status.key.kid not in {old.key.kid, new.key.kid})

    assert await noted(config) == [
        ("signing_key_added", "operator", new.key.kid, "ann"),
        ("signing_key_revoked", "operator", new.key.kid, "ann"),
        ("signing_key_added", "operator", third, "ann"),
    ]


@pytest.mark.usefixtures("server")
async def test_what_was_refused_is_not_noted(config: IdentityConfig, clock: FakeClock) -> None:
    with pytest.raises(ConfigurationError):
        await acts_of(config, clock).revoke("nobody's")

    assert await noted(config) == []


@pytest.mark.usefixtures("server")
async def test_a_stolen_key_goes_though_the_log_cannot_be_written(config: IdentityConfig, clock: FakeClock) -> None:
    acts = acts_of(config, clock)
    (stolen,) = acts.statuses()
    config.database_path.write_text("not a database")

    with pytest.raises(ConfigurationError, match="The keys were changed, but the audit log does not say so"):
        await acts.revoke(stolen.key.kid)
    assert {status.key.kid: status.state.value for status in acts.statuses()}[stolen.key.kid] == "revoked"


async def test_where_the_provider_has_its_keys_from_outside_they_are_changed_there(
    config: IdentityConfig, clock: FakeClock
) -> None:
    """A key revoked here would be believed on; the folder has keys of a time before."""
    async with IdentityServer(dataclasses.replace(config, port=0), clock=clock):
        pass
    given = GivenKeys(jwks=({**SigningKey.generate("ES256").private_jwk(), "key_ops": ["sign"]},))
    async with IdentityServer(dataclasses.replace(config, port=0, given_keys=given), clock=clock):
        with pytest.raises(ConfigurationError, match="has its keys from GOTRUE_JWT_KEYS and uses none of"):
            acts_of(config, clock)
