"""Which limits each method counts in."""

from __future__ import annotations

from cadenza.schema.methods import METHODS, Kind
from cadenza.schema.rates import Rate


def test_a_method_counts_with_its_kind_but_for_sign_in_and_what_machines_hand_in() -> None:
    for name, method in METHODS.items():
        if name.split(".")[1] == "auth":
            assert method.rate is Rate.SIGN_IN, name
        elif name.endswith(".save"):
            assert method.rate is Rate.FEEDS, name
        else:
            assert method.rate is (Rate.QUERIES if method.kind is Kind.QUERY else Rate.COMMANDS), name
