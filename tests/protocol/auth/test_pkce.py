"""PKCE: RFC 7636's own example, and nothing but S256."""

from __future__ import annotations

import secrets

import pytest

from cadenza.protocol.auth import pkce

# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_example_of_the_standard_comes_out() -> None:
    assert pkce.challenge_of(VERIFIER) == CHALLENGE
    assert pkce.matches(VERIFIER, CHALLENGE)
    assert not pkce.matches(CHALLENGE, CHALLENGE)  # `plain` is no method here
    assert not pkce.matches("", "")
    assert not pkce.matches("ö", CHALLENGE)


def test_two_flows_never_share_a_verifier() -> None:
    """E9: a second flow does not overwrite the first one's proof; each has its own."""
    first, second = pkce.make(secrets.token_bytes), pkce.make(secrets.token_bytes)

    assert first.verifier != second.verifier
    assert pkce.matches(first.verifier, first.challenge)
    assert not pkce.matches(first.verifier, second.challenge)


def test_a_pair_is_well_formed_and_shows_nothing() -> None:
    made = pkce.make(bytes)

    assert made.verifier == "A" * 64
    assert pkce.is_well_formed(made.verifier)
    assert pkce.is_well_formed(made.challenge)
    assert repr(made) == "<Pkce>"


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 129, "a" * 42 + "+", "a" * 42 + "\n", "ä" * 43])
def test_what_the_standard_does_not_allow_is_malformed(text: str) -> None:
    assert not pkce.is_well_formed(text)


def test_s256_is_known_in_either_case_and_plain_is_not() -> None:
    assert pkce.is_s256("S256")
    assert pkce.is_s256("s256")
    assert not pkce.is_s256("plain")
    assert not pkce.is_s256("")
