"""A clock, a provider and its key set, new for each test."""

from __future__ import annotations

import pytest
from tests.tokens.kit import Clock, Provider, key_for, remote

from cadenza.tokens.jwks import RemoteKeySet


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider() -> Provider:
    return Provider(key_for())


@pytest.fixture
def keys(provider: Provider, clock: Clock) -> RemoteKeySet:
    return remote(provider, clock)
