"""Secrets at rest open with their own key and purpose alone, and digests cannot be tested without the key."""

from __future__ import annotations

import os

from cadenza.identity.sealing import Vault

SECRET = b"JBSWY3DPEHPK3PXP"


def vault(key: bytes = bytes(32)) -> Vault:
    return Vault(key, random_bytes=os.urandom)


def test_what_was_sealed_opens_again_and_is_not_in_the_clear() -> None:
    sealed = vault().seal(SECRET, purpose="totp")

    assert SECRET not in sealed
    assert vault().open(sealed, purpose="totp") == SECRET


def test_another_key_or_purpose_or_an_altered_byte_opens_nothing() -> None:
    sealed = vault().seal(SECRET, purpose="totp")

    assert vault(b"\1" * 32).open(sealed, purpose="totp") is None
    assert vault().open(sealed, purpose="oauth") is None
    assert vault().open(sealed[:-1] + bytes([sealed[-1] ^ 1]), purpose="totp") is None
    assert vault().open(b"", purpose="totp") is None


def test_the_same_secret_seals_differently_each_time() -> None:
    assert vault().seal(SECRET, purpose="totp") != vault().seal(SECRET, purpose="totp")


def test_a_digest_depends_on_secret_key_and_purpose() -> None:
    digests = {
        vault().digest("123456", purpose="code"),
        vault().digest("123457", purpose="code"),
        vault().digest("123456", purpose="state"),
        vault(b"\1" * 32).digest("123456", purpose="code"),
    }

    assert len(digests) == 4
    assert vault().digest("123456", purpose="code") in digests
