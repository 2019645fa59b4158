"""What the verifier remembers, for how long, and what it says when no keys can be had."""

from __future__ import annotations

import asyncio

import pytest
from tests.tokens.kit import (
    START,
    USER,
    Clock,
    Provider,
    key_for,
    remote,
    signed_with,
    token,
    verifier,
)

from cadenza.errors import (
    KeysUnavailableError,
    TokenExpiredError,
    TokenFormatError,
    TokenInvalidError,
    TokenNotYetValidError,
)
from cadenza.tokens.signer import SigningKey

# What is remembered


async def test_a_verified_token_is_remembered_and_the_same_object(clock: Clock) -> None:
    checker = verifier(clock=clock)
    text = token()
    assert checker.cached(text) is None
    verified = await checker.verify(text)
    assert checker.cached(text) is verified
    assert await checker.verify(text) is verified
    assert checker.cached(token(sub="another")) is None


async def test_the_cache_holds_no_token(clock: Clock) -> None:
    checker = verifier(clock=clock)
    text = token()
    await checker.verify(text)
    for part in text.split("."):
        assert part not in repr(vars(checker))
        assert part.encode() not in list(checker._cache)


@pytest.mark.parametrize("leeway", [0, 30])
async def test_a_remembered_token_expires_all_the_same(clock: Clock, leeway: float) -> None:
    checker = verifier(clock=clock, leeway_seconds=leeway)
    text = token()
    await checker.verify(text)
    clock.advance(3599.75 + leeway)
    assert checker.cached(text) is not None
    clock.advance(0.25)
    assert checker.cached(text) is None
    assert checker.cached_tokens == 0
    with pytest.raises(TokenExpiredError):
        await checker.verify(text)


async def test_a_remembered_token_is_not_valid_before_its_time(clock: Clock) -> None:
    checker = verifier(clock=clock)
    text = token(nbf=int(START))
    await checker.verify(text)
    clock.advance(-1)
    assert checker.cached(text) is None
    with pytest.raises(TokenNotYetValidError):
        await checker.verify(text)


@pytest.mark.parametrize(
    "text",
    [
        token(exp=int(START)),
        token(iss="other"),
        token(sub="u")[:-6] + "AAAAAA",
        signed_with({"kid": "unknown"}),
        "a.b.c",
        "",
        "\ud800",
        "x" * 100_000,
    ],
)
async def test_a_refused_token_is_never_remembered(clock: Clock, text: str) -> None:
    checker = verifier(clock=clock)
    for _ in range(2):
        assert checker.cached(text) is None
        with pytest.raises((TokenFormatError, TokenInvalidError, TokenExpiredError)):
            await checker.verify(text)
    assert checker.cached_tokens == 0


async def test_the_least_recently_used_goes_first(clock: Clock) -> None:
    checker = verifier(clock=clock, cache_size=3)
    texts = [token(sub=f"user-{number}") for number in range(4)]
    for text in texts[:3]:
        await checker.verify(text)
    assert checker.cached(texts[0]) is not None
    await checker.verify(texts[3])
    assert checker.cached_tokens == 3
    assert [checker.cached(text) is not None for text in texts] == [True, False, True, True]


async def test_a_cache_of_nothing_remembers_nothing(clock: Clock) -> None:
    checker = verifier(clock=clock, cache_size=0)
    await checker.verify(token())
    assert checker.cached(token()) is None
    assert checker.cached_tokens == 0


async def test_a_withdrawn_key_takes_its_tokens_out_of_the_cache_at_once(clock: Clock) -> None:
    """Row A2."""
    provider = Provider(key_for(), key_for(kid="key-2"))
    keys = remote(provider, clock)
    checker = verifier(keys, clock)
    old, new = token(), token(key_for(kid="key-2"))
    await checker.verify(old)
    kept = await checker.verify(new)
    provider.keys = [key_for(kid="key-2")]
    await keys.refresh()
    assert checker.cached(old) is None
    assert checker.cached(new) is kept
    assert checker.cached_tokens == 1
    with pytest.raises(TokenInvalidError):
        await checker.verify(old)


async def test_another_key_under_the_same_id_takes_them_out_too(clock: Clock) -> None:
    provider = Provider(key_for())
    keys = remote(provider, clock)
    checker = verifier(keys, clock)
    text = token()
    await checker.verify(text)
    provider.keys = [SigningKey.generate("ES256", kid="key-1")]
    await keys.refresh()
    assert checker.cached(text) is None
    with pytest.raises(TokenInvalidError, match="signature"):
        await checker.verify(text)


async def test_a_remembered_token_waits_for_a_key_set_that_is_due(clock: Clock) -> None:
    """Row A2: no token outlives its key by being used."""
    provider = Provider(key_for())
    checker = verifier(remote(provider, clock), clock)
    text = token()
    await checker.verify(text)
    for _ in range(600):
        assert checker.cached(text) is not None
        clock.advance(1)
    assert checker.cached(text) is None
    provider.keys = [key_for(kid="key-2")]
    with pytest.raises(TokenInvalidError):
        await checker.verify(text)
    assert provider.fetches == 2


async def test_a_remembered_token_is_good_again_once_the_keys_are_confirmed(clock: Clock) -> None:
    provider = Provider(key_for())
    checker = verifier(remote(provider, clock), clock)
    text = token()
    await checker.verify(text)
    clock.advance(600)
    await checker.verify(text)
    assert checker.cached(text) is not None


async def test_remembered_tokens_go_on_through_an_outage_until_its_bound(clock: Clock) -> None:
    """Row A1."""
    provider = Provider(key_for())
    keys = remote(provider, clock)
    checker = verifier(keys, clock)
    text = token(exp=int(START) + 100_000)
    await checker.verify(text)
    provider.go_down()
    clock.advance(600)
    await checker.verify(text)
    assert checker.cached(text) is not None
    clock.advance(3599)
    await checker.verify(text)
    clock.advance(1)
    assert checker.cached(text) is None
    with pytest.raises(KeysUnavailableError):
        await checker.verify(text)
    await keys.aclose()


# Cannot check


@pytest.mark.parametrize("text", [token(), token(exp=1), signed_with({"kid": "new"}), token()[:-6] + "AAAAAA"])
async def test_without_keys_nothing_is_said_of_a_token(clock: Clock, text: str) -> None:
    """Row A1; ``decisions.md``, "Codes": error 100 where Centrifugo closes with 3500."""
    provider = Provider(key_for())
    provider.go_down()
    with pytest.raises(KeysUnavailableError) as caught:
        await verifier(remote(provider, clock), clock).verify(text)
    assert caught.value.temporary


async def test_what_needs_no_key_to_refuse_is_refused_during_an_outage(clock: Clock) -> None:
    provider = Provider(key_for())
    provider.go_down()
    checker = verifier(remote(provider, clock), clock)
    for text in ("garbage", "a.b.c"):
        with pytest.raises(TokenFormatError):
            await checker.verify(text)
    for header in ({"alg": "none"}, {"alg": "HS256"}, {"kid": None}, {"crit": ["exp"]}):
        with pytest.raises(TokenInvalidError):
            await checker.verify(signed_with(header))
    assert provider.fetches == 0


async def test_fifty_tokens_of_random_keys_cost_the_provider_one_request(clock: Clock) -> None:
    """Row A3: 50 requests from Centrifugo, and nobody had to sign in for it."""
    provider = Provider(key_for())
    checker = verifier(remote(provider, clock), clock)
    texts = [signed_with({"kid": f"random-{number}"}) for number in range(50)]
    answers = await asyncio.gather(*(checker.verify(text) for text in texts), return_exceptions=True)
    assert {type(answer) for answer in answers} == {TokenInvalidError}
    assert provider.fetches == 1
    assert (await checker.verify(token())).sub == USER


async def test_one_verifier_serves_concurrent_callers(clock: Clock) -> None:
    """Row F2: one class for gateway, backend and tests."""
    provider = Provider(key_for())
    checker = verifier(remote(provider, clock), clock)
    texts = [token(sub=f"user-{number}") for number in range(20)]
    verified = await asyncio.gather(*(checker.verify(text) for text in texts * 2))
    assert [each.sub for each in verified[:20]] == [f"user-{number}" for number in range(20)]
    assert (provider.fetches, checker.cached_tokens) == (1, 20)
