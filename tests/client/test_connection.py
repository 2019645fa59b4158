"""The code table: every row of the decisions, and nothing left undecided."""

from __future__ import annotations

import pytest

from cadenza.client.connection import RULES, Circumstances, NextStep, When, decide, error_for
from cadenza.client.ports import Cause, Plane
from cadenza.errors import (
    AccessDeniedError,
    CadenzaError,
    DisconnectedError,
    GatewayError,
    MessageTooBigError,
    SessionRevokedError,
    SignInRequiredError,
    TransportError,
)
from cadenza.protocol.codes import CLIENT_ERRORS, DISCONNECTS, is_disconnect_final

FIRST = Circumstances()
AGAIN = Circumstances(renewed=True)


def closed(code: int, circumstances: Circumstances = FIRST) -> tuple[NextStep, type[CadenzaError]]:
    rule = decide(Cause(code=code), circumstances)
    return rule.next_step, rule.error


def answered(
    code: int, reason: str = "", circumstances: Circumstances = FIRST, *, temporary: bool = False
) -> tuple[NextStep, type[CadenzaError]]:
    rule = decide(Cause(plane=Plane.CONNECT_ERROR, code=code, reason=reason, temporary=temporary), circumstances)
    return rule.next_step, rule.error


class TestTheMissionsRows:
    def test_3500_refreshes_and_reconnects_and_only_a_second_one_for_a_newer_token_is_final(self) -> None:
        """A1."""
        assert closed(3500) == (NextStep.REFRESH, DisconnectedError)
        assert closed(3500, AGAIN) == (NextStep.SIGN_IN, SignInRequiredError)

    def test_109_refreshes_and_retries_and_a_fresh_token_refused_again_is_final(self) -> None:
        assert answered(109) == (NextStep.REFRESH, GatewayError)
        assert answered(109, circumstances=AGAIN) == (NextStep.SIGN_IN, SignInRequiredError)

    @pytest.mark.parametrize("code", [101, 107, 400, 1999])
    def test_the_words_token_expired_count_under_any_code(self, code: int) -> None:
        assert answered(code, "Token expired") == (NextStep.REFRESH, GatewayError)
        assert answered(code, "token expired", AGAIN) == (NextStep.SIGN_IN, SignInRequiredError)

    def test_100_at_connect_is_the_servers_own_trouble(self) -> None:
        assert answered(100, "internal server error") == (NextStep.RECONNECT, GatewayError)


class TestTheOtherRows:
    @pytest.mark.parametrize("code", [3005, 3006])
    def test_an_expired_connection_refreshes(self, code: int) -> None:
        assert closed(code)[0] is NextStep.REFRESH
        assert closed(code, AGAIN)[0] is NextStep.REFRESH

    def test_3501_is_sign_in_required_only_when_no_token_was_sent(self) -> None:
        assert closed(3501, Circumstances(token_sent=False)) == (NextStep.SIGN_IN, SignInRequiredError)
        assert closed(3501) == (NextStep.STOP, DisconnectedError)

    def test_3507_is_access_denied(self) -> None:
        assert closed(3507) == (NextStep.STOP, AccessDeniedError)

    @pytest.mark.parametrize("code", [3000, 3001, 3004, *range(3008, 3015), 3502, 4000, 4499])
    def test_what_passes_reconnects(self, code: int) -> None:
        assert closed(code) == (NextStep.RECONNECT, DisconnectedError)

    @pytest.mark.parametrize("code", [3503, 3504, 3505, 3506, 3508, 3509, 3999, 4501, 4999])
    def test_what_cannot_pass_stops_with_a_typed_error(self, code: int) -> None:
        assert closed(code) == (NextStep.STOP, DisconnectedError)

    def test_4500_is_a_revoked_session(self) -> None:
        assert closed(4500) == (NextStep.SIGN_IN, SessionRevokedError)

    def test_1009_reconnects_twice_and_then_stops(self) -> None:
        """B5."""
        assert closed(1009, Circumstances(repeats=2)) == (NextStep.RECONNECT, MessageTooBigError)
        assert closed(1009, Circumstances(repeats=3)) == (NextStep.STOP, MessageTooBigError)

    @pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 0])
    def test_a_lost_connection_reconnects(self, code: int) -> None:
        assert closed(code) == (NextStep.RECONNECT, TransportError)

    def test_a_temporary_error_is_tried_again_and_any_other_is_final(self) -> None:
        assert answered(111, temporary=True)[0] is NextStep.RECONNECT
        assert answered(107) == (NextStep.STOP, GatewayError)


def test_every_code_of_centrifugo_is_decided_as_its_own_sdks_do_except_where_the_decisions_differ() -> None:
    differing = {3500, 3502}  # A1; and "stale" only says that the connect came late
    for code in DISCONNECTS:
        rule = decide(Cause(code=code), FIRST)
        if code not in differing:
            assert rule.next_step.is_final == is_disconnect_final(code), code


@pytest.mark.parametrize("code", [-1, 0, 999, 2999, 3777, 4700, 5000, 70_000])
def test_no_code_is_left_undecided(code: int) -> None:
    assert decide(Cause(code=code), FIRST).next_step in NextStep


def test_each_row_can_be_reached() -> None:
    circumstances = {
        When.AGAIN: AGAIN,
        When.SAYS_EXPIRED_AGAIN: AGAIN,
        When.WITHOUT_TOKEN: Circumstances(token_sent=False),
        When.REPEATEDLY: Circumstances(repeats=3),
    }
    reasons = {When.SAYS_EXPIRED: "token expired", When.SAYS_EXPIRED_AGAIN: "token expired"}
    for rule in RULES:
        reached = [
            decide(
                Cause(
                    plane=rule.plane,
                    code=code,
                    reason=reasons.get(rule.when, ""),
                    temporary=rule.when is When.TEMPORARY,
                ),
                circumstances.get(rule.when, FIRST),
            )
            for code in rule.codes
        ]
        assert rule in reached, rule


@pytest.mark.parametrize("code", [*CLIENT_ERRORS, *DISCONNECTS, 1006, 1009, 4500, 4321, 4600])
@pytest.mark.parametrize("plane", list(Plane))
def test_each_error_carries_the_code_and_says_whether_waiting_helps(code: int, plane: Plane) -> None:
    cause = Cause(plane=plane, code=code, reason="words")
    rule = decide(cause, FIRST)
    error = error_for(rule, cause)
    assert isinstance(error, rule.error)
    assert error.code == code
    assert "words" in error.message
    if rule.error in {DisconnectedError, TransportError, GatewayError}:
        assert error.temporary is not rule.next_step.is_final
