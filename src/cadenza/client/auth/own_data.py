"""The user's own data: a copy of all the provider keeps of them, and the end of the account.

Above: ``flows``. Below: ``host``, ``exports``. Supabase Auth has neither; our own provider has both.
"""

from __future__ import annotations

from cadenza.client.auth.exports import AccountExport, DeletedAccount
from cadenza.client.auth.host import Flow


class OwnDataFlows(Flow):
    """Taking along and going. Only the provider itself is asked for these."""

    async def export_account(self) -> AccountExport:
        """Have a copy of all that the provider keeps of the user. It holds no password, token or key.

        Raises:
            NotOfferedError: The provider has nothing of the kind: it is Supabase Auth.
            IdentityError: Refused (``insufficient_aal``: first ``mfa.verify``).
            SignInRequiredError: Nobody is signed in.
        """
        provider = self._host.provider()
        return await provider.export(await self._host.access_token())

    async def delete_account(self, *, nonce: str | None = None) -> DeletedAccount:
        """Delete the user at the provider, at once and for good, with all sessions; this one is forgotten here.

        Args:
            nonce: The code that ``reauthenticate`` mails. Not needed within 15 minutes after a sign-in.

        Raises:
            NotOfferedError: The provider has nothing of the kind: it is Supabase Auth.
            IdentityError: Refused (``reauthentication_needed``: sign in again, or give a nonce;
                ``reauthentication_not_valid``; ``insufficient_aal``: first ``mfa.verify``).
            SignInRequiredError: Nobody is signed in.
        """
        provider = self._host.provider()
        code = None if nonce is None else "".join(nonce.split())
        gone = await provider.delete_account(await self._host.access_token(), code)
        await self._host.end_session()
        return gone
