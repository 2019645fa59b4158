"""``api.auth.mfa``: the second factor, an authenticator app (TOTP, RFC 6238).

Above: ``flows``. Below: ``host``, ``ports``.
"""

from __future__ import annotations

from cadenza.client.auth.host import Flow
from cadenza.client.auth.ports import Challenge, TotpEnrollment
from cadenza.client.auth.session import FIRST_LEVEL, Session
from cadenza.client.auth.users import SecondFactor
from cadenza.errors import UsageError


class Mfa(Flow):
    """Second factors."""

    async def factors(self) -> tuple[SecondFactor, ...]:
        """The user's second factors, the unverified ones too.

        Raises:
            SignInRequiredError: Nobody is signed in.
        """
        return await self._account.factors(await self._host.access_token())

    async def required(self) -> bool:
        """Whether the user has a second factor that counts and this session has not seen one yet."""
        session = self._require_session()
        return session.level == FIRST_LEVEL and any(factor.verified for factor in await self.factors())

    async def enroll(self, name: str = "", *, issuer: str = "") -> TotpEnrollment:
        """Begin to add an authenticator app: show ``uri`` as a QR code, then ``verify`` the first code.

        Args:
            name: No two factors of a user share one.
            issuer: What the app shows beside the user's address.

        Raises:
            IdentityError: Refused (``mfa_factor_name_conflict``; ``insufficient_aal``: there is a factor already,
                ``verify`` it first).
        """
        return await self._account.enroll(await self._host.access_token(), name, issuer)

    async def challenge(self, factor_id: str) -> Challenge:
        """Begin to prove a factor. ``verify`` does it by itself.

        Raises:
            IdentityError: Refused (``mfa_factor_not_found``).
        """
        return await self._account.challenge(await self._host.access_token(), factor_id)

    async def verify(self, code: str, *, factor_id: str = "", challenge_id: str = "") -> Session:
        """Prove a factor. The session rises to ``aal2``, and so does the open connection: it is not made anew.

        Args:
            code: As the app shows it.
            factor_id: Which factor; the only one that is verified, if not given.
            challenge_id: What ``challenge`` gave; a new one is made if not given.

        Raises:
            IdentityError: Wrong or too old (``mfa_verification_failed``).
            UsageError: The user has no factor, or several: say which.
        """
        sign_in, token = self._account, await self._host.access_token()
        factor_id = factor_id or await self._only_factor()
        challenge_id = challenge_id or (await sign_in.challenge(token, factor_id)).id
        session = await sign_in.verify_factor(token, factor_id, challenge_id, "".join(code.split()))
        await self._host.renew_session(session)
        await self._host.step_up()
        return session

    async def unenroll(self, factor_id: str) -> None:
        """Remove a factor. One that is verified wants a session at ``aal2``; the session is refreshed afterwards.

        Raises:
            IdentityError: Refused (``insufficient_aal``, ``mfa_factor_not_found``).
        """
        token = await self._host.access_token()
        await self._account.unenroll(token, factor_id)
        await self._host.access_token(refused=token)  # the provider lowers the session: its next token says so

    async def _only_factor(self) -> str:
        verified = [factor.id for factor in await self.factors() if factor.verified]
        if not verified:
            raise UsageError("The user has no second factor.", next_step="Enroll one with mfa.enroll.")
        if len(verified) > 1:
            raise UsageError("The user has several second factors.", next_step="Say which with factor_id.")
        return verified[0]
