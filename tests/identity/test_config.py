"""Settings that cannot work are refused at once, by name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig, is_loopback

FOLDER = Path("/nonexistent")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what must be refused


@pytest.mark.parametrize(
    "changes",
    [
        {"host": EVERYWHERE},
        {"host": "192.168.1.10"},
        {"host": "example.com"},
        {"host": "::"},
        {"port": -1},
        {"port": 65536},
        {"access_token_lifetime_seconds": 0},
        {"refresh_token_reuse_interval_seconds": -1},
        {"session_lifetime_seconds": 0},
        {"password_min_length": 0},
        {"password_min_length": 73},
        {"signing_algorithm": "none"},
        {"signing_algorithm": "HS256"},
        {"path_prefixes": ()},
        {"path_prefixes": ("auth",)},
        {"path_prefixes": ("/auth/",)},
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        IdentityConfig(data_dir=FOLDER, **changes)

    assert caught.value.setting == next(iter(changes))


def test_beyond_loopback_only_when_told_so() -> None:
    config = IdentityConfig(data_dir=FOLDER, host=EVERYWHERE, allow_beyond_loopback=True)

    assert config.host == EVERYWHERE


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "2130706433"])
def test_what_only_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "http://127.0.0.1:54321/auth/v1"),
        ({"host": "::1", "port": 1}, "http://[::1]:1/auth/v1"),
        ({"path_prefixes": ("",)}, "http://127.0.0.1:54321"),
        ({"external_url": "https://auth.example.com/auth/v1/"}, "https://auth.example.com/auth/v1"),
    ],
)
def test_the_address_follows_from_the_settings(changes: dict[str, Any], url: str) -> None:
    config = IdentityConfig(data_dir=FOLDER, **changes)

    assert config.base_url == config.token_issuer == url


def test_the_issuer_can_be_set_to_the_letter() -> None:
    assert IdentityConfig(data_dir=FOLDER, issuer="https://issuer.example/").token_issuer == "https://issuer.example/"


def test_settings_never_change() -> None:
    with pytest.raises(FrozenInstanceError):
        IdentityConfig(data_dir=FOLDER).port = 1  # type: ignore[misc]
