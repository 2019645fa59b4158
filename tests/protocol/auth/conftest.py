"""The recorded exchanges, which show what Supabase Auth really sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parent.parent.parent / "data" / "identity" / "supabase-auth-exchanges.jsonl"


@pytest.fixture(scope="session")
def exchanges() -> list[dict[str, Any]]:
    """All of them, by line."""
    return [json.loads(line) for line in DATA.read_text().splitlines()]


@pytest.fixture(scope="session")
def sessions(exchanges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every session body."""
    bodies = [exchange["response"]["body"] for exchange in exchanges]
    return [body for body in bodies if isinstance(body, dict) and "access_token" in body]


@pytest.fixture(scope="session")
def refusals(exchanges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every response that is an error with a JSON body."""
    responses = [exchange["response"] for exchange in exchanges]
    return [response for response in responses if response["status"] >= 400 and isinstance(response["body"], dict)]
