"""Decimals, times and enums as the contract writes them."""

from __future__ import annotations

import datetime as dt
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.schema.scalars import QuantityRounding, date_time_text, decimal_text, to_date_time, to_decimal


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_its_value_and_its_zeros_and_never_has_an_exponent(value: decimal.Decimal) -> None:
    written = decimal_text(value)
    assert not set(written) & set("eE+")
    assert to_decimal(written) == value


@pytest.mark.parametrize(("value", "written"), [("1E-8", "0.00000001"), ("1E+3", "1000"), ("1.50", "1.50")])
def test_exponents_are_written_out(value: str, written: str) -> None:
    assert decimal_text(decimal.Decimal(value)) == written


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_number_is_not_written(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        decimal_text(decimal.Decimal(value))


@pytest.mark.parametrize("text", ["", "NaN", "1e5", "+1", ".5", "1.", " 1", "1\n", "1_000", "\u0661"])
def test_what_is_no_decimal_of_the_contract_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="decimal"):
        to_decimal(text)


@given(st.integers(0, 4_102_444_800_000))
def test_a_time_is_written_in_utc_with_z_and_read_again_to_the_millisecond(milliseconds: int) -> None:
    written = date_time_text(milliseconds / 1000)
    assert written.endswith("Z")
    assert round(to_date_time(written).timestamp() * 1000) == milliseconds


@pytest.mark.parametrize(
    "text",
    ["2026-11-23T12:00:00Z", "2026-11-23T12:00:00+00:00", "2026-11-23T14:00:00.000000+02:00", "2026-11-23T12:00:00.0Z"],
)
def test_every_spelling_of_a_moment_is_read(text: str) -> None:
    assert to_date_time(text) == dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["", "2026-11-23", "2026-11-23T12:00:00", "2026-13-23T12:00:00Z", "1632933600000"])
def test_a_time_without_offset_or_of_another_form_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        to_date_time(text)


def test_no_rounding_is_the_empty_text_and_false() -> None:
    assert QuantityRounding("") is QuantityRounding.NONE
    assert not QuantityRounding.NONE
