"""The one exception tree. Every error says what happened, whether waiting can help, and what to do next.

Above: everything. Below: nothing; this module imports nothing of Cadenza.

::

    CadenzaError
    ├── UsageError                the caller's code is wrong (a bug on this side)
    │   └── ClosedError           the client, connection or subscription is already closed
    ├── ConfigurationError        a setting is missing, contradictory or misspelt; `setting` names it
    ├── ValidationError           a value does not fit the contract before it is sent; `field` names it
    ├── ProtocolError             the peer broke its protocol: what arrived cannot be read
    ├── AuthError                 who you are, and whether that can be believed
    │   ├── TokenFormatError      not a JWT of the required form; never put on the wire
    │   ├── TokenExpiredError     was good, is no longer (refresh)
    │   ├── TokenNotYetValidError `nbf` or `iat` lies ahead: usually clock skew
    │   ├── TokenInvalidError     signature, issuer, audience, algorithm or key refused
    │   ├── KeysUnavailableError  the key set cannot be had now: nothing is known of the token (temporary)
    │   ├── SignInRequiredError   no session, or one that cannot be refreshed any more
    │   ├── SessionRevokedError   the session was ended elsewhere
    │   ├── AccessDeniedError     signed in, but not allowed
    │   │   └── SecondFactorRequiredError  not without a second factor
    │   ├── ClockSkewError        fresh tokens are refused because a clock is wrong; `offset_seconds`
    │   ├── IdentityError         the identity provider refused; `status`, `error_code`
    │   │   └── NotOfferedError   it has nothing of the kind: another provider does
    │   └── SessionStoreError     the stored session cannot be read or written; `location`
    ├── TransportError            the network or the socket (temporary unless it says otherwise)
    │   ├── DisconnectedError     the gateway closed the socket; `code`, `reason`
    │   ├── DeadlineExceededError no answer in time; the work may still have been done
    │   └── MessageTooBigError    over the gateway's limit; `limit_bytes`
    ├── GatewayError              the gateway answered a command with an error; Centrifugo's `code`
    ├── ProcessError              another program did not start, or ended; `program`, `status`
    ├── RpcError                  the backend answered with an error; `field`, `retry_after_seconds`
    │   └── RateLimitedError      too many calls in a short time
    └── SubscriptionError         a subscription ended or was refused; `channel`
        └── GapError              publications were lost and could not be recovered

Messages never hold a token, a password or another secret.
"""

from __future__ import annotations

__all__ = [
    "AccessDeniedError",
    "AuthError",
    "CadenzaError",
    "ClockSkewError",
    "ClosedError",
    "ConfigurationError",
    "DeadlineExceededError",
    "DisconnectedError",
    "GapError",
    "GatewayError",
    "IdentityError",
    "KeysUnavailableError",
    "MessageTooBigError",
    "NotOfferedError",
    "ProcessError",
    "ProtocolError",
    "RateLimitedError",
    "RpcError",
    "SecondFactorRequiredError",
    "SessionRevokedError",
    "SessionStoreError",
    "SignInRequiredError",
    "SubscriptionError",
    "TokenExpiredError",
    "TokenFormatError",
    "TokenInvalidError",
    "TokenNotYetValidError",
    "TransportError",
    "UsageError",
    "ValidationError",
]


class CadenzaError(Exception):
    """Base of every error Cadenza raises on purpose.

    Args:
        message: What happened, one sentence, no secret in it.
        code: The numeric code of whoever decided (Centrifugo's, or the backend's DDCCC code), if there is one.
        temporary: Whether the same call can succeed later without anyone changing anything.
        next_step: What the reader should do now, one sentence.
    """

    #: Defaults that a subclass states once, so that a raise needs only what is particular to it.
    default_temporary: bool = False
    default_next_step: str = ""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        temporary: bool | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.temporary = self.default_temporary if temporary is None else temporary
        self.next_step = self.default_next_step if next_step is None else next_step

    def __str__(self) -> str:
        head = self.message if self.code is None else f"{self.message} (code {self.code})"
        return f"{head} {self.next_step}".rstrip() if self.next_step else head


class UsageError(CadenzaError):
    """The calling code is wrong; nothing was sent."""

    default_next_step = "Correct the call."


class ClosedError(UsageError):
    """The object was closed before this call."""

    default_next_step = "Open a new one."


class ConfigurationError(CadenzaError):
    """A setting is missing, contradictory or misspelt. ``setting`` names it."""

    def __init__(self, message: str, *, setting: str = "", next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.setting = setting


class ValidationError(CadenzaError):
    """A value does not fit the contract. ``field`` is its path in wire names, ``tradeOrder.quantity``."""

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        code: int | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, code=code, next_step=next_step)
        self.field = field


class ProtocolError(CadenzaError):
    """The peer sent what its protocol does not allow."""


class AuthError(CadenzaError):
    """Base of all that concerns identity."""


class TokenFormatError(AuthError):
    """Not a JSON Web Token of the required form (RFC 7519 section 3)."""

    default_next_step = "Check where the token comes from: it must be the provider's access token, whole."


class TokenExpiredError(AuthError):
    """The token's ``exp`` has passed (RFC 7519 section 4.1.4)."""

    default_next_step = "Refresh the session."


class TokenNotYetValidError(AuthError):
    """The token's ``nbf`` or ``iat`` lies in the future (RFC 7519 section 4.1.5)."""

    default_next_step = "Compare this machine's clock with the provider's."


class TokenInvalidError(AuthError):
    """Signature, issuer, audience, algorithm, key or claims refused (RFC 8725)."""

    default_next_step = "Sign in again."


class KeysUnavailableError(AuthError):
    """The provider's keys cannot be fetched, so nothing can be said of the token."""

    default_temporary = True
    default_next_step = "Try again shortly; if it lasts, check that the identity provider is reachable."


class SignInRequiredError(AuthError):
    """There is no session, or the one there was is over.

    ``reason`` is one word for why it is over: the provider's error code, or ``signed_out_elsewhere``, ``other_user``,
    ``revoked``, ``refused``, ``token_refused``; empty where there was none.
    """

    default_next_step = "Sign in."

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        temporary: bool | None = None,
        next_step: str | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(message, code=code, temporary=temporary, next_step=next_step)
        self.reason = reason


class SessionRevokedError(SignInRequiredError):
    """The session was ended: by a sign-out elsewhere, or by an administrator."""


class AccessDeniedError(AuthError):
    """Signed in, but not allowed to do this."""

    default_next_step = "Ask for the right, or sign in as someone who has it."


class SecondFactorRequiredError(AccessDeniedError):
    """This wants a second factor (``aal2``), and the connection has not shown one."""

    default_next_step = "Complete the second factor (api.auth.mfa.verify), then repeat."


class ClockSkewError(AuthError):
    """Fresh tokens are refused as expired or not yet valid. ``offset_seconds``: provider's clock minus ours."""

    default_next_step = "Set this machine's clock."

    def __init__(self, message: str, *, offset_seconds: float, code: int | None = None) -> None:
        super().__init__(message, code=code)
        self.offset_seconds = offset_seconds


class IdentityError(AuthError):
    """The identity provider refused. ``status`` is HTTP's, ``error_code`` Supabase Auth's word for it."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        error_code: str = "",
        code: int | None = None,
        temporary: bool | None = None,
        retry_after_seconds: float | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, code=code, temporary=temporary, next_step=next_step)
        self.status = status
        self.error_code = error_code
        self.retry_after_seconds = retry_after_seconds


class NotOfferedError(IdentityError):
    """The identity provider has nothing of the kind: it is of another make than the one that has."""


class SessionStoreError(AuthError):
    """The stored session cannot be read or written. ``location`` says where it is.

    ``set_aside`` says where a damaged one was moved to; empty if nothing was moved.
    """

    def __init__(self, message: str, *, location: str, next_step: str | None = None, set_aside: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.location = location
        self.set_aside = set_aside


class TransportError(CadenzaError):
    """The network or the socket failed."""

    default_temporary = True
    default_next_step = "Try again; the SDK reconnects by itself."


class DisconnectedError(TransportError):
    """The gateway closed the socket. ``code`` and ``reason`` are its words."""

    def __init__(self, message: str, *, code: int, reason: str, temporary: bool, next_step: str | None = None) -> None:
        super().__init__(message, code=code, temporary=temporary, next_step=next_step)
        self.reason = reason


class DeadlineExceededError(TransportError):
    """No answer within the deadline. The work may still have been done: repeat only what is idempotent."""

    default_next_step = "Repeat if the call is idempotent, or raise the deadline."


class MessageTooBigError(TransportError):
    """A message is over the gateway's limit of ``limit_bytes`` and was not repeated."""

    default_temporary = False
    default_next_step = "Send less in one message."

    def __init__(self, message: str, *, limit_bytes: int, code: int | None = 1009) -> None:
        super().__init__(message, code=code)
        self.limit_bytes = limit_bytes


class GatewayError(CadenzaError):
    """The gateway answered a command with an error of its own (Centrifugo's codes 100 to 113)."""


class ProcessError(CadenzaError):
    """Another program, started from here, did not start or ended by itself.

    ``program`` names it, ``status`` is what it ended with, negative for a signal and None where it did not end.
    """

    default_next_step = "See its log."

    def __init__(self, message: str, *, program: str, status: int | None = None, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.program = program
        self.status = status


class RpcError(CadenzaError):
    """The backend answered a call with an error.

    ``field`` names the parameter at fault, ``retry_after_seconds`` says how long to wait, where they apply.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        temporary: bool | None = None,
        field: str | None = None,
        retry_after_seconds: float | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, code=code, temporary=temporary, next_step=next_step)
        self.field = field
        self.retry_after_seconds = retry_after_seconds


class RateLimitedError(RpcError):
    """Too many calls of one caller in a short time. In ``retry_after_seconds`` the next is free."""

    default_temporary = True
    default_next_step = "Wait, then repeat it."


class SubscriptionError(CadenzaError):
    """A subscription was refused or has ended."""

    def __init__(
        self,
        message: str,
        *,
        channel: str,
        code: int | None = None,
        temporary: bool | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, code=code, temporary=temporary, next_step=next_step)
        self.channel = channel


class GapError(SubscriptionError):
    """Publications were lost between two that arrived, and the gateway cannot give them again."""

    default_next_step = "Fetch the current state and go on from there."
