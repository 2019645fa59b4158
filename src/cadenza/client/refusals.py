"""What the backend refuses with, as the exception it means.

A code about identity is one of our own exceptions, whoever answers it. Behind the methods of ``*.auth.*`` the identity
provider stands: its refusals are worded as when it is asked directly, as far as code, parameter and method tell them
apart. Where several of its words have one code, the first that the contract names stands for all of them.

Above: ``rpc``. Below: schema, ``protocol.auth`` (the words), errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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
from cadenza.schema import methods
from cadenza.schema.codes import CODES, Code
from cadenza.schema.envelope import ErrorBody

#: Codes that mean one of our own exceptions.
_AUTH_ERRORS: Final[Mapping[int, type[CadenzaError]]] = {
    Code.UNAUTHORIZED: SignInRequiredError,
    Code.SIGN_IN_REQUIRED: SignInRequiredError,
    Code.TOKEN_EXPIRED: TokenExpiredError,
    Code.TOKEN_INVALID: TokenInvalidError,
    Code.ACCESS_DENIED: AccessDeniedError,
    Code.SECOND_FACTOR_REQUIRED: SecondFactorRequiredError,
    Code.SESSION_REVOKED: SessionRevokedError,
}
#: Codes behind which the provider stands whatever was called.
_WORDS: Final[Mapping[int, ErrorCode]] = {
    Code.CREDENTIALS_REFUSED: ErrorCode.INVALID_CREDENTIALS,
    Code.TOO_MANY_ATTEMPTS: ErrorCode.OVER_REQUEST_RATE_LIMIT,
    Code.EMAIL_NOT_CONFIRMED: ErrorCode.EMAIL_NOT_CONFIRMED,
    Code.WEAK_PASSWORD: ErrorCode.WEAK_PASSWORD,
    Code.USER_EXISTS: ErrorCode.USER_ALREADY_EXISTS,
    Code.ONE_TIME_CODE_REFUSED: ErrorCode.OTP_EXPIRED,
}
#: What the parameter at fault tells beside the code, in answers of ``*.auth.*``.
_WORDS_BY_FIELD: Final[Mapping[tuple[int, str], ErrorCode]] = {
    (Code.CREDENTIALS_REFUSED, "currentPassword"): ErrorCode.CURRENT_PASSWORD_INVALID,
    (Code.INVALID_ARGUMENT, "currentPassword"): ErrorCode.CURRENT_PASSWORD_REQUIRED,
    (Code.INVALID_ARGUMENT, "nonce"): ErrorCode.REAUTHENTICATION_NEEDED,
    (Code.ONE_TIME_CODE_REFUSED, "nonce"): ErrorCode.REAUTHENTICATION_NOT_VALID,
    (Code.ONE_TIME_CODE_REFUSED, "code"): ErrorCode.FLOW_STATE_NOT_FOUND,
    (Code.ONE_TIME_CODE_REFUSED, "codeVerifier"): ErrorCode.BAD_CODE_VERIFIER,
    (Code.ONE_TIME_CODE_REFUSED, "challengeId"): ErrorCode.MFA_CHALLENGE_EXPIRED,
    (Code.ACCESS_DENIED, "createUser"): ErrorCode.OTP_DISABLED,
    (Code.ACCESS_DENIED, "email"): ErrorCode.EMAIL_ADDRESS_NOT_AUTHORIZED,
    (Code.ACCESS_DENIED, "provider"): ErrorCode.PROVIDER_DISABLED,
    (Code.ACCESS_DENIED, "code"): ErrorCode.MFA_VERIFICATION_REJECTED,
    (Code.SECOND_FACTOR_REQUIRED, ""): ErrorCode.INSUFFICIENT_AAL,
    (Code.NOT_FOUND, "factorId"): ErrorCode.MFA_FACTOR_NOT_FOUND,
    (Code.ALREADY_EXISTS, "friendlyName"): ErrorCode.MFA_FACTOR_NAME_CONFLICT,
}
#: What the method tells beside them.
_WORDS_BY_METHOD: Final[Mapping[tuple[str, int, str | None], ErrorCode]] = {
    (methods.COMMAND_AUTH_MFA_VERIFY.name, Code.ONE_TIME_CODE_REFUSED, "code"): ErrorCode.MFA_VERIFICATION_FAILED,
    (methods.COMMAND_AUTH_MFA_ENROLL.name, Code.STATE_CONFLICT, None): ErrorCode.TOO_MANY_ENROLLED_MFA_FACTORS,
    (methods.COMMAND_AUTH_USER_UPDATE.name, Code.INVALID_ARGUMENT, "password"): ErrorCode.SAME_PASSWORD,
    (methods.COMMAND_AUTH_USER_UPDATE.name, Code.USER_EXISTS, "email"): ErrorCode.EMAIL_EXISTS,
}


def refusal(error: ErrorBody, method: str = "") -> CadenzaError:
    """The exception that a result envelope's error means in answer to ``method``."""
    entry = CODES.get(error.code)
    temporary = error.temporary if error.temporary is not None else bool(entry and entry.temporary)
    step = f"{entry.action.value[0].upper()}{entry.action.value[1:]}." if entry else None
    if error.code == Code.SECOND_FACTOR_REQUIRED:
        step = "Complete the second factor, then repeat."
    word = _word(error, method)
    if word is not None and entry is not None:
        return IdentityError(
            error.message,
            status=entry.http_status,
            error_code=word,
            code=error.code,
            temporary=temporary,
            retry_after_seconds=error.retry_after,
            next_step=step,
        )
    plain = _AUTH_ERRORS.get(error.code)
    if plain is not None:
        return plain(error.message, code=error.code, next_step=step if plain is AccessDeniedError else None)
    kind = RpcError
    if error.code == Code.RATE_LIMITED:
        kind = RateLimitedError
        step = None if error.retry_after is None else f"Wait {error.retry_after:g} s, then repeat it."
    return kind(
        error.message,
        code=error.code,
        temporary=temporary,
        field=error.field,
        retry_after_seconds=error.retry_after,
        next_step=step,
    )


def _word(error: ErrorBody, method: str) -> ErrorCode | None:
    """Supabase Auth's word for it, where the answer is its own."""
    found = _WORDS.get(error.code)
    if ".auth." in method:
        found = _WORDS_BY_FIELD.get((error.code, error.field or ""), found)
        found = _WORDS_BY_METHOD.get((method, error.code, error.field), found)
    return found
