"""The identity provider's refusals in the contract's words: one table, and what to make of a word that is not in it.

Above: ``provider``. Below: ``protocol.auth``, schema.
"""

from collections.abc import Mapping
from typing import Final

from cadenza.errors import IdentityError, RpcError
from cadenza.protocol.auth import ErrorCode
from cadenza.schema.codes import Code

__all__ = ["refusal_of"]

#: Supabase Auth's word -> the contract's code and the parameter at fault.
_CODES: Final[Mapping[str, tuple[Code, str | None]]] = {
    ErrorCode.INVALID_CREDENTIALS: (Code.CREDENTIALS_REFUSED, None),
    ErrorCode.CURRENT_PASSWORD_INVALID: (Code.CREDENTIALS_REFUSED, "currentPassword"),
    ErrorCode.CURRENT_PASSWORD_REQUIRED: (Code.INVALID_ARGUMENT, "currentPassword"),
    ErrorCode.EMAIL_NOT_CONFIRMED: (Code.EMAIL_NOT_CONFIRMED, "email"),
    ErrorCode.PROVIDER_EMAIL_NEEDS_VERIFICATION: (Code.EMAIL_NOT_CONFIRMED, None),
    ErrorCode.WEAK_PASSWORD: (Code.WEAK_PASSWORD, "password"),
    ErrorCode.SAME_PASSWORD: (Code.INVALID_ARGUMENT, "password"),
    ErrorCode.USER_ALREADY_EXISTS: (Code.USER_EXISTS, "email"),
    ErrorCode.EMAIL_EXISTS: (Code.USER_EXISTS, "email"),
    ErrorCode.IDENTITY_ALREADY_EXISTS: (Code.USER_EXISTS, None),
    ErrorCode.VALIDATION_FAILED: (Code.INVALID_ARGUMENT, None),
    ErrorCode.EMAIL_ADDRESS_INVALID: (Code.INVALID_ARGUMENT, "email"),
    ErrorCode.EMAIL_ADDRESS_NOT_AUTHORIZED: (Code.ACCESS_DENIED, "email"),
    ErrorCode.REFRESH_TOKEN_NOT_FOUND: (Code.SESSION_REVOKED, "refreshToken"),
    ErrorCode.REFRESH_TOKEN_ALREADY_USED: (Code.SESSION_REVOKED, "refreshToken"),
    ErrorCode.SESSION_EXPIRED: (Code.SESSION_REVOKED, "refreshToken"),
    ErrorCode.SESSION_NOT_FOUND: (Code.SESSION_REVOKED, None),
    ErrorCode.BAD_JWT: (Code.TOKEN_INVALID, "accessToken"),
    ErrorCode.NO_AUTHORIZATION: (Code.TOKEN_INVALID, "accessToken"),
    ErrorCode.USER_NOT_FOUND: (Code.TOKEN_INVALID, None),
    ErrorCode.USER_BANNED: (Code.ACCESS_DENIED, None),
    ErrorCode.USER_SSO_MANAGED: (Code.ACCESS_DENIED, None),
    ErrorCode.SIGNUP_DISABLED: (Code.ACCESS_DENIED, None),
    ErrorCode.OTP_DISABLED: (Code.ACCESS_DENIED, "createUser"),
    ErrorCode.EMAIL_PROVIDER_DISABLED: (Code.ACCESS_DENIED, None),
    ErrorCode.ANONYMOUS_PROVIDER_DISABLED: (Code.ACCESS_DENIED, None),
    ErrorCode.PROVIDER_DISABLED: (Code.ACCESS_DENIED, "provider"),
    ErrorCode.CAPTCHA_FAILED: (Code.ACCESS_DENIED, None),
    ErrorCode.OTP_EXPIRED: (Code.ONE_TIME_CODE_REFUSED, "token"),
    ErrorCode.FLOW_STATE_NOT_FOUND: (Code.ONE_TIME_CODE_REFUSED, "code"),
    ErrorCode.FLOW_STATE_EXPIRED: (Code.ONE_TIME_CODE_REFUSED, "code"),
    ErrorCode.FLOW_STATE_ALREADY_USED: (Code.ONE_TIME_CODE_REFUSED, "code"),
    ErrorCode.BAD_CODE_VERIFIER: (Code.ONE_TIME_CODE_REFUSED, "codeVerifier"),
    ErrorCode.REAUTHENTICATION_NOT_VALID: (Code.ONE_TIME_CODE_REFUSED, "nonce"),
    ErrorCode.REAUTHENTICATION_NEEDED: (Code.INVALID_ARGUMENT, "nonce"),
    ErrorCode.INSUFFICIENT_AAL: (Code.SECOND_FACTOR_REQUIRED, None),
    ErrorCode.MFA_VERIFICATION_FAILED: (Code.ONE_TIME_CODE_REFUSED, "code"),
    ErrorCode.MFA_VERIFICATION_REJECTED: (Code.ACCESS_DENIED, "code"),
    ErrorCode.MFA_CHALLENGE_EXPIRED: (Code.ONE_TIME_CODE_REFUSED, "challengeId"),
    ErrorCode.MFA_IP_ADDRESS_MISMATCH: (Code.ONE_TIME_CODE_REFUSED, "challengeId"),
    ErrorCode.MFA_FACTOR_NOT_FOUND: (Code.NOT_FOUND, "factorId"),
    ErrorCode.MFA_FACTOR_NAME_CONFLICT: (Code.ALREADY_EXISTS, "friendlyName"),
    ErrorCode.TOO_MANY_ENROLLED_MFA_FACTORS: (Code.STATE_CONFLICT, None),
    ErrorCode.MFA_TOTP_ENROLL_NOT_ENABLED: (Code.ACCESS_DENIED, None),
    ErrorCode.MFA_TOTP_VERIFY_NOT_ENABLED: (Code.ACCESS_DENIED, None),
    ErrorCode.OVER_REQUEST_RATE_LIMIT: (Code.TOO_MANY_ATTEMPTS, None),
    ErrorCode.OVER_EMAIL_SEND_RATE_LIMIT: (Code.TOO_MANY_ATTEMPTS, None),
    ErrorCode.OVER_SMS_SEND_RATE_LIMIT: (Code.TOO_MANY_ATTEMPTS, None),
}
_TOO_MANY_REQUESTS: Final = 429


def refusal_of(error: IdentityError) -> RpcError:
    """The provider's refusal in the contract's words; its sentence, free of addresses and secrets, is passed on."""
    code, field = _CODES.get(error.error_code, (None, None))
    if code is None and error.status == _TOO_MANY_REQUESTS:
        code = Code.TOO_MANY_ATTEMPTS
    elif code is None:
        # Without a word of Supabase Auth's it was not Supabase Auth that answered.
        its_own = bool(error.error_code) and not error.temporary
        code = Code.INVALID_ARGUMENT if its_own else Code.SERVICE_UNAVAILABLE
    return RpcError(
        error.message,
        code=code,
        temporary=error.temporary,
        field=field,
        retry_after_seconds=error.retry_after_seconds,
    )
