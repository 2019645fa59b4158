"""The table of codes: each code once, in its range, documented ones as documented, ours as decided."""

from __future__ import annotations

from typing import Final

import pytest

from cadenza.schema.codes import CODES, Action, Code

#: Code -> HTTP status, from the API's own list (``../shared/reference/cadenza-api.md``, section 4).
DOCUMENTED: Final = {
    18000: 500, 18001: 400, 18002: 400, 18003: 400, 18004: 502, 18005: 401, 18006: 400, 18007: 400, 18008: 400,
    18009: 502, 18010: 503, 18011: 429, 18012: 503, 18013: 503, 18015: 504, 18016: 501, 18017: 404, 18018: 404,
    18019: 404, 18020: 404, 18022: 401, 18025: 400,
    19000: 500, 19001: 400, 19002: 401, 19003: 404, 19004: 400, 19005: 400, 19006: 503,
    22000: 500, 22014: 503, 22015: 400, 22016: 404,
}  # fmt: skip
#: ``design/decisions.md``, "Errors of the backend".
OURS: Final = {*range(22017, 22021), *range(26001, 26013)}


def test_every_code_has_a_row_and_every_row_a_code() -> None:
    assert {*CODES} == {int(code) for code in Code}
    assert all(number == row.code for number, row in CODES.items())


def test_no_number_has_two_names() -> None:
    assert [name for name, code in Code.__members__.items() if code.name != name] == []


def test_codes_are_the_documented_and_the_decided_ones() -> None:
    assert {number for number, row in CODES.items() if row.documented} == DOCUMENTED.keys()
    assert {number for number, row in CODES.items() if not row.documented} == OURS


def test_documented_codes_have_the_documented_status() -> None:
    assert {number: row.http_status for number, row in CODES.items() if row.documented} == DOCUMENTED


def test_codes_are_five_digits_of_a_known_domain() -> None:
    """Positive over RPC; the domains are market connector, web, use case, authentication."""
    assert {number // 1000 for number in CODES} == {18, 19, 22, 26}


@pytest.mark.parametrize("code", [Code.TOO_MANY_ATTEMPTS, Code.RATE_LIMITED])
def test_codes_that_carry_retry_after_are_temporary_and_say_wait(code: Code) -> None:
    assert CODES[code].temporary
    assert CODES[code].action is Action.WAIT


def test_a_temporary_error_says_to_come_back_and_no_other_does() -> None:
    come_back = {number for number, row in CODES.items() if row.action in {Action.RETRY, Action.WAIT}}
    assert come_back == {number for number, row in CODES.items() if row.temporary}


def test_a_temporary_error_is_no_fault_of_the_request() -> None:
    assert {row.http_status for row in CODES.values() if row.temporary} <= {429, 502, 503, 504}


def test_meanings_are_told_apart() -> None:
    meanings = [row.meaning for row in CODES.values()]
    assert sorted({*meanings}) == sorted(meanings)
