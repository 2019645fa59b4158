"""Signing in over the WebSocket (the mission's step 1): an anonymous connection and the ``*.auth.*`` methods.

Above: ``_client``. Below: schema. Refusals become the same exceptions as when the provider is asked directly.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Protocol, TypeVar

import msgspec

from cadenza.client.auth.ports import Challenge, Landing, TotpEnrollment, UserChanges
from cadenza.client.auth.session import FIRST_LEVEL, Session
from cadenza.client.auth.users import SecondFactor
from cadenza.errors import (
    AccessDeniedError,
    CadenzaError,
    ConfigurationError,
    IdentityError,
    ProtocolError,
    SignInRequiredError,
    TokenInvalidError,
)
from cadenza.protocol.auth import ErrorCode, LogoutScope
from cadenza.protocol.auth.words import FactorStatus, VerifyType
from cadenza.schema import auth as contract
from cadenza.schema import methods
from cadenza.schema.methods import Method
from cadenza.schema.system import NoParams

P = TypeVar("P")
D = TypeVar("D")


class AuthCall(Protocol):
    """Calls a method of ``*.auth.*``, which needs no signed-in connection."""

    async def __call__(self, method: Method[P, D], params: P, /) -> D:
        """Call it."""
        ...


class SocketSignIn:
    """The backend's auth methods.

    Args:
        call: Calls over an anonymous connection.
    """

    def __init__(self, call: AuthCall) -> None:
        self._call = call

    # Grants

    async def password(self, email: str, password: str) -> Session:
        """Sign in with a password."""
        params = contract.LoginParams(email=email, password=password)
        return await self._session(await self._call(methods.COMMAND_AUTH_LOGIN, params))

    async def sign_up(
        self, email: str, password: str, metadata: Mapping[str, object] | None, landing: Landing
    ) -> Session | None:
        """Make a user. None: the address must be confirmed first."""
        params = contract.SignupParams(
            email=email,
            password=password,
            metadata=None if metadata is None else dict(metadata),
            redirect_to=landing.redirect_to or None,
            code_challenge=landing.code_challenge or None,
        )
        made = await self._call(methods.COMMAND_AUTH_SIGNUP, params)
        return None if made.access_token is None else _session(made)

    async def anonymous(self, metadata: Mapping[str, object] | None) -> Session:
        """Sign in as a new user without name or password."""
        if metadata:
            raise _only_at_the_provider("An anonymous user's metadata is given", "or with update_user afterwards")
        return _session(await self._call(methods.COMMAND_AUTH_ANONYMOUS, NoParams()))

    async def id_token(self, provider: str, id_token: str, access_token: str | None, nonce: str | None) -> Session:
        """Sign in with an ID token that another issuer gave."""
        params = contract.IdTokenParams(provider=provider, id_token=id_token, access_token=access_token, nonce=nonce)
        return await self._session(await self._call(methods.COMMAND_AUTH_IDTOKEN, params))

    async def refresh(self, refresh_token: str) -> Session:
        """Trade a refresh token for a new session."""
        try:
            answer = await self._call(methods.COMMAND_AUTH_REFRESH, contract.RefreshParams(refresh_token=refresh_token))
        except (SignInRequiredError, TokenInvalidError) as error:
            raise _session_over(error, ErrorCode.SESSION_NOT_FOUND) from error
        except AccessDeniedError as error:
            raise _session_over(error, ErrorCode.USER_BANNED) from error
        return _session(answer)

    # Mails

    async def send_code(
        self, email: str, *, create_user: bool, metadata: Mapping[str, object] | None, landing: Landing
    ) -> None:
        """Mail a code and a link."""
        if metadata:
            raise _only_at_the_provider("A new user's metadata is given", "or with update_user afterwards")
        await self._call(
            methods.COMMAND_AUTH_OTP_SEND,
            contract.SendOtpParams(
                email=email,
                create_user=create_user,
                redirect_to=landing.redirect_to or None,
                code_challenge=landing.code_challenge or None,
            ),
        )

    async def recover(self, email: str, landing: Landing) -> None:
        """Mail what lets one in without the password."""
        params = contract.RecoverParams(
            email=email,
            redirect_to=landing.redirect_to or None,
            code_challenge=landing.code_challenge or None,
        )
        await self._call(methods.COMMAND_AUTH_RECOVER, params)

    async def resend(self, email: str, kind: VerifyType, landing: Landing) -> None:
        """Mail a confirmation once more."""
        params = contract.SendOtpParams(
            email=email,
            type=contract.OtpType(kind.value),
            redirect_to=landing.redirect_to or None,
            code_challenge=landing.code_challenge or None,
        )
        await self._call(methods.COMMAND_AUTH_OTP_SEND, params)

    async def verify_code(self, email: str, code: str, kind: VerifyType) -> Session | None:
        """Redeem a typed code. None: the other code of a change of address is still to come."""
        return await self._verified(
            contract.VerifyOtpParams(email=email, token=code, type=contract.OtpType(kind.value))
        )

    async def verify_link(self, token_hash: str, kind: VerifyType) -> Session | None:
        """Redeem what a mailed link carries, without following it."""
        return await self._verified(contract.VerifyOtpParams(token_hash=token_hash, type=contract.OtpType(kind.value)))

    # Redirects

    async def provider_url(self, provider: str, landing: Landing, scopes: str, extra: Mapping[str, str] | None) -> str:
        """Where the browser begins."""
        if scopes or extra:
            raise _only_at_the_provider("More scopes and parameters are asked for")
        params = contract.StartOAuthParams(
            provider=provider, redirect_to=landing.redirect_to, code_challenge=landing.code_challenge
        )
        return (await self._call(methods.COMMAND_AUTH_OAUTH_START, params)).url

    async def exchange(self, code: str, verifier: str) -> Session:
        """Trade the code that it brought for a session, once."""
        params = contract.ExchangeOAuthParams(code=code, code_verifier=verifier)
        return await self._session(await self._call(methods.COMMAND_AUTH_OAUTH_EXCHANGE, params))

    # The signed-in user

    async def user(self, access_token: str) -> contract.AuthUser:
        """Whose token it is."""
        return await self._call(methods.QUERY_AUTH_USER, contract.GetUserParams(access_token=access_token))

    async def update_user(self, access_token: str, changes: UserChanges, landing: Landing) -> contract.AuthUser:
        """Change the user."""
        params = contract.UpdateUserParams(
            access_token=access_token,
            email=changes.email,
            password=changes.password,
            metadata=None if changes.metadata is None else dict(changes.metadata),
            nonce=changes.nonce,
            current_password=changes.current_password,
            redirect_to=landing.redirect_to or None,
            code_challenge=landing.code_challenge or None,
        )
        return await self._call(methods.COMMAND_AUTH_USER_UPDATE, params)

    async def reauthenticate(self, access_token: str) -> None:
        """Mail the code that a new password may want."""
        await self._call(methods.COMMAND_AUTH_REAUTHENTICATE, contract.ReauthenticateParams(access_token=access_token))

    async def sign_out(self, access_token: str, scope: LogoutScope) -> None:
        """End sessions."""
        params = contract.LogoutParams(access_token=access_token, scope=contract.LogoutScope(scope.value))
        await self._call(methods.COMMAND_AUTH_LOGOUT, params)

    # Second factors

    async def factors(self, access_token: str) -> tuple[SecondFactor, ...]:
        """Which there are."""
        found = await self._call(methods.QUERY_AUTH_MFA_LIST, contract.ListMfaParams(access_token=access_token))
        return tuple(_factor(factor) for factor in found)

    async def enroll(self, access_token: str, name: str, issuer: str) -> TotpEnrollment:
        """Begin to add an authenticator app."""
        params = contract.EnrollMfaParams(access_token=access_token, friendly_name=name or None, issuer=issuer or None)
        made = await self._call(methods.COMMAND_AUTH_MFA_ENROLL, params)
        return TotpEnrollment(factor_id=made.factor_id, uri=made.uri, secret=made.secret, name=made.friendly_name or "")

    async def challenge(self, access_token: str, factor_id: str) -> Challenge:
        """Begin to prove a factor."""
        params = contract.ChallengeMfaParams(access_token=access_token, factor_id=factor_id)
        made = await self._call(methods.COMMAND_AUTH_MFA_CHALLENGE, params)
        return Challenge(id=made.challenge_id, expires_at=made.expires_at)

    async def verify_factor(self, access_token: str, factor_id: str, challenge_id: str, code: str) -> Session:
        """Prove it: a session at ``aal2``."""
        params = contract.VerifyMfaParams(
            access_token=access_token, factor_id=factor_id, challenge_id=challenge_id, code=code
        )
        made = _session(await self._call(methods.COMMAND_AUTH_MFA_VERIFY, params))
        return msgspec.structs.replace(made, has_second_factor=True)

    async def unenroll(self, access_token: str, factor_id: str) -> None:
        """Remove a factor."""
        params = contract.UnenrollMfaParams(access_token=access_token, factor_id=factor_id)
        await self._call(methods.COMMAND_AUTH_MFA_UNENROLL, params)

    async def _verified(self, params: contract.VerifyOtpParams) -> Session | None:
        answer = await self._call(methods.COMMAND_AUTH_OTP_VERIFY, params)
        return None if answer.access_token is None else await self._session(answer)

    async def _session(self, answer: contract.AuthSession) -> Session:
        """The contract's session does not tell of second factors, so that is asked beside it."""
        session = _session(answer)
        if session.level != FIRST_LEVEL:
            return msgspec.structs.replace(session, has_second_factor=True)
        factors: tuple[SecondFactor, ...] = ()
        with contextlib.suppress(CadenzaError):  # signing in has succeeded; ``mfa.required`` asks again
            factors = await self.factors(session.access_token)
        return msgspec.structs.replace(session, has_second_factor=any(factor.verified for factor in factors))


def _session(answer: contract.AuthSession) -> Session:
    if not answer.access_token or answer.expires_in is None or answer.expires_at is None:
        raise ProtocolError("The backend's session lacks a token or its lifetime.")
    user = answer.user or contract.AuthUser()
    return Session(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token or "",
        expires_in=answer.expires_in,
        expires_at=answer.expires_at,
        user_id=user.id or "",
        email=user.email or "",
    )


def _session_over(error: SignInRequiredError | TokenInvalidError | AccessDeniedError, word: str) -> IdentityError:
    """The refusal as the provider words it, which is what the token manager decides by."""
    return IdentityError(error.message, status=400, error_code=word, code=error.code, temporary=False)


def _factor(factor: contract.MfaFactor) -> SecondFactor:
    return SecondFactor(
        id=factor.id,
        kind=factor.type,
        name=factor.friendly_name or "",
        verified=factor.status == FactorStatus.VERIFIED,
        created_at=factor.created_at,
    )


def _only_at_the_provider(what: str, otherwise: str = "") -> ConfigurationError:
    step = "Set SUPABASE_URL and ask api.auth instead of api.auth.over_websocket"
    return ConfigurationError(
        f"{what} at the identity provider alone, not over the WebSocket.",
        setting="SUPABASE_URL",
        next_step=f"{step}, {otherwise}." if otherwise else f"{step}.",
    )
