"""Supabase Auth's error codes: one table with the HTTP statuses they come with and what the caller should do.

Source: Supabase Auth's own list (``internal/api/apierrors/errorcode.go`` of 2.196) and the statuses its code raises
each with, together with those recorded. A code that is not in the table is no fault: newer providers have more;
``action_for`` then judges by the status alone.

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
    CAPTCHA_FAILED = "captcha_failed"
    CONFLICT = "conflict"
    CURRENT_PASSWORD_INVALID = "current_password_invalid"  # noqa: S105 - a code, not a secret
    CURRENT_PASSWORD_REQUIRED = "current_password_required"  # noqa: S105 - a code, not a secret
    CUSTOM_PROVIDER_NOT_FOUND = "custom_provider_not_found"
    EMAIL_ADDRESS_INVALID = "email_address_invalid"
    EMAIL_ADDRESS_NOT_AUTHORIZED = "email_address_not_authorized"
    EMAIL_ADDRESS_NOT_PROVIDED = "email_address_not_provided"
    EMAIL_CONFLICT_IDENTITY_NOT_DELETABLE = "email_conflict_identity_not_deletable"
    EMAIL_EXISTS = "email_exists"
    EMAIL_NOT_CONFIRMED = "email_not_confirmed"
    EMAIL_PROVIDER_DISABLED = "email_provider_disabled"
    FEATURE_DISABLED = "feature_disabled"
    FLOW_STATE_ALREADY_USED = "flow_state_already_used"
    FLOW_STATE_EXPIRED = "flow_state_expired"
    FLOW_STATE_NOT_FOUND = "flow_state_not_found"
    HOOK_PAYLOAD_INVALID_CONTENT_TYPE = "hook_payload_invalid_content_type"
    HOOK_PAYLOAD_OVER_SIZE_LIMIT = "hook_payload_over_size_limit"
    HOOK_TIMEOUT = "hook_timeout"
    HOOK_TIMEOUT_AFTER_RETRY = "hook_timeout_after_retry"
    IDENTITY_ALREADY_EXISTS = "identity_already_exists"
    IDENTITY_NOT_FOUND = "identity_not_found"
    INSUFFICIENT_AAL = "insufficient_aal"
    INVALID_CREDENTIALS = "invalid_credentials"
    INVITE_NOT_FOUND = "invite_not_found"
    MANUAL_LINKING_DISABLED = "manual_linking_disabled"
    MFA_CHALLENGE_EXPIRED = "mfa_challenge_expired"
    MFA_FACTOR_NAME_CONFLICT = "mfa_factor_name_conflict"
    MFA_FACTOR_NOT_FOUND = "mfa_factor_not_found"
    MFA_IP_ADDRESS_MISMATCH = "mfa_ip_address_mismatch"
    MFA_PHONE_ENROLL_NOT_ENABLED = "mfa_phone_enroll_not_enabled"
    MFA_PHONE_VERIFY_NOT_ENABLED = "mfa_phone_verify_not_enabled"
    MFA_TOTP_ENROLL_NOT_ENABLED = "mfa_totp_enroll_not_enabled"
    MFA_TOTP_VERIFY_NOT_ENABLED = "mfa_totp_verify_not_enabled"
    MFA_VERIFICATION_FAILED = "mfa_verification_failed"
    MFA_VERIFICATION_REJECTED = "mfa_verification_rejected"
    MFA_VERIFIED_FACTOR_EXISTS = "mfa_verified_factor_exists"
    MFA_WEBAUTHN_ENROLL_NOT_ENABLED = "mfa_webauthn_enroll_not_enabled"
    MFA_WEBAUTHN_VERIFY_NOT_ENABLED = "mfa_webauthn_verify_not_enabled"
    NO_AUTHORIZATION = "no_authorization"
    NOT_ADMIN = "not_admin"
    OAUTH_AUTHORIZATION_NOT_FOUND = "oauth_authorization_not_found"
    OAUTH_CLIENT_NOT_FOUND = "oauth_client_not_found"
    OAUTH_CLIENT_STATE_EXPIRED = "oauth_client_state_expired"
    OAUTH_CLIENT_STATE_NOT_FOUND = "oauth_client_state_not_found"
    OAUTH_CONSENT_NOT_FOUND = "oauth_consent_not_found"
    OAUTH_DYNAMIC_CLIENT_REGISTRATION_DISABLED = "oauth_dynamic_client_registration_disabled"
    OAUTH_INVALID_STATE = "oauth_invalid_state"
    OAUTH_PROVIDER_NOT_SUPPORTED = "oauth_provider_not_supported"
    OTP_DISABLED = "otp_disabled"
    OTP_EXPIRED = "otp_expired"
    OVER_CUSTOM_PROVIDER_QUOTA = "over_custom_provider_quota"
    OVER_EMAIL_SEND_RATE_LIMIT = "over_email_send_rate_limit"
    OVER_REQUEST_RATE_LIMIT = "over_request_rate_limit"
    OVER_SMS_SEND_RATE_LIMIT = "over_sms_send_rate_limit"
    PASSKEY_DISABLED = "passkey_disabled"
    PHONE_EXISTS = "phone_exists"
    PHONE_NOT_CONFIRMED = "phone_not_confirmed"
    PHONE_PROVIDER_DISABLED = "phone_provider_disabled"
    PROVIDER_DISABLED = "provider_disabled"
    PROVIDER_EMAIL_NEEDS_VERIFICATION = "provider_email_needs_verification"
    REAUTHENTICATION_NEEDED = "reauthentication_needed"
    REAUTHENTICATION_NOT_VALID = "reauthentication_not_valid"
    REFRESH_TOKEN_ALREADY_USED = "refresh_token_already_used"  # noqa: S105 - a code, not a secret
    REFRESH_TOKEN_NOT_FOUND = "refresh_token_not_found"  # noqa: S105 - a code, not a secret
    REQUEST_ENTITY_TOO_LARGE = "request_entity_too_large"
    REQUEST_TIMEOUT = "request_timeout"
    SAME_PASSWORD = "same_password"  # noqa: S105 - a code, not a secret
    SAML_ASSERTION_NO_EMAIL = "saml_assertion_no_email"
    SAML_ASSERTION_NO_USER_ID = "saml_assertion_no_user_id"
    SAML_ENTITY_ID_MISMATCH = "saml_entity_id_mismatch"
    SAML_IDP_ALREADY_EXISTS = "saml_idp_already_exists"
    SAML_IDP_NOT_FOUND = "saml_idp_not_found"
    SAML_METADATA_FETCH_FAILED = "saml_metadata_fetch_failed"
    SAML_PROVIDER_DISABLED = "saml_provider_disabled"
    SAML_RELAY_STATE_EXPIRED = "saml_relay_state_expired"
    SAML_RELAY_STATE_NOT_FOUND = "saml_relay_state_not_found"
    SESSION_EXPIRED = "session_expired"
    SESSION_NOT_FOUND = "session_not_found"
    SIGNUP_DISABLED = "signup_disabled"
    SINGLE_IDENTITY_NOT_DELETABLE = "single_identity_not_deletable"
    SMS_SEND_FAILED = "sms_send_failed"
    SSO_DOMAIN_ALREADY_EXISTS = "sso_domain_already_exists"
    SSO_PROVIDER_DISABLED = "sso_provider_disabled"
    SSO_PROVIDER_NOT_FOUND = "sso_provider_not_found"
    TOO_MANY_ENROLLED_MFA_FACTORS = "too_many_enrolled_mfa_factors"
    TOO_MANY_PASSKEYS = "too_many_passkeys"
    UNEXPECTED_AUDIENCE = "unexpected_audience"
    UNEXPECTED_FAILURE = "unexpected_failure"
    USER_ALREADY_EXISTS = "user_already_exists"
    USER_BANNED = "user_banned"
    USER_NOT_FOUND = "user_not_found"
    USER_SSO_MANAGED = "user_sso_managed"
    VALIDATION_FAILED = "validation_failed"
    WEAK_PASSWORD = "weak_password"  # noqa: S105 - a code, not a secret
    WEB3_PROVIDER_DISABLED = "web3_provider_disabled"
    WEB3_UNSUPPORTED_CHAIN = "web3_unsupported_chain"
    WEBAUTHN_CHALLENGE_EXPIRED = "webauthn_challenge_expired"
    WEBAUTHN_CHALLENGE_NOT_FOUND = "webauthn_challenge_not_found"
    WEBAUTHN_CREDENTIAL_EXISTS = "webauthn_credential_exists"
    WEBAUTHN_CREDENTIAL_NOT_FOUND = "webauthn_credential_not_found"
    WEBAUTHN_VERIFICATION_FAILED = "webauthn_verification_failed"


class Action(enum.Enum):
    """What whoever receives an error should do. The value is the sentence that is told to a person."""

    RETRY = "Wait a little, then try again."
    REFRESH = "Refresh the session, then try again."
    SIGN_IN = "Sign in again."
    CORRECT = "Correct what was sent."
    CONFIRM_EMAIL = "Confirm the e-mail address, then sign in."
    CONFIRM_PHONE = "Confirm the telephone number, then sign in."
    SECOND_FACTOR = "Complete the second factor, then try again."
    GIVE_UP = "The provider does not allow this; ask who runs it."


class Meaning(NamedTuple):
    """One row of the table. No status: it is in Supabase Auth's list, but nothing there raises it."""

    statuses: tuple[int, ...]
    action: Action


_C, _A = ErrorCode, Action

CODES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        _C.ANONYMOUS_PROVIDER_DISABLED: Meaning((422,), _A.GIVE_UP),
        _C.BAD_CODE_VERIFIER: Meaning((400,), _A.CORRECT),
        _C.BAD_JSON: Meaning((400,), _A.CORRECT),
        _C.BAD_JWT: Meaning((400, 403), _A.REFRESH),
        _C.BAD_OAUTH_CALLBACK: Meaning((303, 400), _A.SIGN_IN),
        _C.BAD_OAUTH_STATE: Meaning((303, 400), _A.SIGN_IN),
        _C.CAPTCHA_FAILED: Meaning((400,), _A.CORRECT),
        _C.CONFLICT: Meaning((409, 422), _A.RETRY),
        _C.CURRENT_PASSWORD_INVALID: Meaning((400,), _A.CORRECT),
        _C.CURRENT_PASSWORD_REQUIRED: Meaning((400,), _A.CORRECT),
        _C.CUSTOM_PROVIDER_NOT_FOUND: Meaning((404,), _A.CORRECT),
        _C.EMAIL_ADDRESS_INVALID: Meaning((400,), _A.CORRECT),
        _C.EMAIL_ADDRESS_NOT_AUTHORIZED: Meaning((400,), _A.GIVE_UP),
        _C.EMAIL_ADDRESS_NOT_PROVIDED: Meaning((), _A.CORRECT),
        _C.EMAIL_CONFLICT_IDENTITY_NOT_DELETABLE: Meaning((422,), _A.CORRECT),
        _C.EMAIL_EXISTS: Meaning((400, 422), _A.CORRECT),
        _C.EMAIL_NOT_CONFIRMED: Meaning((400, 403, 422), _A.CONFIRM_EMAIL),
        _C.EMAIL_PROVIDER_DISABLED: Meaning((400, 422), _A.GIVE_UP),
        _C.FEATURE_DISABLED: Meaning((404,), _A.GIVE_UP),
        _C.FLOW_STATE_ALREADY_USED: Meaning((400,), _A.SIGN_IN),
        _C.FLOW_STATE_EXPIRED: Meaning((422,), _A.SIGN_IN),
        _C.FLOW_STATE_NOT_FOUND: Meaning((400, 404, 422), _A.SIGN_IN),
        _C.HOOK_PAYLOAD_INVALID_CONTENT_TYPE: Meaning((400,), _A.GIVE_UP),
        _C.HOOK_PAYLOAD_OVER_SIZE_LIMIT: Meaning((422,), _A.GIVE_UP),
        _C.HOOK_TIMEOUT: Meaning((422,), _A.RETRY),
        _C.HOOK_TIMEOUT_AFTER_RETRY: Meaning((422,), _A.RETRY),
        _C.IDENTITY_ALREADY_EXISTS: Meaning((422,), _A.CORRECT),
        _C.IDENTITY_NOT_FOUND: Meaning((422,), _A.CORRECT),
        _C.INSUFFICIENT_AAL: Meaning((401, 403, 422), _A.SECOND_FACTOR),
        _C.INVALID_CREDENTIALS: Meaning((400,), _A.CORRECT),
        _C.INVITE_NOT_FOUND: Meaning((404,), _A.CORRECT),
        _C.MANUAL_LINKING_DISABLED: Meaning((404,), _A.GIVE_UP),
        _C.MFA_CHALLENGE_EXPIRED: Meaning((422,), _A.SECOND_FACTOR),
        _C.MFA_FACTOR_NAME_CONFLICT: Meaning((422,), _A.CORRECT),
        _C.MFA_FACTOR_NOT_FOUND: Meaning((404, 422), _A.CORRECT),
        _C.MFA_IP_ADDRESS_MISMATCH: Meaning((422,), _A.SECOND_FACTOR),
        _C.MFA_PHONE_ENROLL_NOT_ENABLED: Meaning((422,), _A.GIVE_UP),
        _C.MFA_PHONE_VERIFY_NOT_ENABLED: Meaning((422,), _A.GIVE_UP),
        _C.MFA_TOTP_ENROLL_NOT_ENABLED: Meaning((422,), _A.GIVE_UP),
        _C.MFA_TOTP_VERIFY_NOT_ENABLED: Meaning((422,), _A.GIVE_UP),
        _C.MFA_VERIFICATION_FAILED: Meaning((422,), _A.CORRECT),
        _C.MFA_VERIFICATION_REJECTED: Meaning((403,), _A.GIVE_UP),
        _C.MFA_VERIFIED_FACTOR_EXISTS: Meaning((422,), _A.CORRECT),
        _C.MFA_WEBAUTHN_ENROLL_NOT_ENABLED: Meaning((422,), _A.GIVE_UP),
        _C.MFA_WEBAUTHN_VERIFY_NOT_ENABLED: Meaning((422,), _A.GIVE_UP),
        _C.NO_AUTHORIZATION: Meaning((401, 403), _A.SIGN_IN),
        _C.NOT_ADMIN: Meaning((403,), _A.GIVE_UP),
        _C.OAUTH_AUTHORIZATION_NOT_FOUND: Meaning((404,), _A.SIGN_IN),
        _C.OAUTH_CLIENT_NOT_FOUND: Meaning((400, 404), _A.CORRECT),
        _C.OAUTH_CLIENT_STATE_EXPIRED: Meaning((422,), _A.SIGN_IN),
        _C.OAUTH_CLIENT_STATE_NOT_FOUND: Meaning((422,), _A.SIGN_IN),
        _C.OAUTH_CONSENT_NOT_FOUND: Meaning((404,), _A.CORRECT),
        _C.OAUTH_DYNAMIC_CLIENT_REGISTRATION_DISABLED: Meaning((403,), _A.GIVE_UP),
        _C.OAUTH_INVALID_STATE: Meaning((400,), _A.SIGN_IN),
        _C.OAUTH_PROVIDER_NOT_SUPPORTED: Meaning((400,), _A.GIVE_UP),
        _C.OTP_DISABLED: Meaning((422,), _A.GIVE_UP),
        _C.OTP_EXPIRED: Meaning((403,), _A.CORRECT),
        _C.OVER_CUSTOM_PROVIDER_QUOTA: Meaning((400,), _A.GIVE_UP),
        _C.OVER_EMAIL_SEND_RATE_LIMIT: Meaning((429,), _A.RETRY),
        _C.OVER_REQUEST_RATE_LIMIT: Meaning((429,), _A.RETRY),
        _C.OVER_SMS_SEND_RATE_LIMIT: Meaning((429,), _A.RETRY),
        _C.PASSKEY_DISABLED: Meaning((404,), _A.GIVE_UP),
        _C.PHONE_EXISTS: Meaning((422,), _A.CORRECT),
        _C.PHONE_NOT_CONFIRMED: Meaning((400, 403, 422), _A.CONFIRM_PHONE),
        _C.PHONE_PROVIDER_DISABLED: Meaning((400, 422), _A.GIVE_UP),
        _C.PROVIDER_DISABLED: Meaning((400,), _A.GIVE_UP),
        _C.PROVIDER_EMAIL_NEEDS_VERIFICATION: Meaning((422,), _A.CONFIRM_EMAIL),
        _C.REAUTHENTICATION_NEEDED: Meaning((400,), _A.CORRECT),
        _C.REAUTHENTICATION_NOT_VALID: Meaning((422,), _A.CORRECT),
        _C.REFRESH_TOKEN_ALREADY_USED: Meaning((400,), _A.SIGN_IN),
        _C.REFRESH_TOKEN_NOT_FOUND: Meaning((400,), _A.SIGN_IN),
        _C.REQUEST_ENTITY_TOO_LARGE: Meaning((413,), _A.CORRECT),
        _C.REQUEST_TIMEOUT: Meaning((408, 504), _A.RETRY),
        _C.SAME_PASSWORD: Meaning((422,), _A.CORRECT),
        _C.SAML_ASSERTION_NO_EMAIL: Meaning((400,), _A.GIVE_UP),
        _C.SAML_ASSERTION_NO_USER_ID: Meaning((400,), _A.GIVE_UP),
        _C.SAML_ENTITY_ID_MISMATCH: Meaning((400,), _A.GIVE_UP),
        _C.SAML_IDP_ALREADY_EXISTS: Meaning((422,), _A.GIVE_UP),
        _C.SAML_IDP_NOT_FOUND: Meaning((404,), _A.GIVE_UP),
        _C.SAML_METADATA_FETCH_FAILED: Meaning((400,), _A.GIVE_UP),
        _C.SAML_PROVIDER_DISABLED: Meaning((404,), _A.GIVE_UP),
        _C.SAML_RELAY_STATE_EXPIRED: Meaning((422,), _A.GIVE_UP),
        _C.SAML_RELAY_STATE_NOT_FOUND: Meaning((404,), _A.GIVE_UP),
        _C.SESSION_EXPIRED: Meaning((400, 403), _A.SIGN_IN),
        _C.SESSION_NOT_FOUND: Meaning((400, 403), _A.SIGN_IN),
        _C.SIGNUP_DISABLED: Meaning((422,), _A.GIVE_UP),
        _C.SINGLE_IDENTITY_NOT_DELETABLE: Meaning((422,), _A.CORRECT),
        _C.SMS_SEND_FAILED: Meaning((422,), _A.RETRY),
        _C.SSO_DOMAIN_ALREADY_EXISTS: Meaning((400,), _A.GIVE_UP),
        _C.SSO_PROVIDER_DISABLED: Meaning((404,), _A.GIVE_UP),
        _C.SSO_PROVIDER_NOT_FOUND: Meaning((404,), _A.GIVE_UP),
        _C.TOO_MANY_ENROLLED_MFA_FACTORS: Meaning((422,), _A.CORRECT),
        _C.TOO_MANY_PASSKEYS: Meaning((422,), _A.CORRECT),
        _C.UNEXPECTED_AUDIENCE: Meaning((403,), _A.CORRECT),
        _C.UNEXPECTED_FAILURE: Meaning((500,), _A.RETRY),
        _C.USER_ALREADY_EXISTS: Meaning((422,), _A.CORRECT),
        _C.USER_BANNED: Meaning((400, 403), _A.GIVE_UP),
        _C.USER_NOT_FOUND: Meaning((403, 404, 422), _A.SIGN_IN),
        _C.USER_SSO_MANAGED: Meaning((422,), _A.GIVE_UP),
        _C.VALIDATION_FAILED: Meaning((400, 404, 422), _A.CORRECT),
        _C.WEAK_PASSWORD: Meaning((422,), _A.CORRECT),
        _C.WEB3_PROVIDER_DISABLED: Meaning((422,), _A.GIVE_UP),
        _C.WEB3_UNSUPPORTED_CHAIN: Meaning((400,), _A.CORRECT),
        _C.WEBAUTHN_CHALLENGE_EXPIRED: Meaning((400,), _A.SECOND_FACTOR),
        _C.WEBAUTHN_CHALLENGE_NOT_FOUND: Meaning((400,), _A.SECOND_FACTOR),
        _C.WEBAUTHN_CREDENTIAL_EXISTS: Meaning((422,), _A.CORRECT),
        _C.WEBAUTHN_CREDENTIAL_NOT_FOUND: Meaning((), _A.CORRECT),
        _C.WEBAUTHN_VERIFICATION_FAILED: Meaning((400,), _A.CORRECT),
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
