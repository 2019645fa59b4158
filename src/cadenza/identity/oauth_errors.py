"""What sign-ins through other providers, and flows that come back with a code, are refused with: Supabase Auth's words.

Above: ``flows``, ``linking``, ``providers``, the grants ``pkce`` and ``id_token``, ``handlers.oauth``.
Below: ``errors``. Source of texts and statuses: the recorded exchanges and Supabase Auth's own code.
"""

from __future__ import annotations

from typing import Final

from cadenza.identity.errors import RefusalError, validation_failed
from cadenza.protocol.auth.codes import ErrorCode

_BAD_REQUEST: Final = 400
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


# Providers


def unsupported_provider(why: str) -> RefusalError:
    """None that is configured."""
    return validation_failed(f"Unsupported provider: {why}")


def provider_gone() -> RefusalError:
    """A browser came back from a provider that is not configured any more."""
    message = "Unsupported provider: provider is not enabled"
    return RefusalError(_BAD_REQUEST, ErrorCode.OAUTH_PROVIDER_NOT_SUPPORTED, message)


def state_missing() -> RefusalError:
    """Nobody began this."""
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_OAUTH_CALLBACK, "OAuth state parameter missing")


def state_malformed() -> RefusalError:
    """No state of ours has this form."""
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_OAUTH_STATE, "OAuth state parameter is invalid")


def state_not_found() -> RefusalError:
    """Never given, or used."""
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_OAUTH_STATE, "OAuth state not found or expired")


def state_expired() -> RefusalError:
    """The browser was away for too long."""
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_OAUTH_STATE, "OAuth state has expired")


def state_of_another_browser() -> RefusalError:
    """Who comes back is not who was sent away."""
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_OAUTH_STATE, "OAuth state belongs to another browser")


def code_missing() -> RefusalError:
    """A provider that sends neither a code nor an error."""
    message = "OAuth callback with missing authorization code missing"
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_OAUTH_CALLBACK, message)


def issuer_mismatch() -> RefusalError:
    """RFC 9207: an answer of another provider than the one that was asked."""
    message = "OAuth callback from another provider than the one that was asked"
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_OAUTH_CALLBACK, message)


def provider_unreachable() -> RefusalError:
    """It cannot even be known where to send the browser."""
    message = "The external provider cannot be reached"
    return RefusalError(_SERVER_ERROR, ErrorCode.UNEXPECTED_FAILURE, message)


def code_not_redeemed(code: str) -> RefusalError:
    """The provider did not take its code. Supabase Auth shows the first four characters of it."""
    message = f"Unable to exchange external code: {code[:4]}"
    return RefusalError(_SERVER_ERROR, ErrorCode.UNEXPECTED_FAILURE, message)


def no_profile() -> RefusalError:
    """The provider does not say who it is."""
    message = "Error getting user profile from external provider"
    return RefusalError(_SERVER_ERROR, ErrorCode.UNEXPECTED_FAILURE, message)


def no_email() -> RefusalError:
    """The provider gives no address, and this one must."""
    message = "Error getting user email from external provider"
    return RefusalError(_SERVER_ERROR, ErrorCode.UNEXPECTED_FAILURE, message)


# Who it is, and who it is linked to


def multiple_accounts() -> RefusalError:
    """The provider's addresses are several users' here."""
    message = "Multiple accounts with the same email address in the same linking domain detected: default"
    return RefusalError(_SERVER_ERROR, ErrorCode.UNEXPECTED_FAILURE, message)


def email_needs_verification(provider: str, *, sent: bool) -> RefusalError:
    """An address nobody has shown to be theirs."""
    next_step = (
        f"A confirmation email has been sent to your {provider} email"
        if sent
        else f"Verify the email with {provider} in order to sign in"
    )
    message = f"Unverified email with {provider}. {next_step}"
    return RefusalError(_UNPROCESSABLE, ErrorCode.PROVIDER_EMAIL_NEEDS_VERIFICATION, message)


def linked_email_not_confirmed(provider: str) -> RefusalError:
    """The same where a way in was added to a user without an address."""
    message = f"Unverified email with {provider}. A confirmation email has been sent to your {provider} email"
    return RefusalError(_UNPROCESSABLE, ErrorCode.EMAIL_NOT_CONFIRMED, message)


def identity_already_linked(*, to_another: bool) -> RefusalError:
    """A way in belongs to one user."""
    message = "Identity is already linked to another user" if to_another else "Identity is already linked"
    return RefusalError(_UNPROCESSABLE, ErrorCode.IDENTITY_ALREADY_EXISTS, message)


def linking_user_not_found() -> RefusalError:
    """Whoever wanted another way in is gone."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.USER_NOT_FOUND, "Linking target user not found")


def invited_not_found() -> RefusalError:
    """A flow begun with the token of an invitation that is none, or not any more."""
    return RefusalError(_NOT_FOUND, ErrorCode.USER_NOT_FOUND, "User identified by token not found")


def invitation_not_found() -> RefusalError:
    """The same when the browser comes back: it was used meanwhile, or is too old by now."""
    return RefusalError(_NOT_FOUND, ErrorCode.INVITE_NOT_FOUND, "Invite not found")


def invitation_for_another() -> RefusalError:
    """Whoever was invited has another address than who comes from the provider."""
    return validation_failed("Invited email does not match emails from external provider")


def manual_linking_disabled() -> RefusalError:
    """Ways in are not added or removed by hand here."""
    return RefusalError(_NOT_FOUND, ErrorCode.MANUAL_LINKING_DISABLED, "Manual linking is disabled")


def identity_id_malformed() -> RefusalError:
    """It has the form of a UUID."""
    return RefusalError(_NOT_FOUND, ErrorCode.VALIDATION_FAILED, "identity_id must be an UUID")


def last_identity() -> RefusalError:
    """Who has one way in left keeps it."""
    message = "User must have at least 1 identity after unlinking"
    return RefusalError(_UNPROCESSABLE, ErrorCode.SINGLE_IDENTITY_NOT_DELETABLE, message)


def identity_not_found() -> RefusalError:
    """Not one of this user's."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.IDENTITY_NOT_FOUND, "Identity doesn't exist")


def identity_email_conflict() -> RefusalError:
    """What would be left is another user's address."""
    message = "Unable to unlink identity due to email conflict"
    return RefusalError(_UNPROCESSABLE, ErrorCode.EMAIL_CONFLICT_IDENTITY_NOT_DELETABLE, message)


def linked_email_exists() -> RefusalError:
    """The new way in brings the address of another user."""
    message = "A user with this email address has already been registered"
    return RefusalError(_BAD_REQUEST, ErrorCode.EMAIL_EXISTS, message)


def provider_disabled(issuer: str) -> RefusalError:
    """One we could ask, if it were configured."""
    message = f'Provider (issuer "{issuer}") is not enabled'
    return RefusalError(_BAD_REQUEST, ErrorCode.PROVIDER_DISABLED, message)
