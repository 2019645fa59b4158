"""Instants are written as Go writes them."""

from __future__ import annotations

import pytest

from cadenza.identity.times import instant, rfc3339, rfc3339_or_none


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_795_423_000, "2026-11-23T08:36:40Z"),
        (1_795_423_000.5, "2026-11-23T08:36:40.5Z"),
        (1_795_423_000.120, "2026-11-23T08:36:40.12Z"),
        (1_795_423_000.000001, "2026-11-23T08:36:40.000001Z"),
    ],
)
def test_a_fraction_has_no_zeros_at_its_end_and_seconds_keep_theirs(seconds: float, text: str) -> None:
    assert rfc3339(instant(seconds)) == text


def test_what_has_not_happened_has_no_time() -> None:
    assert rfc3339_or_none(None) is None
