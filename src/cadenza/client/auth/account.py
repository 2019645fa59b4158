"""What a signed-in user does to their own account: change it, upgrade an anonymous one, other ways in.

Above: ``flows``. Below: ``host``, ``ports``, ``users``.
"""

from __future__ import annotations

from collections.abc import Mapping

from cadenza.client.auth.host import Flow
from cadenza.client.auth.offer import WaysIn
from cadenza.client.auth.ports import Landing, UserChanges
from cadenza.client.auth.session import Session
from cadenza.client.auth.users import LinkedIdentity
from cadenza.errors import UsageError
from cadenza.protocol.auth.words import VerifyType
from cadenza.schema.auth import AuthUser


class AccountFlows(Flow):
    """The user's own account."""

    async def user(self) -> AuthUser:
        """The signed-in user, as the provider knows them now.

        Raises:
            SignInRequiredError: Nobody is signed in.
        """
        token = await self._host.access_token()
        return await self._account.user(token)

    async def update_user(
        self,
        *,
        email: str | None = None,
        password: str | None = None,
        metadata: Mapping[str, object] | None = None,
        nonce: str | None = None,
        current_password: str | None = None,
        redirect_to: str = "",
    ) -> AuthUser:
        """Change the user. A new password ends the user's other sessions; a new address waits for its confirmation.

        Args:
            email: The new address.
            password: The new password.
            metadata: Changes to the user's own data; None as a value removes a key.
            nonce: The code of ``reauthenticate``, where the provider wants one for a new password.
            current_password: The old one, where the provider wants it.
            redirect_to: Where the links of a change of address lead in the end.

        Raises:
            IdentityError: Refused (``same_password``, ``weak_password``, ``email_exists``, ``reauthentication_needed``;
                ``insufficient_aal``: first ``mfa.verify``).
            SignInRequiredError: Nobody is signed in.
        """
        changes = UserChanges(
            email=email, password=password, metadata=metadata, nonce=nonce, current_password=current_password
        )
        token = await self._host.access_token()
        return await self._account.update_user(token, changes, Landing(redirect_to=redirect_to))

    async def upgrade(
        self,
        email: str,
        password: str | None = None,
        *,
        metadata: Mapping[str, object] | None = None,
        redirect_to: str = "",
    ) -> Session:
        """Make a lasting user of an anonymous one: the same user, with all that is theirs.

        To use an OAuth provider instead, see ``link_identity``.

        Returns:
            The session. As long as ``is_anonymous`` is true, the address must first be confirmed: by the link in the
            mail, or by its code with ``confirm_email_change``; then ``refresh``.

        Raises:
            IdentityError: Refused (``email_exists``, ``weak_password``).
            UsageError: The user is not anonymous.
        """
        session = self._require_session()
        if not session.is_anonymous:
            raise UsageError("The user is not anonymous.", next_step="Use update_user.")
        await self.update_user(email=email, password=password, metadata=metadata, redirect_to=redirect_to)
        await self._host.access_token(refused=session.access_token)
        return self._require_session()

    async def confirm_email_change(self, email: str, code: str) -> Session | None:
        """Confirm a new address with a code from a mail.

        Args:
            email: The address the code went to.
            code: The code.

        Returns:
            The session with the new address; None when the code sent to the other address is still to come.

        Raises:
            IdentityError: Wrong, used or too old (``otp_expired``).
        """
        session = await self._account.verify_code(email, "".join(code.split()), VerifyType.EMAIL_CHANGE)
        return None if session is None else await self._begin(session)

    async def reauthenticate(self) -> None:
        """Mail the code that ``update_user(password=..., nonce=...)`` may want.

        Raises:
            SignInRequiredError: Nobody is signed in.
            IdentityError: Refused.
        """
        token = await self._host.access_token()
        await self._account.reauthenticate(token)


class IdentityFlows(Flow):
    """The ways in: those there are, and the user's. Only the provider itself is asked for these."""

    async def ways_in(self) -> WaysIn:
        """Which ways in the provider offers. Nobody need be signed in.

        Raises:
            TransportError: Out of reach.
            ConfigurationError: The provider's address is not known.
        """
        return await self._host.provider().ways_in()

    async def identities(self) -> tuple[LinkedIdentity, ...]:
        """The user's ways in.

        Raises:
            SignInRequiredError: Nobody is signed in.
        """
        provider = self._host.provider()
        return (await provider.record(await self._host.access_token())).identities

    async def unlink_identity(self, identity: LinkedIdentity | str) -> None:
        """Remove a way in.

        Args:
            identity: It, or its ``identity_id``.

        Raises:
            IdentityError: Refused (``single_identity_not_deletable``).
        """
        identity_id = identity if isinstance(identity, str) else identity.identity_id
        provider = self._host.provider()
        await provider.unlink_identity(await self._host.access_token(), identity_id)
