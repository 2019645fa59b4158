"""What the provider refuses: one exception, and every sentence it can say, as Supabase Auth words them.

Raised by the core and the grants; ``app`` alone turns it into one of the two error bodies of ``protocol.auth.errors``.

Above: all of this room. Below: ``protocol.auth.codes``. Source of texts and statuses: the recorded exchanges.
"""

from __future__ import annotations

from typing import Final

from cadenza.protocol.auth.codes import ErrorCode


class RefusalError(Exception):
    """A request that is answered with an error. It holds nothing of what was sent.

    Attributes:
        status: HTTP's status.
        error_code: Supabase Auth's word.
        message: One sentence for a person.
        reasons: Why a password is weak.
        retry_after_seconds: How long to wait, where waiting helps.
        user_id: Whom it concerns, where that is known: for the audit log, never for the answer.
    """

    def __init__(
        self,
        status: int,
        error_code: ErrorCode,
        message: str,
        *,
        reasons: tuple[str, ...] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(f"{error_code}: {message}")
        self.status = status
        self.error_code = error_code
        self.message = message
        self.reasons = reasons
        self.retry_after_seconds = retry_after_seconds
        self.user_id: str | None = None

    def about(self, user_id: str) -> RefusalError:
        """The same, and whom it concerns: for the audit log, never for the answer."""
        self.user_id = user_id
        return self


_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_TIMEOUT: Final = 408
_TOO_LARGE: Final = 413
_UNPROCESSABLE: Final = 422
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


def validation_failed(message: str) -> RefusalError:
    """A field that cannot be taken. ``message`` must not quote its value."""
    return RefusalError(_BAD_REQUEST, ErrorCode.VALIDATION_FAILED, message)


def bad_json(why: str) -> RefusalError:
    """A body that is no JSON of the expected shape."""
    return RefusalError(_BAD_REQUEST, ErrorCode.BAD_JSON, f"Could not parse request body as JSON: {why}")


def body_too_large(limit_bytes: int) -> RefusalError:
    """A body over the limit."""
    message = f"Request body too large (max {limit_bytes} bytes)"
    return RefusalError(_TOO_LARGE, ErrorCode.REQUEST_ENTITY_TOO_LARGE, message)


def body_too_slow() -> RefusalError:
    """A body that does not come."""
    return RefusalError(_TIMEOUT, ErrorCode.REQUEST_TIMEOUT, "The request body did not arrive in time")


def weak_password(message: str, reasons: tuple[str, ...]) -> RefusalError:
    """A password the policy does not take."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.WEAK_PASSWORD, message, reasons=reasons)


def same_password() -> RefusalError:
    """A change to the password there is."""
    message = "New password should be different from the old password."
    return RefusalError(_UNPROCESSABLE, ErrorCode.SAME_PASSWORD, message)


def invalid_credentials() -> RefusalError:
    """Wrong password or unknown user: never told apart."""
    return RefusalError(_BAD_REQUEST, ErrorCode.INVALID_CREDENTIALS, "Invalid login credentials")


def unsupported_grant() -> RefusalError:
    """``grant_type`` is none that is served."""
    return RefusalError(_BAD_REQUEST, ErrorCode.INVALID_CREDENTIALS, "unsupported_grant_type")


def email_not_confirmed() -> RefusalError:
    """The password is right, the address unconfirmed."""
    return RefusalError(_BAD_REQUEST, ErrorCode.EMAIL_NOT_CONFIRMED, "Email not confirmed")


def phone_not_confirmed() -> RefusalError:
    """The same, for a number."""
    return RefusalError(_BAD_REQUEST, ErrorCode.PHONE_NOT_CONFIRMED, "Phone not confirmed")


def user_already_exists() -> RefusalError:
    """A second sign-up for one address; said only where a sign-up is confirmed at once."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.USER_ALREADY_EXISTS, "User already registered")


def email_exists() -> RefusalError:
    """A change to an address that is another user's."""
    message = "A user with this email address has already been registered"
    return RefusalError(_UNPROCESSABLE, ErrorCode.EMAIL_EXISTS, message)


def sign_up_disabled() -> RefusalError:
    """New users are not taken."""
    message = "Signups not allowed for this instance"
    return RefusalError(_UNPROCESSABLE, ErrorCode.SIGNUP_DISABLED, message)


def anonymous_disabled() -> RefusalError:
    """A sign-up with neither address nor number asks for an anonymous user."""
    message = "Anonymous sign-ins are disabled"
    return RefusalError(_UNPROCESSABLE, ErrorCode.ANONYMOUS_PROVIDER_DISABLED, message)


def phone_disabled(status: int, what: str) -> RefusalError:
    """Telephone numbers are not served. Sign-up says 400, sign-in 422."""
    return RefusalError(status, ErrorCode.PHONE_PROVIDER_DISABLED, f"Phone {what} are disabled")


def not_admin() -> RefusalError:
    """``app_metadata`` belongs to the provider."""
    message = "Updating app_metadata requires admin privileges"
    return RefusalError(_FORBIDDEN, ErrorCode.NOT_ADMIN, message)


def level_too_low_to_update() -> RefusalError:
    """A change to what one signs in with, by a session that has not shown the second factor there is."""
    message = "AAL2 session is required to update email or password when MFA is enabled."
    return RefusalError(_UNAUTHORIZED, ErrorCode.INSUFFICIENT_AAL, message)


def level_too_low_for_own_data() -> RefusalError:
    """A copy of one's data, or the end of the account, asked for by a session like that. Ours."""
    message = "AAL2 session is required to export or delete the account when MFA is enabled."
    return RefusalError(_UNAUTHORIZED, ErrorCode.INSUFFICIENT_AAL, message)


def no_authorization() -> RefusalError:
    """No ``Authorization: Bearer``."""
    message = "This endpoint requires a valid Bearer token"
    return RefusalError(_UNAUTHORIZED, ErrorCode.NO_AUTHORIZATION, message)


def bad_jwt(message: str) -> RefusalError:
    """A bearer that is not believed."""
    return RefusalError(_FORBIDDEN, ErrorCode.BAD_JWT, message)


def user_not_found() -> RefusalError:
    """A good token of a user who is gone."""
    message = "User from sub claim in JWT does not exist"
    return RefusalError(_FORBIDDEN, ErrorCode.USER_NOT_FOUND, message)


def no_user_of_address() -> RefusalError:
    """An administrator wants a link for an address that is nobody's."""
    return RefusalError(_NOT_FOUND, ErrorCode.USER_NOT_FOUND, "User with this email not found")


def session_not_found() -> RefusalError:
    """A good token of a session that was ended."""
    message = "Session from session_id claim in JWT does not exist"
    return RefusalError(_FORBIDDEN, ErrorCode.SESSION_NOT_FOUND, message)


def refresh_token_invalid() -> RefusalError:
    """Not a refresh token by its form."""
    return validation_failed("Refresh token is not valid")


def refresh_token_not_found() -> RefusalError:
    """Never issued here, or its session was ended."""
    message = "Invalid Refresh Token: Refresh Token Not Found"
    return RefusalError(_BAD_REQUEST, ErrorCode.REFRESH_TOKEN_NOT_FOUND, message)


def refresh_token_already_used() -> RefusalError:
    """Reuse outside what the rules allow; the family is revoked by then."""
    message = "Invalid Refresh Token: Already Used"
    return RefusalError(_BAD_REQUEST, ErrorCode.REFRESH_TOKEN_ALREADY_USED, message)


def session_expired(why: str = "") -> RefusalError:
    """The session's own lifetime is over."""
    message = f"Invalid Refresh Token: Session Expired{f' ({why})' if why else ''}"
    return RefusalError(_BAD_REQUEST, ErrorCode.SESSION_EXPIRED, message)


def user_banned(status: int = _FORBIDDEN) -> RefusalError:
    """The user may not come in for now. The password grant says 400, everything else 403."""
    return RefusalError(status, ErrorCode.USER_BANNED, "User is banned")


def refresh_of_banned_user() -> RefusalError:
    """The same, at a refresh."""
    return RefusalError(_BAD_REQUEST, ErrorCode.USER_BANNED, "Invalid Refresh Token: User Banned")


def oauth_server_disabled() -> RefusalError:
    """This provider is not itself an OAuth server for third parties, or not told to keep a list of them."""
    return RefusalError(_NOT_FOUND, ErrorCode.FEATURE_DISABLED, "OAuth server is disabled")


def too_many_requests(retry_after_seconds: float) -> RefusalError:
    """Over the rate limit."""
    message = "Request rate limit reached"
    return RefusalError(_TOO_MANY, ErrorCode.OVER_REQUEST_RATE_LIMIT, message, retry_after_seconds=retry_after_seconds)


def email_rate_exceeded(retry_after_seconds: float) -> RefusalError:
    """The provider has sent as many mails as it may for now."""
    message = "email rate limit exceeded"
    code = ErrorCode.OVER_EMAIL_SEND_RATE_LIMIT
    return RefusalError(_TOO_MANY, code, message, retry_after_seconds=retry_after_seconds)


def confirmation_too_soon(wait_seconds: float) -> RefusalError:
    """A second confirmation asked for one address within the interval."""
    message = f"For security purposes, you can only request this after {int(wait_seconds)} seconds."
    return RefusalError(_TOO_MANY, ErrorCode.OVER_EMAIL_SEND_RATE_LIMIT, message, retry_after_seconds=wait_seconds)


def confirm_email_first() -> RefusalError:
    """A code asked for an address that has not been shown to be the user's."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.EMAIL_NOT_CONFIRMED, "Please verify your email first.")


def confirm_phone_first() -> RefusalError:
    """The same, for a number."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.PHONE_NOT_CONFIRMED, "Please verify your phone first.")


def email_disabled(status: int, what: str) -> RefusalError:
    """Addresses are not taken. Sign-up says 400, sign-in 422."""
    return RefusalError(status, ErrorCode.EMAIL_PROVIDER_DISABLED, f"Email {what} are disabled")


def phone_exists() -> RefusalError:
    """A change to a number that is another user's."""
    message = "A user with this phone number has already been registered"
    return RefusalError(_UNPROCESSABLE, ErrorCode.PHONE_EXISTS, message)


def phone_registered() -> RefusalError:
    """An administrator gives somebody a number that is another user's; the sentence is its own."""
    message = "Phone number already registered by another user"
    return RefusalError(_UNPROCESSABLE, ErrorCode.PHONE_EXISTS, message)


def phone_unsupported() -> RefusalError:
    """A code asked for a number where numbers are not taken."""
    return RefusalError(_BAD_REQUEST, ErrorCode.PHONE_PROVIDER_DISABLED, "Unsupported phone provider")


def anonymous_password() -> RefusalError:
    """A password for somebody who has nothing to sign in with beside it."""
    message = "Updating password of an anonymous user without an email or phone is not allowed"
    return RefusalError(_UNPROCESSABLE, ErrorCode.VALIDATION_FAILED, message)


def recovery_without_address() -> RefusalError:
    """``/magiclink`` without an address; it has a status of its own."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.VALIDATION_FAILED, "Password recovery requires an email")


def invalid_email_format() -> RefusalError:
    """An address beside a code that has not the form of one; it has a status of its own."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.VALIDATION_FAILED, "Invalid email format")


def mail_not_sent(what: str) -> RefusalError:
    """A mail that could not be handed over; asking again is allowed at once."""
    return RefusalError(_SERVER_ERROR, ErrorCode.UNEXPECTED_FAILURE, f"Error sending {what} email")


def link_expired() -> RefusalError:
    """A link that is wrong, used or too old: never told apart."""
    return RefusalError(_FORBIDDEN, ErrorCode.OTP_EXPIRED, "Email link is invalid or has expired")


def code_expired() -> RefusalError:
    """A code that is wrong, used, too old or nobody's: never told apart."""
    return RefusalError(_FORBIDDEN, ErrorCode.OTP_EXPIRED, "Token has expired or is invalid")


def otp_disabled() -> RefusalError:
    """A code asked for an address that is nobody's, by a request that wants no user made."""
    return RefusalError(_UNPROCESSABLE, ErrorCode.OTP_DISABLED, "Signups not allowed for otp")


def text_too_soon(wait_seconds: float) -> RefusalError:
    """A second text message asked for one number within the interval."""
    message = f"For security purposes, you can only request this after {int(wait_seconds)} seconds."
    return RefusalError(_TOO_MANY, ErrorCode.OVER_SMS_SEND_RATE_LIMIT, message, retry_after_seconds=wait_seconds)


def text_not_sent(what: str) -> RefusalError:
    """A text message to a number that is no test number."""
    message = f"Error sending {what} OTP to provider: only the configured test numbers are served here"
    return RefusalError(_UNPROCESSABLE, ErrorCode.SMS_SEND_FAILED, message)


def reauthentication_needed() -> RefusalError:
    """A new password, wanted by a session that is not young any more."""
    message = "Password update requires reauthentication"
    return RefusalError(_BAD_REQUEST, ErrorCode.REAUTHENTICATION_NEEDED, message)


def reauthentication_needed_to_delete() -> RefusalError:
    """The end of the account, wanted by a session whose user proved who they are too long ago. Ours."""
    message = "Deleting the account requires a recent sign-in or reauthentication"
    return RefusalError(_BAD_REQUEST, ErrorCode.REAUTHENTICATION_NEEDED, message)


def reauthentication_not_valid() -> RefusalError:
    """A nonce that is wrong, used or too old."""
    message = "Nonce has expired or is invalid"
    return RefusalError(_UNPROCESSABLE, ErrorCode.REAUTHENTICATION_NOT_VALID, message)


def unexpected_failure() -> RefusalError:
    """A fault of ours."""
    message = "Unexpected failure, please check server logs for more information"
    return RefusalError(_SERVER_ERROR, ErrorCode.UNEXPECTED_FAILURE, message)
