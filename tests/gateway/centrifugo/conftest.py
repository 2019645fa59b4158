"""The settings that every test of this room starts from, and the real program where it was given."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cadenza.gateway.centrifugo import CentrifugoConfig
from cadenza.stack.channels import NAMESPACES


@pytest.fixture
def config() -> CentrifugoConfig:
    """A whole configuration, as the stack makes one."""
    return CentrifugoConfig(
        issuer="https://ref.supabase.co/auth/v1",
        audience="authenticated",
        backend_url="http://127.0.0.1:8080",
        namespaces=NAMESPACES,
        client_concurrency=8,
        api_key="the-key-of-the-api",
        proxy_secret="the-secret-between-both",
        allowed_origins=("https://app.example",),
    )


@pytest.fixture
def centrifugo() -> Path:
    """The real program: CENTRIFUGO_BIN names it, or it stands on PATH."""
    found = os.environ.get("CENTRIFUGO_BIN") or shutil.which("centrifugo")
    if not found:
        pytest.skip("the real Centrifugo was not given: CENTRIFUGO_BIN")
    return Path(found)
