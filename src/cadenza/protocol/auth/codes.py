"""Supabase Auth's error codes: one table with the HTTP statuses they come with and what the caller should do.

Source: ``reference/supabase-auth.md``, every code seen in its recordings, and from Supabase Auth's own list
``request_entity_too_large`` and ``request_timeout``. A code that is not in the table is no
fault: newer providers have more; ``action_for`` then judges by the status alone.

Above: ``responses`` (reads them), ``cadenza.identity`` (writes them), ``client`` and ``backend`` (act on them).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class ErrorCode(enum.StrEnum):
    """The word Supabase Auth puts beside the HTTP status."""

    ANONYMOUS_PROVIDER_DISABLED = "anonymous_provider_disabled"
    BAD_CODE_VERIFIER = "bad_code_verifier"
    BAD_JSON = "bad_json"
    BAD_JWT = "bad_jwt"
    BAD_OAUTH_CALLBACK = "bad_oauth_callback"
    BAD_OAUTH_STATE = "bad_oauth_state"
    EMAIL_EXISTS = "email_exists"
    EMAIL_NOT_CONFIRMED = "email_not_confirmed"
    FEATURE_DISABLED = "feature_disabled"
    FLOW_STATE_NOT_FOUND = "flow_state_not_found"
    INSUFFICIENT_AAL = "insufficient_aal"
    INVALID_CREDENTIALS = "invalid_credentials"
    MANUAL_LINKING_DISABLED = "manual_linking_disabled"
    MFA_FACTOR_NAME_CONFLICT = "mfa_factor_name_conflict"
    MFA_FACTOR_NOT_FOUND = "mfa_factor_not_found"
    MFA_IP_ADDRESS_MISMATCH = "mfa_ip_address_mismatch"
    MFA_TOTP_ENROLL_NOT_ENABLED = "mfa_totp_enroll_not_enabled"
    MFA_VERIFICATION_FAILED = "mfa_verification_failed"
    NO_AUTHORIZATION = "no_authorization"
    NOT_ADMIN = "not_admin"
    OTP_DISABLED = "otp_disabled"
    OTP_EXPIRED = "otp_expired"
    OVER_EMAIL_SEND_RATE_LIMIT = "over_email_send_rate_limit"
    OVER_REQUEST_RATE_LIMIT = "over_request_rate_limit"
    OVER_SMS_SEND_RATE_LIMIT = "over_sms_send_rate_limit"
    PHONE_PROVIDER_DISABLED = "phone_provider_disabled"
    REAUTHENTICATION_NEEDED = "reauthentication_needed"
    REAUTHENTICATION_NOT_VALID = "reauthentication_not_valid"
    REFRESH_TOKEN_ALREADY_USED = "refresh_token_already_used"  # noqa: S105 - a code, not a secret
    REFRESH_TOKEN_NOT_FOUND = "refresh_token_not_found"  # noqa: S105 - a code, not a secret
    REQUEST_ENTITY_TOO_LARGE = "request_entity_too_large"
    REQUEST_TIMEOUT = "request_timeout"
    SAME_PASSWORD = "same_password"  # noqa: S105 - a code, not a secret
    SAML_PROVIDER_DISABLED = "saml_provider_disabled"
    SESSION_EXPIRED = "session_expired"
    SESSION_NOT_FOUND = "session_not_found"
    SIGNUP_DISABLED = "signup_disabled"
    SINGLE_IDENTITY_NOT_DELETABLE = "single_identity_not_deletable"
    SMS_SEND_FAILED = "sms_send_failed"
    UNEXPECTED_FAILURE = "unexpected_failure"
    USER_ALREADY_EXISTS = "user_already_exists"
    USER_BANNED = "user_banned"
    USER_NOT_FOUND = "user_not_found"
    VALIDATION_FAILED = "validation_failed"
    WEAK_PASSWORD = "weak_password"  # noqa: S105 - a code, not a secret


class Action(enum.Enum):
    """What whoever receives an error should do. The value is the sentence that is told to a person."""

    RETRY = "Wait a little, then try again."
    REFRESH = "Refresh the session, then try again."
    SIGN_IN = "Sign in again."
    CORRECT = "Correct what was sent."
    CONFIRM_EMAIL = "Confirm the e-mail address, then sign in."
    SECOND_FACTOR = "Complete the second factor, then try again."
    GIVE_UP = "The provider does not allow this; ask who runs it."


class Meaning(NamedTuple):
    """One row of the table."""

    statuses: tuple[int, ...]
    action: Action


_C, _A = ErrorCode, Action

CODES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        _C.ANONYMOUS_PROVIDER_DISABLED: Meaning((422,), _A.GIVE_UP),
        _C.BAD_CODE_VERIFIER: Meaning((400,), _A.CORRECT),
        _C.BAD_JSON: Meaning((400,), _A.CORRECT),
        _C.BAD_JWT: Meaning((403,), _A.REFRESH),
        _C.BAD_OAUTH_CALLBACK: Meaning((303,), _A.SIGN_IN),
        _C.BAD_OAUTH_STATE: Meaning((303,), _A.SIGN_IN),
        _C.EMAIL_EXISTS: Meaning((422,), _A.CORRECT),
        _C.EMAIL_NOT_CONFIRMED: Meaning((400,), _A.CONFIRM_EMAIL),
        _C.FEATURE_DISABLED: Meaning((404,), _A.GIVE_UP),
        _C.FLOW_STATE_NOT_FOUND: Meaning((404,), _A.SIGN_IN),
        _C.INSUFFICIENT_AAL: Meaning((401, 403, 422), _A.SECOND_FACTOR),
        _C.INVALID_CREDENTIALS: Meaning((400,), _A.CORRECT),
        _C.MANUAL_LINKING_DISABLED: Meaning((404,), _A.GIVE_UP),
        _C.MFA_FACTOR_NAME_CONFLICT: Meaning((422,), _A.CORRECT),
        _C.MFA_FACTOR_NOT_FOUND: Meaning((404, 422), _A.CORRECT),
        _C.MFA_IP_ADDRESS_MISMATCH: Meaning((422,), _A.SECOND_FACTOR),
        _C.MFA_TOTP_ENROLL_NOT_ENABLED: Meaning((422,), _A.GIVE_UP),
        _C.MFA_VERIFICATION_FAILED: Meaning((422,), _A.CORRECT),
        _C.NO_AUTHORIZATION: Meaning((401,), _A.SIGN_IN),
        _C.NOT_ADMIN: Meaning((403,), _A.GIVE_UP),
        _C.OTP_DISABLED: Meaning((422,), _A.GIVE_UP),
        _C.OTP_EXPIRED: Meaning((403,), _A.CORRECT),
        _C.OVER_EMAIL_SEND_RATE_LIMIT: Meaning((429,), _A.RETRY),
        _C.OVER_REQUEST_RATE_LIMIT: Meaning((429,), _A.RETRY),
        _C.OVER_SMS_SEND_RATE_LIMIT: Meaning((429,), _A.RETRY),
        _C.PHONE_PROVIDER_DISABLED: Meaning((400,), _A.GIVE_UP),
        _C.REAUTHENTICATION_NEEDED: Meaning((400,), _A.CORRECT),
        _C.REAUTHENTICATION_NOT_VALID: Meaning((422,), _A.CORRECT),
        _C.REFRESH_TOKEN_ALREADY_USED: Meaning((400,), _A.SIGN_IN),
        _C.REFRESH_TOKEN_NOT_FOUND: Meaning((400,), _A.SIGN_IN),
        _C.REQUEST_ENTITY_TOO_LARGE: Meaning((413,), _A.CORRECT),
        _C.REQUEST_TIMEOUT: Meaning((408, 504), _A.RETRY),
        _C.SAME_PASSWORD: Meaning((422,), _A.CORRECT),
        _C.SAML_PROVIDER_DISABLED: Meaning((404,), _A.GIVE_UP),
        _C.SESSION_EXPIRED: Meaning((400,), _A.SIGN_IN),
        _C.SESSION_NOT_FOUND: Meaning((403,), _A.SIGN_IN),
        _C.SIGNUP_DISABLED: Meaning((422,), _A.GIVE_UP),
        _C.SINGLE_IDENTITY_NOT_DELETABLE: Meaning((422,), _A.CORRECT),
        _C.SMS_SEND_FAILED: Meaning((422,), _A.RETRY),
        _C.UNEXPECTED_FAILURE: Meaning((500,), _A.RETRY),
        _C.USER_ALREADY_EXISTS: Meaning((422,), _A.CORRECT),
        _C.USER_BANNED: Meaning((400, 403), _A.GIVE_UP),
        _C.USER_NOT_FOUND: Meaning((403, 404), _A.SIGN_IN),
        _C.VALIDATION_FAILED: Meaning((400, 404), _A.CORRECT),
        _C.WEAK_PASSWORD: Meaning((422,), _A.CORRECT),
    }
)

#: A refresh answered with one of these can never succeed: the session is over, whatever time passes (E1, E6).
SESSION_OVER: Final[frozenset[str]] = frozenset(
    {
        ErrorCode.REFRESH_TOKEN_ALREADY_USED,
        ErrorCode.REFRESH_TOKEN_NOT_FOUND,
        ErrorCode.SESSION_EXPIRED,
        ErrorCode.SESSION_NOT_FOUND,
        ErrorCode.USER_BANNED,
        ErrorCode.USER_NOT_FOUND,
    }
)

_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS, _SERVER_ERROR = 408, 429, 500


def is_temporary_status(status: int) -> bool:
    """Whether a status alone says that waiting can help (RFC 9110 section 15, RFC 6585 section 4)."""
    return status in {_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS} or status >= _SERVER_ERROR


def action_for(status: int, error_code: str) -> Action:
    """What to do about an error; an unknown code is judged by its status."""
    if is_temporary_status(status):
        return Action.RETRY
    meaning = CODES.get(error_code)
    return Action.CORRECT if meaning is None else meaning.action
