"""Changing the signing keys: published before use, kept until the last token has run out, gone at once when revoked."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from tests.identity.conftest import FakeClock, MakeProvider, Provider

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig
from cadenza.identity.key_file import KeyState
from cadenza.identity.key_rotation import DEFAULT_LEAD_SECONDS, KeyRotation
from cadenza.protocol.auth import endpoints, requests, responses
from cadenza.tokens.compact import split
from cadenza.tokens.fetch import FetchedKeys, freshness
from cadenza.tokens.jwks import RemoteKeySet
from cadenza.tokens.verifier import Verifier

LIFETIME = 3600
SKEW = 60


def rotation_of(config: IdentityConfig, clock: FakeClock) -> KeyRotation:
    return KeyRotation(config.signing_keys_path, clock=clock)


def states(rotation: KeyRotation) -> list[str]:
    return [status.state.value for status in rotation.statuses()]


def kids(rotation: KeyRotation) -> list[str]:
    return [status.key.kid for status in rotation.statuses()]


async def published(provider: Provider) -> list[str]:
    answer = await provider.http.get(endpoints.JWKS)
    return [key["kid"] for key in answer.json()["keys"]]


def kid_of(token: str) -> str:
    return str(json.loads(split(token).header)["kid"])


async def status_of(provider: Provider, token: str) -> int:
    return (await provider.send(requests.get_user(token))).status_code


@pytest.fixture
def rotation(config: IdentityConfig, clock: FakeClock) -> KeyRotation:
    return rotation_of(config, clock)


def test_a_key_waits_signs_retires_and_is_forgotten_by_the_clock_alone(rotation: KeyRotation, clock: FakeClock) -> None:
    (old,) = kids(rotation)
    rotation.rotate()
    assert states(rotation) == ["current", "standby"]

    clock.advance(DEFAULT_LEAD_SECONDS - 1)
    assert states(rotation) == ["current", "standby"]
    clock.advance(1)
    assert states(rotation) == ["retired", "current"]
    clock.advance(LIFETIME + SKEW - 1)
    assert states(rotation) == ["retired", "current"]
    clock.advance(1)
    assert states(rotation) == ["expired", "current"]

    rotation.rotate()
    assert old not in kids(rotation)
    assert states(rotation) == ["current", "standby"]


def test_it_is_said_until_when_each_state_lasts(rotation: KeyRotation, clock: FakeClock) -> None:
    start = clock.now
    rotation.rotate(lead_seconds=100)
    assert [status.until for status in rotation.statuses()] == [start + 100, start + 100]

    clock.advance(100)
    assert [status.until for status in rotation.statuses()] == [start + 100 + LIFETIME + SKEW, None]


def test_the_wait_is_longer_than_anybody_keeps_the_published_set() -> None:
    assert DEFAULT_LEAD_SECONDS > 600


async def test_a_token_from_before_works_through_the_whole_rotation(
    make_provider: MakeProvider, rotation: KeyRotation, clock: FakeClock
) -> None:
    """Row E10: new kid, old kid. The provider runs all the while and is told nothing."""
    async with make_provider() as provider:
        (old,) = await published(provider)
        before = await provider.signed_up()
        rotation.rotate()
        new = kids(rotation)[1]
        assert await published(provider) == [old, new]
        assert kid_of((await provider.signed_in()).access_token) == old

        clock.advance(DEFAULT_LEAD_SECONDS)
        after = await provider.signed_in()
        assert kid_of(after.access_token) == new
        assert await published(provider) == [old, new]
        assert await status_of(provider, before.access_token) == 200
        assert await status_of(provider, after.access_token) == 200

        clock.advance(LIFETIME + SKEW)
        assert await published(provider) == [new]


async def test_a_revoked_key_is_gone_from_the_next_request_on(
    make_provider: MakeProvider, rotation: KeyRotation
) -> None:
    """Row E10: revoked kid. Who is signed in refreshes, and goes on."""
    async with make_provider() as provider:
        session = await provider.signed_up()
        assert await status_of(provider, session.access_token) == 200
        (old,) = kids(rotation)

        rotation.revoke(old)

        assert await status_of(provider, session.access_token) == 403
        assert old not in await published(provider)
        answer = await provider.send(requests.refresh_token_grant(session.refresh_token))
        refreshed = responses.parse_session(answer.status_code, answer.headers, answer.content)
        assert kid_of(refreshed.access_token) == kids(rotation)[1]
        assert await status_of(provider, refreshed.access_token) == 200


async def test_revoking_the_key_that_signs_puts_the_waiting_one_in_its_place(
    make_provider: MakeProvider, rotation: KeyRotation
) -> None:
    async with make_provider() as provider:
        await provider.signed_up()
        rotation.rotate()
        old, waiting = kids(rotation)

        rotation.revoke(old)

        assert states(rotation) == ["revoked", "current"]
        assert kid_of((await provider.signed_in()).access_token) == waiting


def test_revoking_the_waiting_key_leaves_the_present_one_in_place(rotation: KeyRotation, clock: FakeClock) -> None:
    rotation.rotate()
    rotation.revoke(kids(rotation)[1])
    assert states(rotation) == ["current", "revoked"]

    clock.advance(DEFAULT_LEAD_SECONDS)
    assert states(rotation) == ["current", "revoked"]
    assert rotation.statuses()[0].until is None


def test_nothing_of_a_revoked_key_is_kept_but_its_name(config: IdentityConfig, rotation: KeyRotation) -> None:
    (old,) = kids(rotation)
    rotation.revoke(old)

    stored = json.loads(config.signing_keys_path.read_text())["keys"][0]
    assert set(stored) == {"kid", "alg", "revoked_at"}
    assert config.signing_keys_path.stat().st_mode & 0o777 == 0o600


async def test_the_gateways_verifier_follows_and_logs_nobody_out(
    make_provider: MakeProvider, rotation: KeyRotation, clock: FakeClock
) -> None:
    """Row E10: whoever holds the published set for as long as it says never meets a key it does not know."""
    async with make_provider() as provider:

        async def fetch() -> FetchedKeys:
            answer = await provider.http.get(endpoints.JWKS)
            return FetchedKeys(answer.content, freshness(answer.headers))

        remote = RemoteKeySet(fetch, clock=clock)
        verifier = Verifier(remote, issuer=provider.config.token_issuer, audience="authenticated", clock=clock)
        before = await provider.signed_up()
        await verifier.verify(before.access_token)
        rotation.rotate()
        for _ in range(0, DEFAULT_LEAD_SECONDS + LIFETIME, 60):
            clock.advance(60)
            session = await provider.signed_in()
            fetches = remote.status().fetches
            assert (await verifier.verify(session.access_token)).sub == session.user.id
            if clock.now < 1_795_423_000 + LIFETIME:
                assert (await verifier.verify(before.access_token)).sub == before.user.id
            assert remote.status().fetches - fetches <= 1
        assert remote.status().fetches <= 2 + (DEFAULT_LEAD_SECONDS + LIFETIME) / 600


def test_the_new_key_may_be_of_another_algorithm(rotation: KeyRotation) -> None:
    rotation.rotate(algorithm="EdDSA")

    assert [status.key.alg for status in rotation.statuses()] == ["ES256", "EdDSA"]


def test_a_second_rotation_waits_for_the_first(rotation: KeyRotation) -> None:
    rotation.rotate()

    with pytest.raises(ConfigurationError, match="waits to sign") as caught:
        rotation.rotate()

    assert kids(rotation)[1] in caught.value.message


def test_a_key_that_is_not_in_force_cannot_be_revoked(rotation: KeyRotation) -> None:
    (old,) = kids(rotation)
    rotation.revoke(old)

    for kid in ("no such key", old):
        with pytest.raises(ConfigurationError, match="No key in force"):
            rotation.revoke(kid)


def test_an_algorithm_that_is_none_of_ours_is_refused_with_those_that_are(rotation: KeyRotation) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rotation.rotate(algorithm="none")

    assert "ES256, RS256, EdDSA" in (caught.value.next_step or "")


def test_without_a_key_file_it_is_said_where_one_was_looked_for(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(ConfigurationError, match=str(tmp_path)):
        KeyRotation(tmp_path / "signing-keys.json", clock=clock)


async def test_a_longer_token_lifetime_is_known_to_whoever_rotates(
    make_provider: MakeProvider, rotation: KeyRotation, clock: FakeClock
) -> None:
    async with make_provider(access_token_lifetime_seconds=86_400):
        pass
    rotation.rotate(lead_seconds=0)

    clock.advance(86_400)
    assert states(rotation) == ["retired", "current"]
    clock.advance(SKEW)
    assert states(rotation) == ["expired", "current"]


async def test_a_key_file_broken_while_running_is_logged_and_what_was_known_stays(
    make_provider: MakeProvider, config: IdentityConfig, rotation: KeyRotation, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_provider() as provider:
        session = await provider.signed_up()
        whole = config.signing_keys_path.read_bytes()
        private = json.loads(whole)["keys"][0]["d"]

        with caplog.at_level(logging.ERROR, logger="cadenza.identity"):
            config.signing_keys_path.write_text(f'{{"keys": [{{"d": "{private}"')
            for _ in range(3):
                assert await status_of(provider, session.access_token) == 200

        assert len(caplog.records) == 1
        assert private not in caplog.text
        config.signing_keys_path.write_bytes(whole)
        rotation.rotate()
        assert len(await published(provider)) == 2


def test_the_states_are_those_of_the_manual() -> None:
    assert [state.value for state in KeyState] == ["standby", "current", "retired", "expired", "revoked"]
