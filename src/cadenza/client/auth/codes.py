"""Ways in by mail, with a code that is typed. The link of the same mail is ``redirects``'.

Above: ``flows``. Below: ``host``, ``ports``.
"""

from __future__ import annotations

from collections.abc import Mapping

from cadenza.client.auth.host import Flow
from cadenza.client.auth.ports import Landing
from cadenza.client.auth.session import Session
from cadenza.errors import UsageError
from cadenza.protocol.auth.words import VerifyType


class CodeFlows(Flow):
    """One-time codes."""

    async def send_code(
        self,
        email: str,
        *,
        create_user: bool = True,
        metadata: Mapping[str, object] | None = None,
        redirect_to: str = "",
    ) -> None:
        """Mail a one-time code, for ``verify_code``. Whether the mail has a code is its template's to say.

        Args:
            email: The address.
            create_user: Whether an unknown address signs up by it.
            metadata: The user's own data, should one be made.
            redirect_to: Where the link of the same mail leads in the end; the provider's site if not given.

        Raises:
            IdentityError: Refused (``otp_disabled``, ``over_email_send_rate_limit``).
            TransportError: Out of reach.
            SessionStoreError: A session could not be kept; nothing was sent.
        """
        sign_in = await self._prepare()
        await sign_in.send_code(
            email, create_user=create_user, metadata=metadata, landing=Landing(redirect_to=redirect_to)
        )

    async def verify_code(self, email: str, code: str, *, type: str | VerifyType = VerifyType.EMAIL) -> Session:  # noqa: A002 - the provider's own name for it
        """Sign in with a code from a mail.

        Args:
            email: The address it went to.
            code: As it was typed.
            type: What it was sent for: ``email`` (``send_code``), ``signup``, ``recovery``, ``invite``.

        Raises:
            IdentityError: Wrong, used or too old (``otp_expired``).
            TransportError: Out of reach.
            UsageError: There is no such type; for ``email_change`` there is ``confirm_email_change``.
        """
        kind = _kind(type)
        sign_in = await self._prepare()
        session = await sign_in.verify_code(email.strip(), _typed(code), kind)
        if session is None:
            raise UsageError("That code changes an address.", next_step="Use confirm_email_change.")
        return await self._begin(session)

    async def resend(self, email: str, *, type: str | VerifyType = VerifyType.SIGNUP, redirect_to: str = "") -> None:  # noqa: A002 - the provider's own name for it
        """Mail a confirmation once more.

        Args:
            email: The address.
            type: ``signup`` or ``email_change``.
            redirect_to: Where the link leads in the end.

        Raises:
            IdentityError: Refused (``over_email_send_rate_limit``).
            TransportError: Out of reach.
            UsageError: That is not sent again.
        """
        kind = _kind(type)
        if kind not in {VerifyType.SIGNUP, VerifyType.EMAIL_CHANGE}:
            raise UsageError("Only signup and email_change are sent again.", next_step="Send a new code.")
        await self._sign_in.resend(email, kind, Landing(redirect_to=redirect_to))


def _kind(word: str | VerifyType) -> VerifyType:
    try:
        return VerifyType(word)
    except ValueError:
        raise UsageError(f"A code's type is one of {', '.join(VerifyType)}.") from None


def _typed(code: str) -> str:
    """As people copy it: with spaces around and within."""
    return "".join(code.split())
