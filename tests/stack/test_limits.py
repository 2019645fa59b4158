"""CADENZA_LIMITS, as an operator writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cadenza.backend.config import DEFAULT_PACES, Pace, RateLimits
from cadenza.errors import ConfigurationError
from cadenza.stack.external import external_settings_from_environment
from cadenza.stack.limits import limits_from_environment
from cadenza.stack.settings import settings_from_environment

TEXT = "queries=100:1000, command.quote.rfq=0.5:3 joins=off"
READ = {"queries": Pace(per_second=100, burst=1000), "command.quote.rfq": Pace(per_second=0.5, burst=3), "joins": None}


def test_paces_are_read_by_class_and_method() -> None:
    assert limits_from_environment({"CADENZA_LIMITS": TEXT}).changed == READ


def test_both_backends_have_them(tmp_path: Path) -> None:
    embedded = settings_from_environment({"CADENZA_DATA_DIR": str(tmp_path), "CADENZA_LIMITS": TEXT})
    external = external_settings_from_environment(
        {
            "SUPABASE_URL": "http://127.0.0.1:54321",
            "CADENZA_WS_URL": "ws://127.0.0.1:8000/connection/websocket",
            "CADENZA_API_KEY": "k" * 16,
            "CADENZA_PROXY_SECRET": "s" * 16,
            "CADENZA_LIMITS": TEXT,
        }
    )
    assert embedded.limits.changed == external.limits.changed == READ


@pytest.mark.parametrize("text", ["", " ", ","])
def test_nothing_is_the_defaults(text: str) -> None:
    assert limits_from_environment({"CADENZA_LIMITS": text}).paces == DEFAULT_PACES
    assert limits_from_environment({}) == RateLimits()


def test_off_is_no_limit_at_all() -> None:
    assert set(limits_from_environment({"CADENZA_LIMITS": "off"}).paces.values()) == {None}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("queries", "NAME=PER_SECOND:AT_ONCE"),
        ("queries=100", "NAME=PER_SECOND:AT_ONCE"),
        ("queries=-1:5", "NAME=PER_SECOND:AT_ONCE"),
        ("queries=off,off", "NAME=PER_SECOND:AT_ONCE"),
        ("query.ticker.lists=1:5", "Did you mean query.ticker.list?"),
        ("queries=0:5", "per_second must be"),
        ("queries=5:0", "burst must be"),
    ],
)
def test_what_does_not_read_is_refused_with_what_does(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        limits_from_environment({"CADENZA_LIMITS": text})
    assert refused.value.setting == "CADENZA_LIMITS"
    assert says in str(refused.value)
