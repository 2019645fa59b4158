"""Ticks and lots against decimal text: exact both ways, and a refusal for everything else."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend.venues.scale import Scale

scales = st.integers(min_value=0, max_value=12).map(lambda digits: Scale(digits=digits))


@given(scale=scales, units=st.integers(min_value=-(10**20), max_value=10**20))
def test_text_and_units_are_each_others_inverse(scale: Scale, units: int) -> None:
    text = scale.text(units)
    assert scale.units(text) == units
    assert Decimal(text) == Decimal(units).scaleb(-scale.digits)


@given(scale=scales, units=st.integers())
def test_text_is_a_decimal_of_the_contract_with_all_its_digits(scale: Scale, units: int) -> None:
    text = scale.text(units)
    assert "e" not in text.lower()
    assert len(text.partition(".")[2]) == scale.digits


@pytest.mark.parametrize(
    "text", ["", ".", ".5", "1.", "+1", "1e3", "NaN", "1,0", " 1", "1 ", "--1", "٣", "0x1", "1.2.3"]
)
def test_what_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"plain decimal|finer"):
        Scale(digits=2).units(text)


def test_more_digits_than_a_unit_has_are_refused_unless_they_are_zeros() -> None:
    assert Scale(digits=2).units("1.2300") == 123
    with pytest.raises(ValueError, match="finer than 2 digits"):
        Scale(digits=2).units("1.234")
