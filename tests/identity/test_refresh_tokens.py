"""Refresh tokens are derived, recognised, and unknown to whoever lacks the key."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.identity.refresh_tokens import RefreshTokenMint, has_form

KEY, OTHER = b"k" * 32, b"o" * 32


def mint(key: bytes = KEY) -> RefreshTokenMint:
    return RefreshTokenMint(key, random_bytes=lambda length: b"s" * length)


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16))
def test_a_seed_has_one_token_of_the_recorded_form(seed: bytes) -> None:
    token = mint().token_of(seed)

    assert has_form(token)
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert token == mint().token_of(seed)


def test_the_recorded_tokens_have_the_form() -> None:
    assert all(has_form(token) for token in ("76bwfwhkycoe", "kl3d6rg6kgxi", "uvse4sa2x6t3", "2uhiv4hquncw"))


def test_another_key_makes_another_token_and_another_digest() -> None:
    seed = mint().new_seed()
    token = mint().token_of(seed)

    assert mint(OTHER).token_of(seed) != token
    assert mint(OTHER).digest_of(token) != mint().digest_of(token)


def test_neither_seed_nor_digest_is_or_holds_the_token() -> None:
    seed = mint().new_seed()
    token = mint().token_of(seed)

    assert token.encode() not in seed + mint().digest_of(token)
    assert mint().digest_of(token) != mint().token_of(mint().digest_of(token)[:16]).encode()


def test_a_digest_is_the_tokens_alone() -> None:
    tokens = [mint().token_of(bytes([n]) * 16) for n in range(200)]

    assert len({mint().digest_of(token) for token in tokens}) == len(set(tokens)) == 200
