"""The identity provider over HTTP: any Supabase Auth, or the embedded one, which cannot be told apart.

Above: ``services.auth``, ``services.factors``, through ``ports.IdentityProvider``. Below: ``protocol.auth``, httpx,
``entities``, ``refusals``. Nothing is kept and nothing logged.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

import httpx

from cadenza.backend.entities import enrollment_of, factor_of, session_of, user_of
from cadenza.backend.refusals import refusal_of
from cadenza.errors import IdentityError, ProtocolError, RpcError
from cadenza.protocol.auth import LogoutScope, Request, ResendType, VerifyType, pkce, requests, responses, urls
from cadenza.schema import auth as contract
from cadenza.schema.codes import Code

__all__ = ["HttpIdentityProvider"]

_T = TypeVar("_T")
Parse = Callable[[int, Mapping[str, str], bytes], _T]


class HttpIdentityProvider:
    """Speaks Supabase Auth's REST API.

    Args:
        url: The service's root, ``/auth/v1`` included where Supabase's gateway stands in front. Browsers are sent
            there too, to sign in with an OAuth provider.
        client: Who speaks HTTP; it must not follow redirects.
        api_key: The project's publishable key, sent as ``apikey`` where one is configured.
        address_header: The header the provider reads a client's address from (Supabase Auth:
            ``GOTRUE_RATE_LIMIT_HEADER``), so that its own limits are not one for all who come through here (row E7).
            None: the address is not passed on.
        timeout_seconds: How long one call may take in all; less than the gateway waits for us.
    """

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient,
        *,
        api_key: str = "",
        address_header: str | None = None,
        timeout_seconds: float = 3.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._client = client
        self._api_key = api_key
        self._address_header = address_header
        self._timeout_seconds = timeout_seconds

    async def signup(self, params: contract.SignupParams, *, address: str = "") -> contract.AuthSession:
        """Make a user; without tokens when the address has to be confirmed first."""
        request = requests.sign_up(
            params.email,
            params.password,
            metadata=params.metadata,
            redirect_to=params.redirect_to or "",
            code_challenge=_challenge(params.code_challenge),
        )
        return session_of(await self._ask(request, responses.parse_sign_up, address=address))

    async def login(self, email: str, password: str, *, address: str = "") -> contract.AuthSession:
        """Sign in with a password."""
        request = requests.password_grant(email, password)
        return session_of(await self._ask(request, responses.parse_session, address=address))

    async def anonymous(self, *, address: str = "") -> contract.AuthSession:
        """Make a user without name or password."""
        return session_of(await self._ask(requests.sign_up_anonymously(), responses.parse_session, address=address))

    async def id_token(self, params: contract.IdTokenParams, *, address: str = "") -> contract.AuthSession:
        """Sign in with an ID token that another issuer gave."""
        request = requests.id_token_grant(
            params.provider, params.id_token, access_token=params.access_token, nonce=params.nonce
        )
        return session_of(await self._ask(request, responses.parse_session, address=address))

    async def refresh(self, refresh_token: str, *, address: str = "") -> contract.AuthSession:
        """Trade a refresh token for a new session."""
        request = requests.refresh_token_grant(refresh_token)
        return session_of(await self._ask(request, responses.parse_session, address=address))

    def oauth_url(self, provider: str, redirect_to: str, code_challenge: str) -> str:
        """Where a browser begins to sign in with an OAuth provider."""
        query = urls.authorize_query(provider, redirect_to=redirect_to, code_challenge=_challenge(code_challenge) or "")
        return urls.authorize_url(self._url, query)

    async def exchange(self, code: str, code_verifier: str, *, address: str = "") -> contract.AuthSession:
        """Trade the code a browser came back with for a session."""
        request = requests.pkce_grant(code, code_verifier)
        return session_of(await self._ask(request, responses.parse_session, address=address))

    async def send_code(self, params: contract.SendOtpParams, *, address: str = "") -> None:
        """Mail a code and a link."""
        await self._ask(_code_request(params), responses.expect_success, address=address)

    async def recover(self, params: contract.RecoverParams, *, address: str = "") -> None:
        """Mail what lets one in without the password."""
        request = requests.recover(
            params.email,
            redirect_to=params.redirect_to or "",
            code_challenge=_challenge(params.code_challenge),
        )
        await self._ask(request, responses.expect_success, address=address)

    async def verify_code(
        self, kind: contract.OtpType, email: str, token: str, *, address: str = ""
    ) -> contract.AuthSession:
        """Redeem a code; without tokens after the first one of a change of address."""
        request = requests.verify_code(VerifyType(kind.value), token, email=email)
        return session_of(await self._ask(request, responses.parse_verify, address=address))

    async def verify_link(self, kind: contract.OtpType, token_hash: str, *, address: str = "") -> contract.AuthSession:
        """Redeem what a link carries."""
        request = requests.verify_token_hash(VerifyType(kind.value), token_hash)
        return session_of(await self._ask(request, responses.parse_verify, address=address))

    async def reauthenticate(self, access_token: str, *, address: str = "") -> None:
        """Mail the code that a new password may want."""
        await self._ask(requests.reauthenticate(access_token), responses.expect_success, address=address)

    async def logout(self, access_token: str, scope: contract.LogoutScope) -> None:
        """End the sessions of a scope."""
        await self._ask(requests.log_out(access_token, scope=LogoutScope(scope.value)), responses.expect_success)

    async def user(self, access_token: str) -> contract.AuthUser:
        """Whose token this is."""
        return user_of(await self._ask(requests.get_user(access_token), responses.parse_user))

    async def update_user(self, params: contract.UpdateUserParams, *, address: str = "") -> contract.AuthUser:
        """Change the token's user."""
        request = requests.update_user(
            params.access_token,
            email=params.email,
            password=params.password,
            current_password=params.current_password,
            nonce=params.nonce,
            metadata=params.metadata,
            redirect_to=params.redirect_to or "",
            code_challenge=_challenge(params.code_challenge),
        )
        return user_of(await self._ask(request, responses.parse_user, address=address))

    async def factors(self, access_token: str) -> tuple[contract.MfaFactor, ...]:
        """The second factors of the token's user."""
        user = await self._ask(requests.get_user(access_token), responses.parse_user)
        return tuple(factor_of(factor) for factor in user.factors)

    async def enroll(self, params: contract.EnrollMfaParams, *, address: str = "") -> contract.MfaEnrollment:
        """Begin to add an authenticator app."""
        request = requests.enrol_totp(
            params.access_token, friendly_name=params.friendly_name or "", issuer=params.issuer or ""
        )
        enrollment = enrollment_of(await self._ask(request, responses.parse_enrolled_factor, address=address))
        if enrollment is None:
            raise _unreachable("another kind of factor")
        return enrollment

    async def unenroll(self, access_token: str, factor_id: str, *, address: str = "") -> None:
        """Remove a second factor."""
        request = requests.delete_factor(access_token, factor_id)
        await self._ask(request, responses.expect_success, address=address)

    async def challenge(self, access_token: str, factor_id: str, *, address: str = "") -> contract.MfaChallenge:
        """Begin the second factor."""
        request = requests.challenge_factor(access_token, factor_id)
        made = await self._ask(request, responses.parse_factor_challenge, address=address)
        return contract.MfaChallenge(challenge_id=made.id, expires_at=made.expires_at)

    async def verify_factor(self, params: contract.VerifyMfaParams, *, address: str = "") -> contract.AuthSession:
        """Finish it: a session at ``aal2``."""
        request = requests.verify_factor(
            params.access_token, params.factor_id, challenge_id=params.challenge_id, code=params.code
        )
        return session_of(await self._ask(request, responses.parse_session, address=address))

    async def _ask(self, request: Request, parse: Parse[_T], *, address: str = "") -> _T:
        headers = request.headers(api_key=self._api_key)
        if self._address_header and address:
            headers[self._address_header] = address
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._client.request(
                    request.method,
                    self._url + request.path,
                    params=dict(request.query),
                    headers=headers,
                    content=request.body,
                    timeout=self._timeout_seconds,
                )
            return parse(answer.status_code, answer.headers, answer.content)
        except IdentityError as error:
            raise refusal_of(error) from None
        except (httpx.RequestError, TimeoutError, ProtocolError) as error:
            # `from None`, and only the type: what went wrong may quote a request, and that holds a password.
            raise _unreachable(type(error).__name__) from None


def _code_request(params: contract.SendOtpParams) -> Request:
    """What mails it: one endpoint of the provider's to sign in, one for a lost password, one for once more."""
    challenge, redirect_to = _challenge(params.code_challenge), params.redirect_to or ""
    match params.type:
        case contract.OtpType.RECOVERY:
            return requests.recover(params.email, redirect_to=redirect_to, code_challenge=challenge)
        case contract.OtpType.SIGNUP | contract.OtpType.EMAIL_CHANGE:
            kind = ResendType(params.type.value)
            return requests.resend(kind, email=params.email, redirect_to=redirect_to, code_challenge=challenge)
        case contract.OtpType.INVITE:
            raise RpcError("Only an administrator invites.", code=Code.INVALID_ARGUMENT, field="type")
        case _:
            return requests.send_otp(
                params.email, create_user=params.create_user, redirect_to=redirect_to, code_challenge=challenge
            )


def _challenge(code_challenge: str | None) -> str | None:
    """Refuse here what would only be refused when a browser has come back already."""
    if code_challenge is not None and not pkce.is_well_formed(code_challenge):
        raise RpcError(
            "The code challenge is not one of RFC 7636 (43 to 128 characters, base64url).",
            code=Code.INVALID_ARGUMENT,
            field="codeChallenge",
        )
    return code_challenge


def _unreachable(what: str) -> RpcError:
    return RpcError(
        f"The identity provider cannot be asked now ({what}).", code=Code.SERVICE_UNAVAILABLE, temporary=True
    )
