"""What each refusal of the backend becomes, and that it is the same by either door where the contract can tell it."""

from __future__ import annotations

import pytest

from cadenza.backend.refusals import refusal_of
from cadenza.client.refusals import refusal
from cadenza.errors import (
    AccessDeniedError,
    CadenzaError,
    IdentityError,
    RateLimitedError,
    RpcError,
    SecondFactorRequiredError,
    SessionRevokedError,
    SignInRequiredError,
    TokenExpiredError,
    TokenInvalidError,
)
from cadenza.protocol.auth import ErrorCode
from cadenza.schema.codes import CODES
from cadenza.schema.envelope import ErrorBody


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (19002, SignInRequiredError),
        (26001, SignInRequiredError),
        (26003, TokenExpiredError),
        (26004, TokenInvalidError),
        (26005, AccessDeniedError),
        (26006, SecondFactorRequiredError),
        (26007, SessionRevokedError),
    ],
)
def test_codes_about_identity_are_auth_errors(code: int, kind: type[CadenzaError]) -> None:
    error = refusal(ErrorBody(code=code, message="No."))
    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize(
    ("code", "word", "status"),
    [
        (26002, "invalid_credentials", 401),
        (26008, "over_request_rate_limit", 429),
        (26009, "email_not_confirmed", 403),
        (26010, "weak_password", 400),
        (26011, "user_already_exists", 409),
        (26012, "otp_expired", 400),
    ],
)
def test_codes_of_the_provider_are_worded_as_the_provider_does(code: int, word: str, status: int) -> None:
    error = refusal(ErrorBody(code=code, message="No.", retry_after=7))
    assert isinstance(error, IdentityError)
    assert (error.error_code, error.status, error.code, error.retry_after_seconds) == (word, status, code, 7)
    assert error.temporary is CODES[code].temporary


def test_the_rest_carry_field_and_wait() -> None:
    error = refusal(ErrorBody(code=22015, message="No.", field="depth"))
    assert isinstance(error, RpcError)
    assert (error.field, error.temporary) == ("depth", False)
    limited = refusal(ErrorBody(code=22020, message="Slowly.", retry_after=3))
    assert isinstance(limited, RateLimitedError)
    assert limited.next_step == "Wait 3 s, then repeat it."
    assert (limited.temporary, limited.retry_after_seconds) == (True, 3)


def test_what_the_backend_says_of_temporary_wins_over_the_table() -> None:
    assert refusal(ErrorBody(code=22020, message="Never.", temporary=False)).temporary is False


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_an_error_with_a_next_step(code: int) -> None:
    error = refusal(ErrorBody(code=code, message="No."))
    assert error.code == code
    assert error.next_step


def test_an_unknown_code_is_an_rpc_error() -> None:
    error = refusal(ErrorBody(code=99999, message="New."))
    assert isinstance(error, RpcError)
    assert error.temporary is False


SIGN_UP, LOGIN, SEND, VERIFY = (f"command.auth.{name}" for name in ("signup", "login", "otp.send", "otp.verify"))
EXCHANGE, UPDATE, ID_TOKEN = (f"command.auth.{name}" for name in ("oauth.exchange", "user.update", "idtoken"))
ENROLL, CHALLENGE, PROVE, UNENROLL = (
    f"command.auth.mfa.{name}" for name in ("enroll", "challenge", "verify", "unenroll")
)


def through_the_websocket(word: str, method: str) -> CadenzaError:
    """What the provider's refusal becomes on its way through the backend."""
    said = refusal_of(IdentityError("No.", status=400, error_code=word))
    assert said.code is not None
    body = ErrorBody(code=said.code, message=said.message, temporary=said.temporary, field=said.field)
    return refusal(body, method)


@pytest.mark.parametrize(
    ("word", "method"),
    [
        ("invalid_credentials", LOGIN),
        ("email_not_confirmed", LOGIN),
        ("user_already_exists", SIGN_UP),
        ("weak_password", SIGN_UP),
        ("otp_disabled", SEND),
        ("email_address_not_authorized", SEND),
        ("over_request_rate_limit", SEND),
        ("otp_expired", VERIFY),
        ("provider_disabled", ID_TOKEN),
        ("flow_state_not_found", EXCHANGE),
        ("bad_code_verifier", EXCHANGE),
        ("same_password", UPDATE),
        ("weak_password", UPDATE),
        ("email_exists", UPDATE),
        ("current_password_required", UPDATE),
        ("current_password_invalid", UPDATE),
        ("reauthentication_needed", UPDATE),
        ("reauthentication_not_valid", UPDATE),
        ("insufficient_aal", UPDATE),
        ("mfa_factor_name_conflict", ENROLL),
        ("too_many_enrolled_mfa_factors", ENROLL),
        ("insufficient_aal", ENROLL),
        ("mfa_factor_not_found", CHALLENGE),
        ("mfa_verification_failed", PROVE),
        ("mfa_verification_rejected", PROVE),
        ("mfa_challenge_expired", PROVE),
        ("insufficient_aal", UNENROLL),
    ],
)
def test_the_websocket_says_the_providers_word(word: str, method: str) -> None:
    error = through_the_websocket(word, method)
    assert isinstance(error, IdentityError)
    assert error.error_code == word
    assert error.next_step


@pytest.mark.parametrize(
    ("word", "method", "said"),
    [
        ("over_email_send_rate_limit", SEND, ErrorCode.OVER_REQUEST_RATE_LIMIT),
        ("flow_state_expired", EXCHANGE, ErrorCode.FLOW_STATE_NOT_FOUND),
        ("mfa_ip_address_mismatch", PROVE, ErrorCode.MFA_CHALLENGE_EXPIRED),
        ("signup_disabled", SIGN_UP, AccessDeniedError),
        ("user_banned", LOGIN, AccessDeniedError),
        ("validation_failed", SIGN_UP, RpcError),
        ("bad_jwt", UPDATE, TokenInvalidError),
        ("session_not_found", UPDATE, SessionRevokedError),
    ],
)
def test_where_one_code_stands_for_several_words_the_kind_is_right(
    word: str, method: str, said: ErrorCode | type[CadenzaError]
) -> None:
    error = through_the_websocket(word, method)
    assert (error.error_code if isinstance(error, IdentityError) else type(error)) == said


def test_another_method_with_a_parameter_of_that_name_is_not_about_signing_in() -> None:
    error = refusal(ErrorBody(code=22016, message="No.", field="factorId"), "query.order.get")
    assert isinstance(error, RpcError)
    assert error.field == "factorId"
