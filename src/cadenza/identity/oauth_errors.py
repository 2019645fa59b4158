"""What sign-ins through other providers, and flows that come back with a code, are refused with: Supabase Auth's words.

Above: ``flows``, ``linking``, ``providers``, the grants ``pkce`` and ``id_token``, ``handlers.oauth``.
Below: ``errors``. Source of texts and statuses: the recorded exchanges and Supabase Auth's own code.
"""

from __future__ import annotations

from typing import Final

from cadenza.identity.errors import RefusalError, validation_failed
from cadenza.protocol.auth.codes import ErrorCode

_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422
_SERVER_ERROR: Final = 500


class OAuthRefusalError(RefusalError):
    """A refusal in OAuth's own form (RFC 6749 section 5.2): ``error`` and ``error_description``, no error code.

    Attributes:
        error: The word. Supabase Auth writes some with a space.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(_BAD_REQUEST, ErrorCode.VALIDATION_FAILED, description)
        self.error = error


# Codes that come back


def challenge_incomplete() -> RefusalError:
    """One of the two without the other."""
    return validation_failed("PKCE flow requires code_challenge_method and code_challenge")


def challenge_malformed() -> RefusalError:
    """RFC 7636 section 4.2."""
    return validation_failed(
        "code challenge has to be between 43 and 128 alphanumeric characters, hyphens, periods, underscores and tildes"
    )


def challenge_method_unsupported() -> RefusalError:
    """``plain`` proves nothing to whoever has seen the request."""
    return validation_failed("Invalid code_challenge_method: it must be s256")


def code_or_verifier_missing() -> RefusalError:
    """The grant needs both."""
    return validation_failed("invalid request: both auth code and code verifier should be non-empty")


def flow_state_not_found() -> RefusalError:
    """A code never issued, or used."""
    message = "invalid flow state, no valid flow state found"
    return RefusalError(_NOT_FOUND, ErrorCode.FLOW_STATE_NOT_FOUND, message)


def flow_state_expired() -> RefusalError:
    """A code that was not traded in time."""
    message = "invalid flow state, flow state has expired"
    return RefusalError(_UNPROCESSABLE, ErrorCode.FLOW_STATE_EXPIRED, message)


def bad_code_verifier() -> RefusalError:
    """Whoever shows the code is not who asked for it."""
    message = "code challenge does not match previously saved code verifier"
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_CODE_VERIFIER, message)
