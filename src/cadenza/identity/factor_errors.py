"""What second factors are refused with, as Supabase Auth words it.

Above: ``factors``, ``handlers.factors``. Below: ``errors``. Source of texts and statuses: the recorded exchanges and
Supabase Auth's own code (``internal/api/mfa.go``).
"""

from __future__ import annotations

from typing import Final

from cadenza.identity.errors import RefusalError, validation_failed
from cadenza.protocol.auth.codes import ErrorCode

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422


def anonymous() -> RefusalError:
    """Somebody without any way in has nothing that a second factor could be second to."""
    message = "Anonymous user not allowed to perform these actions"
    return RefusalError(_FORBIDDEN, ErrorCode.NO_AUTHORIZATION, message)


def type_unsupported() -> RefusalError:
    """No kind of factor, or one that is not served."""
    return validation_failed("factor_type needs to be totp, phone, or webauthn")


def enrolling_disabled() -> RefusalError:
    """The operator takes none."""
    return _unprocessable(ErrorCode.MFA_TOTP_ENROLL_NOT_ENABLED, "MFA enroll is disabled for TOTP")


def verifying_disabled() -> RefusalError:
    """The operator believes none."""
    return _unprocessable(ErrorCode.MFA_TOTP_VERIFY_NOT_ENABLED, "MFA verification is disabled for TOTP")


def name_taken(name: str) -> RefusalError:
    """The user has a factor of that name."""
    shown = name.encode("unicode_escape").decode().replace('"', '\\"')
    message = f'A factor with the friendly name "{shown}" for this user already exists'
    return _unprocessable(ErrorCode.MFA_FACTOR_NAME_CONFLICT, message)


def too_many() -> RefusalError:
    """The user has as many as one may."""
    message = "Maximum number of verified factors reached, unenroll to continue"
    return _unprocessable(ErrorCode.TOO_MANY_ENROLLED_MFA_FACTORS, message)


def level_too_low_to_enrol() -> RefusalError:
    """A user who has a verified factor adds another with its help only."""
    return RefusalError(_FORBIDDEN, ErrorCode.INSUFFICIENT_AAL, "AAL2 required to enroll a new factor")


def level_too_low_to_remove() -> RefusalError:
    """A verified factor goes with the help of one only."""
    return _unprocessable(ErrorCode.INSUFFICIENT_AAL, "AAL2 required to unenroll verified factor")


def id_malformed() -> RefusalError:
    """The path's segment is no id."""
    return RefusalError(_NOT_FOUND, ErrorCode.VALIDATION_FAILED, "factor_id must be an UUID")


def not_found() -> RefusalError:
    """The user has no such factor."""
    return RefusalError(_NOT_FOUND, ErrorCode.MFA_FACTOR_NOT_FOUND, "Factor not found")


def code_missing() -> RefusalError:
    """An answer without a code."""
    return validation_failed("Code needs to be non-empty")


def challenge_not_found() -> RefusalError:
    """The factor was asked no such thing."""
    return _unprocessable(ErrorCode.MFA_FACTOR_NOT_FOUND, "MFA factor with the provided challenge ID not found")


def challenge_of_another() -> RefusalError:
    """Answered before, or asked from another address."""
    return _unprocessable(ErrorCode.MFA_IP_ADDRESS_MISMATCH, "Challenge and verify IP addresses mismatch.")


def challenge_expired(challenge_id: str) -> RefusalError:
    """Asked too long ago."""
    message = f"MFA challenge {challenge_id} has expired, verify against another challenge or create a new challenge."
    return _unprocessable(ErrorCode.MFA_CHALLENGE_EXPIRED, message)


def code_wrong() -> RefusalError:
    """Not the code of now, nor of half a minute around; or one that was used."""
    return _unprocessable(ErrorCode.MFA_VERIFICATION_FAILED, "Invalid TOTP code entered")


def _unprocessable(error_code: ErrorCode, message: str) -> RefusalError:
    return RefusalError(_UNPROCESSABLE, error_code, message)
