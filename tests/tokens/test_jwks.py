"""Key sets: how long keys are believed, how often the provider is asked, how a set ends."""

from __future__ import annotations

import asyncio

import pytest
from tests.tokens.kit import DEADLINE, START, Clock, Provider, key_for, outcome, settled

from cadenza.errors import ConfigurationError, KeysUnavailableError, TokenInvalidError
from cadenza.tokens.jwks import RemoteKeySet, StaticKeySet
from cadenza.tokens.signer import SigningKey

# Lifetime


async def test_nothing_is_fetched_before_a_key_is_needed(keys: RemoteKeySet, provider: Provider) -> None:
    assert provider.fetches == 0
    assert (await keys.find("key-1")).alg == "ES256"
    assert provider.fetches == 1


@pytest.mark.parametrize(("max_age", "lifetime"), [(None, 600), (86_400, 600), (600, 600), (45, 45), (0, 1), (-5, 1)])
async def test_keys_live_for_the_shorter_of_ten_minutes_and_cache_control(
    keys: RemoteKeySet, provider: Provider, clock: Clock, max_age: float | None, lifetime: float
) -> None:
    """Row A2. A provider that forbids keeping is asked once a second, not once a token."""
    provider.max_age = max_age
    await keys.find("key-1")
    clock.advance(lifetime - 0.25)
    await keys.find("key-1")
    assert provider.fetches == 1
    assert keys.believed.until == START + lifetime
    clock.advance(0.25)
    await keys.find("key-1")
    assert provider.fetches == 2


async def test_use_does_not_prolong_the_lifetime(keys: RemoteKeySet, provider: Provider, clock: Clock) -> None:
    """Row A2: Centrifugo's cache slides, and on a busy node a withdrawn key lives on."""
    for _ in range(599):
        await keys.find("key-1")
        clock.advance(1)
    provider.keys = [key_for(kid="key-2")]
    assert await outcome(keys, "key-1") is not TokenInvalidError
    clock.advance(1)
    assert await outcome(keys, "key-1") is TokenInvalidError


async def test_the_lifetime_counts_from_the_request(keys: RemoteKeySet, provider: Provider, clock: Clock) -> None:
    provider.answering.clear()
    waiting = asyncio.create_task(keys.find("key-1"))
    await provider.asked.wait()
    clock.advance(4)
    provider.answering.set()
    await waiting
    assert keys.believed.until == START + 600


async def test_a_clock_set_back_makes_keys_stale(keys: RemoteKeySet, provider: Provider, clock: Clock) -> None:
    await keys.find("key-1")
    clock.advance(-3600)
    await keys.find("key-1")
    assert provider.fetches == 2
    assert not START <= clock() < keys.believed.since


async def test_a_clock_set_back_ends_cooldown_and_pauses(keys: RemoteKeySet, provider: Provider, clock: Clock) -> None:
    """Or an hour's correction would be an hour's outage."""
    assert await outcome(keys, "random") is TokenInvalidError
    clock.advance(-3600)
    await keys.find("key-1")
    provider.keys.append(key_for(kid="key-2"))
    assert (await keys.find("key-2")).kid == "key-2"
    provider.go_down()
    clock.advance(600)
    assert await outcome(keys, "key-3") is KeysUnavailableError
    provider.come_up()
    clock.advance(-3600)
    assert (await keys.find("key-1")).kid == "key-1"


# Single flight


async def test_concurrent_callers_share_one_fetch(keys: RemoteKeySet, provider: Provider) -> None:
    found = await asyncio.gather(*(keys.find("key-1") for _ in range(50)))
    assert provider.fetches == 1
    assert len(set(map(id, found))) == 1


async def test_a_cancelled_caller_does_not_cancel_the_fetch(keys: RemoteKeySet, provider: Provider) -> None:
    provider.answering.clear()
    first, second = (asyncio.create_task(keys.find("key-1")) for _ in range(2))
    await provider.asked.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    provider.answering.set()
    async with asyncio.timeout(DEADLINE):
        assert (await second).kid == "key-1"
    assert provider.fetches == 1


async def test_a_fetch_that_everybody_left_still_counts(keys: RemoteKeySet, provider: Provider) -> None:
    provider.answering.clear()
    caller = asyncio.create_task(keys.find("key-1"))
    await provider.asked.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    provider.answering.set()
    await settled()
    assert "key-1" in keys.believed.keys
    await keys.find("key-1")
    assert provider.fetches == 1


# Unknown ids


async def test_fifty_random_ids_on_a_cold_set_cause_one_fetch(keys: RemoteKeySet, provider: Provider) -> None:
    """Row A3."""
    answers = [await outcome(keys, f"random-{number}") for number in range(50)]
    assert answers == [TokenInvalidError] * 50
    assert provider.fetches == 1


async def test_random_ids_on_a_warm_set_cause_one_fetch_in_thirty_seconds(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    """Row A3; F2: supabase-py fetches again for every unknown id."""
    await keys.find("key-1")
    for second in range(90):
        await asyncio.gather(*(outcome(keys, f"random-{second}-{number}") for number in range(5)))
        clock.advance(1)
    assert provider.fetches == 1 + 3


async def test_a_known_id_is_found_in_the_cooldown(keys: RemoteKeySet, provider: Provider) -> None:
    assert await outcome(keys, "random") is TokenInvalidError
    assert (await keys.find("key-1")).kid == "key-1"
    assert provider.fetches == 1


async def test_all_callers_with_a_new_id_are_served_by_one_fetch(keys: RemoteKeySet, provider: Provider) -> None:
    """Row F1: PyJWT's client did not ask again at all."""
    await keys.find("key-1")
    provider.keys.append(key_for(kid="key-2"))
    found = await asyncio.gather(*(keys.find("key-2") for _ in range(50)))
    assert {key.kid for key in found} == {"key-2"}
    assert provider.fetches == 2


async def test_a_new_id_in_the_cooldown_waits_it_out(keys: RemoteKeySet, provider: Provider, clock: Clock) -> None:
    await keys.find("key-1")
    assert await outcome(keys, "random") is TokenInvalidError
    provider.keys.append(key_for(kid="key-2"))
    clock.advance(29.9)
    assert await outcome(keys, "key-2") is TokenInvalidError
    clock.advance(0.1)
    assert (await keys.find("key-2")).kid == "key-2"


async def test_an_unknown_id_joins_a_fetch_under_way(keys: RemoteKeySet, provider: Provider, clock: Clock) -> None:
    await keys.find("key-1")
    clock.advance(600)
    provider.keys.append(key_for(kid="key-2"))
    provider.answering.clear()
    provider.asked.clear()
    old = asyncio.create_task(keys.find("key-1"))
    await provider.asked.wait()
    new = asyncio.create_task(keys.find("key-2"))
    random = asyncio.create_task(outcome(keys, "random"))
    await settled()
    provider.answering.set()
    async with asyncio.timeout(DEADLINE):
        assert [(await old).kid, (await new).kid, await random] == ["key-1", "key-2", TokenInvalidError]
    assert provider.fetches == 2


# What is believed without asking


async def test_believed_keys_end_with_the_lifetime_and_go_on_in_the_pauses_of_an_outage(
    keys: RemoteKeySet, provider: Provider, clock: Clock
) -> None:
    assert keys.believed.keys == {}
    assert not keys.believed.since <= clock() < keys.believed.until
    await keys.find("key-1")
    assert keys.believed.until == START + 600
    provider.go_down()
    clock.advance(600)
    await keys.find("key-1")
    assert keys.believed.until == START + 601  # one second's pause
    clock.advance(1)
    await keys.find("key-1")
    await settled()
    assert keys.believed.until == START + 603
    clock.advance(3599)
    await outcome(keys, "key-1")
    assert keys.believed.until <= START + 600 + 3600


async def test_an_unchanged_key_is_the_same_object_and_a_changed_one_is_not(
    keys: RemoteKeySet, provider: Provider
) -> None:
    provider.keys = [key_for(), key_for("EdDSA", kid="other")]
    await keys.refresh()
    before = dict(keys.believed.keys)
    provider.keys = [key_for(), SigningKey.generate("EdDSA", kid="other")]
    await keys.refresh()
    after = keys.believed.keys
    assert after["key-1"] is before["key-1"]
    assert after["other"] is not before["other"]


# Refresh, status, end


async def test_refresh_asks_at_once_and_says_so_when_it_fails(keys: RemoteKeySet, provider: Provider) -> None:
    await keys.refresh()
    provider.keys = [key_for(kid="key-2")]
    await keys.refresh()
    assert list(keys.believed.keys) == ["key-2"]
    provider.go_down()
    with pytest.raises(KeysUnavailableError):
        await keys.refresh()
    assert (await keys.find("key-2")).kid == "key-2"


async def test_status_tells_an_operator_what_goes_on(keys: RemoteKeySet, provider: Provider, clock: Clock) -> None:
    assert not keys.status().fresh
    await keys.find("key-1")
    status = keys.status()
    assert (status.kids, status.fresh, status.loaded_at, status.fetches) == (("key-1",), True, START, 1)
    provider.go_down()
    clock.advance(600)
    await keys.find("key-1")
    status = keys.status()
    assert (status.fresh, status.failures, status.failing_since) == (False, 1, START + 600)


async def test_closing_ends_the_fetch_and_leaves_no_task(keys: RemoteKeySet, provider: Provider) -> None:
    provider.answering.clear()
    waiting = asyncio.create_task(outcome(keys, "key-1"))
    await provider.asked.wait()
    await keys.aclose()
    async with asyncio.timeout(DEADLINE):
        assert await waiting is KeysUnavailableError
        await keys.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert await outcome(keys, "key-1") is KeysUnavailableError
    with pytest.raises(KeysUnavailableError):
        await keys.refresh()
    assert provider.fetches == 1


async def test_closing_during_a_look_for_a_new_id_is_cannot_check(keys: RemoteKeySet, provider: Provider) -> None:
    await keys.find("key-1")
    provider.answering.clear()
    provider.asked.clear()
    waiting = asyncio.create_task(outcome(keys, "key-2"))
    await provider.asked.wait()
    await keys.aclose()
    assert await waiting is KeysUnavailableError


# Static


async def test_a_static_set_knows_its_keys_for_ever() -> None:
    keys = StaticKeySet([key_for().public_jwk(), key_for("EdDSA", kid="other").public_jwk()])
    assert (await keys.find("other")).alg == "EdDSA"
    with pytest.raises(TokenInvalidError):
        await keys.find("third")
    assert keys.believed.since < START < keys.believed.until
    assert repr(keys) == "StaticKeySet(2 keys)"


@pytest.mark.parametrize(
    "jwks",
    [
        [{"kty": "EC"}],
        [{"kty": 1}],
        [key_for().private_jwk()],
        [key_for().public_jwk(), key_for().public_jwk()],
        [{**key_for().public_jwk(), "use": "enc"}],
    ],
)
def test_a_static_set_refuses_what_it_cannot_use(jwks: list[dict[str, object]]) -> None:
    with pytest.raises(ConfigurationError):
        StaticKeySet(jwks)
