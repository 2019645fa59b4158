"""The remote key set while its provider is down: what still serves, for how long, and how often it is tried."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.tokens.kit import DEADLINE, START, Clock, Provider, key_for, outcome, remote, settled

from cadenza.errors import KeysUnavailableError, TokenInvalidError
from cadenza.tokens.jwks import FetchedKeys, RemoteKeySet


async def test_no_keys_and_no_provider_is_cannot_check(keys: RemoteKeySet, provider: Provider) -> None:
    """Row A1: to Centrifugo "cannot check" is "bad", and clients give up for good."""
    provider.go_down()
    with pytest.raises(KeysUnavailableError) as caught:
        await keys.find("key-1")
    assert caught.value.temporary
    assert caught.value.__cause__ is provider.error


async def test_attempts_back_off_while_the_provider_is_down(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    provider.go_down()
    attempts = []
    for tick in range(1200):
        before = provider.fetches
        assert await outcome(keys, "key-1") is KeysUnavailableError
        if provider.fetches > before:
            attempts.append(tick / 10)
        clock.advance(0.1)
    gaps = [round(b - a) for a, b in itertools.pairwise(attempts)]
    assert gaps == [1, 2, 4, 8, 16, 30, 30]


async def test_an_outage_at_the_start_is_over_when_the_provider_is(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    """Row F2: a failed fetch kept in ``lru_cache`` was dead until restart."""
    provider.go_down()
    assert await outcome(keys, "key-1") is KeysUnavailableError
    provider.come_up()
    clock.advance(1)
    assert (await keys.find("key-1")).kid == "key-1"
    assert keys.status().failing_since is None


async def test_stale_keys_serve_for_an_hour_of_outage_and_no_longer(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    """Rows A1 and F1: a failed refresh does not wipe the cache, and the cache does not serve for ever."""
    held = await keys.find("key-1")
    provider.go_down()
    clock.advance(600)
    for _ in range(360):
        assert await outcome(keys, "key-1") is held
        await settled()
        clock.advance(10)
    assert await outcome(keys, "key-1") is KeysUnavailableError
    provider.come_up()
    clock.advance(30)
    assert await outcome(keys, "key-1") is held


async def test_stale_serving_can_be_switched_off(provider: Provider, clock: Clock) -> None:
    keys = remote(provider, clock, stale_if_error_seconds=0)
    await keys.find("key-1")
    provider.go_down()
    clock.advance(600)
    assert await outcome(keys, "key-1") is KeysUnavailableError


async def test_stale_keys_do_not_serve_while_the_provider_answers(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    """Row A2: after ten minutes it is the provider's word that counts."""
    await keys.find("key-1")
    provider.keys = [key_for(kid="key-2")]
    clock.advance(600)
    assert await outcome(keys, "key-1") is TokenInvalidError


@pytest.mark.parametrize("age", [10, 600])
async def test_a_new_id_during_an_outage_is_cannot_check(
    keys: RemoteKeySet, provider: Provider, clock: Clock, age: float
) -> None:
    """Row A1: a live socket that refreshes with a new ``kid`` during the blip was killed with 3500."""
    await keys.find("key-1")
    provider.go_down()
    clock.advance(age)
    for _ in range(100):
        assert await outcome(keys, "key-2") is KeysUnavailableError
        clock.advance(0.5)
    provider.come_up()
    provider.keys.append(key_for(kid="key-2"))
    clock.advance(30)
    assert (await keys.find("key-2")).kid == "key-2"


async def test_unknown_ids_during_an_outage_cause_one_attempt_in_thirty_seconds(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    """Row A3, when the keys held are fresh."""
    await keys.find("key-1")
    provider.go_down()
    for second in range(60):
        assert await outcome(keys, f"random-{second}") is KeysUnavailableError
        clock.advance(1)
    assert provider.fetches == 1 + 2


async def test_nobody_waits_for_a_provider_known_to_be_down(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    held = await keys.find("key-1")
    provider.go_down()
    clock.advance(600)
    assert await outcome(keys, "key-1") is held  # the first caller waited, and the provider failed
    provider.answering.clear()
    clock.advance(2)
    found = keys.find("key-1")
    with pytest.raises(StopIteration) as done:
        found.send(None)
    assert done.value.value is held
    assert keys.status().fetches == 2
    await settled()
    assert provider.fetches == 3  # tried in the background
    await keys.aclose()


async def test_keys_serve_on_when_their_lifetime_ends_in_the_pause_of_an_outage(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    held = await keys.find("key-1")
    provider.go_down()
    clock.advance(539)
    for pause in (30, 30, 2):
        assert await outcome(keys, "random") is KeysUnavailableError
        clock.advance(pause)
    assert (clock() - START, provider.fetches) == (601, 4)
    assert await outcome(keys, "key-1") is held
    assert provider.fetches == 4


async def test_an_old_failure_says_nothing_about_the_provider_now(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    """A key withdrawn while nobody asked is not served once more on the word of an outage long past."""
    await keys.find("key-1")
    provider.go_down()
    clock.advance(600)
    await keys.find("key-1")
    provider.come_up()
    provider.keys = [key_for(kid="key-2")]
    clock.advance(900)
    assert await outcome(keys, "key-1") is TokenInvalidError


async def test_a_failure_within_the_lifetime_does_not_prolong_it(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    await keys.find("key-1")
    provider.go_down()
    clock.advance(590)
    assert await outcome(keys, "random") is KeysUnavailableError
    provider.come_up()
    provider.keys = [key_for(kid="key-2")]
    clock.advance(10)
    assert await outcome(keys, "key-1") is TokenInvalidError


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"keys":[{"kty":"EC"}]}', b'{"keys":1}'])
async def test_a_broken_document_keeps_the_old_keys(
    keys: RemoteKeySet, provider: Provider, clock: Clock, body: bytes
) -> None:
    """Rows F1 and F2."""
    held = await keys.find("key-1")
    provider.body = body
    clock.advance(600)
    assert await outcome(keys, "key-1") is held
    assert await outcome(keys, "key-2") is KeysUnavailableError
    assert keys.status().failures == 1


async def test_an_empty_set_withdraws_every_key(keys: RemoteKeySet, provider: Provider, clock: Clock) -> None:
    await keys.find("key-1")
    provider.keys = []
    clock.advance(600)
    assert await outcome(keys, "key-1") is TokenInvalidError


async def test_a_fetch_that_never_answers_ends_by_itself(provider: Provider, clock: Clock) -> None:
    keys = remote(provider, clock, fetch_timeout_seconds=0.01)
    provider.answering.clear()
    with pytest.raises(KeysUnavailableError) as caught:
        async with asyncio.timeout(DEADLINE):
            await keys.find("key-1")
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_a_defect_in_the_fetch_is_an_outage_too(clock: Clock) -> None:
    async def fetch() -> FetchedKeys:
        message = "a bug"
        raise TypeError(message)

    assert await outcome(RemoteKeySet(fetch, clock=clock), "key-1") is KeysUnavailableError
