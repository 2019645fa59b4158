"""The key rotation drill of row E10: standby, new, old and withdrawn key, through one verifier that stays up."""

from __future__ import annotations

import pytest
from tests.tokens.kit import USER, Clock, Provider, key_for, remote, token, verifier

from cadenza.errors import KeysUnavailableError, TokenInvalidError
from cadenza.tokens.signer import SigningKey

OLD, NEW = key_for(kid="2026-01"), key_for("EdDSA", kid="2026-02")


async def test_a_rotation_with_a_standby_key_is_seen_by_nobody() -> None:
    """Row E10, the way Supabase rotates: publish, sign with it, withdraw the old one when its tokens are gone."""
    clock = Clock()
    provider = Provider(OLD)
    checker = verifier(remote(provider, clock), clock)
    before = token(OLD)
    assert (await checker.verify(before)).kid == "2026-01"

    provider.keys = [OLD, NEW]  # published as standby
    clock.advance(600)
    assert (await checker.verify(before)).kid == "2026-01"
    assert provider.fetches == 2

    clock.advance(60)
    assert (await checker.verify(token(NEW))).kid == "2026-02"  # in use
    assert provider.fetches == 2

    provider.keys = [NEW]  # withdrawn
    assert checker.cached(before) is not None  # the old key is believed for what is left of its ten minutes
    clock.advance(540)
    assert checker.cached(before) is None
    with pytest.raises(TokenInvalidError):
        await checker.verify(before)
    with pytest.raises(TokenInvalidError):
        await checker.verify(token(OLD, sub="another"))
    assert (await checker.verify(token(NEW))).sub == USER


async def test_a_sudden_rotation_is_found_by_the_first_new_token() -> None:
    """Row E10, a leak: the new key signs at once. The fetch it causes withdraws the old one as well."""
    clock = Clock()
    provider = Provider(OLD)
    checker = verifier(remote(provider, clock), clock)
    before = token(OLD)
    await checker.verify(before)
    clock.advance(5)
    provider.keys = [NEW]
    assert checker.cached(before) is not None  # nobody has told us yet
    assert (await checker.verify(token(NEW))).kid == "2026-02"
    assert checker.cached(before) is None
    with pytest.raises(TokenInvalidError):
        await checker.verify(before)
    assert provider.fetches == 2


async def test_an_operator_can_withdraw_a_key_at_once() -> None:
    """Row A2: the runbook's step, without a restart."""
    clock = Clock()
    provider = Provider(OLD)
    keys = remote(provider, clock)
    checker = verifier(keys, clock)
    before = token(OLD)
    await checker.verify(before)
    provider.keys = [NEW]
    await keys.refresh()
    with pytest.raises(TokenInvalidError):
        await checker.verify(before)


async def test_a_key_that_comes_back_is_believed_again() -> None:
    """A rotation rolled back: nothing about a key is remembered once it is gone."""
    clock = Clock()
    provider = Provider(OLD)
    keys = remote(provider, clock)
    checker = verifier(keys, clock)
    for published in ([NEW], [OLD]):
        provider.keys = published
        await keys.refresh()
    assert (await checker.verify(token(OLD))).kid == "2026-01"


async def test_a_new_key_under_an_old_name_replaces_it() -> None:
    clock = Clock()
    provider = Provider(OLD)
    keys = remote(provider, clock)
    checker = verifier(keys, clock)
    before = token(OLD)
    await checker.verify(before)
    renewed = SigningKey.generate("ES256", kid="2026-01")
    provider.keys = [renewed]
    await keys.refresh()
    with pytest.raises(TokenInvalidError):
        await checker.verify(before)
    assert (await checker.verify(token(renewed))).sub == USER


async def test_a_rotation_during_an_outage_refuses_nobody_for_good() -> None:
    """Rows A1 and E10: the new key cannot be had, so its tokens are "cannot check", and good soon after."""
    clock = Clock()
    provider = Provider(OLD)
    keys = remote(provider, clock)
    checker = verifier(keys, clock)
    await checker.verify(token(OLD))
    provider.keys = [NEW]
    provider.go_down()
    for _ in range(20):
        with pytest.raises(KeysUnavailableError):
            await checker.verify(token(NEW))
        assert (await checker.verify(token(OLD))).sub == USER
        clock.advance(1)
    provider.come_up()
    clock.advance(10)
    assert (await checker.verify(token(NEW))).sub == USER
    with pytest.raises(TokenInvalidError):
        await checker.verify(token(OLD))
