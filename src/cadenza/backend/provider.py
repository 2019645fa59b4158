"""The identity provider over HTTP: any Supabase Auth, or the embedded one, which cannot be told apart.

Above: ``services.auth``, through ``ports.IdentityProvider``. Below: ``protocol.auth``, httpx, schema. Its refusals
become codes of the contract here; its sentences, which are free of addresses and secrets, are passed on.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

import httpx

from cadenza.errors import IdentityError, ProtocolError, RpcError
from cadenza.protocol.auth import ErrorCode, Identity, LogoutScope, Request, Session, User, requests, responses
from cadenza.schema.auth import AuthSession, AuthUser, AuthUserAppMetadata, AuthUserIdentity
from cadenza.schema.auth import LogoutScope as WantedScope
from cadenza.schema.codes import Code

__all__ = ["HttpIdentityProvider"]

_T = TypeVar("_T")
Parse = Callable[[int, Mapping[str, str], bytes], _T]

#: Supabase Auth's word -> the contract's code and the parameter at fault.
_CODES: Mapping[str, tuple[int, str | None]] = {
    ErrorCode.INVALID_CREDENTIALS: (Code.CREDENTIALS_REFUSED, None),
    ErrorCode.EMAIL_NOT_CONFIRMED: (Code.EMAIL_NOT_CONFIRMED, "email"),
    ErrorCode.WEAK_PASSWORD: (Code.WEAK_PASSWORD, "password"),
    ErrorCode.USER_ALREADY_EXISTS: (Code.USER_EXISTS, "email"),
    ErrorCode.EMAIL_EXISTS: (Code.USER_EXISTS, "email"),
    ErrorCode.VALIDATION_FAILED: (Code.INVALID_ARGUMENT, None),
    ErrorCode.REFRESH_TOKEN_NOT_FOUND: (Code.SESSION_REVOKED, "refreshToken"),
    ErrorCode.REFRESH_TOKEN_ALREADY_USED: (Code.SESSION_REVOKED, "refreshToken"),
    ErrorCode.SESSION_EXPIRED: (Code.SESSION_REVOKED, "refreshToken"),
    ErrorCode.SESSION_NOT_FOUND: (Code.SESSION_REVOKED, None),
    ErrorCode.BAD_JWT: (Code.TOKEN_INVALID, "accessToken"),
    ErrorCode.NO_AUTHORIZATION: (Code.TOKEN_INVALID, "accessToken"),
    ErrorCode.USER_NOT_FOUND: (Code.TOKEN_INVALID, None),
    ErrorCode.USER_BANNED: (Code.ACCESS_DENIED, None),
    ErrorCode.SIGNUP_DISABLED: (Code.ACCESS_DENIED, None),
    ErrorCode.INSUFFICIENT_AAL: (Code.SECOND_FACTOR_REQUIRED, None),
    ErrorCode.OVER_REQUEST_RATE_LIMIT: (Code.TOO_MANY_ATTEMPTS, None),
    ErrorCode.OVER_EMAIL_SEND_RATE_LIMIT: (Code.TOO_MANY_ATTEMPTS, None),
}
_TOO_MANY_REQUESTS = 429


class HttpIdentityProvider:
    """Speaks Supabase Auth's REST API.

    Args:
        url: The service's root, ``/auth/v1`` included where Supabase's gateway stands in front.
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

    async def signup(
        self, email: str, password: str, metadata: Mapping[str, object] | None, *, address: str = ""
    ) -> AuthSession:
        """Make a user; without tokens when the address has to be confirmed first."""
        request = requests.sign_up(email, password, metadata=metadata)
        answer = await self._ask(request, responses.parse_sign_up, address=address)
        return session_of(answer) if isinstance(answer, Session) else AuthSession(user=user_of(answer))

    async def login(self, email: str, password: str, *, address: str = "") -> AuthSession:
        """Sign in with a password."""
        request = requests.password_grant(email, password)
        return session_of(await self._ask(request, responses.parse_session, address=address))

    async def refresh(self, refresh_token: str, *, address: str = "") -> AuthSession:
        """Trade a refresh token for a new session."""
        request = requests.refresh_token_grant(refresh_token)
        return session_of(await self._ask(request, responses.parse_session, address=address))

    async def logout(self, access_token: str, scope: WantedScope) -> None:
        """End the sessions of a scope."""
        await self._ask(requests.log_out(access_token, scope=LogoutScope(scope.value)), responses.expect_success)

    async def user(self, access_token: str) -> AuthUser:
        """Whose token this is."""
        return user_of(await self._ask(requests.get_user(access_token), responses.parse_user))

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
            raise _refusal(error) from None
        except (httpx.RequestError, TimeoutError, ProtocolError) as error:
            # `from None`, and only the type: what went wrong may quote a request, and that holds a password.
            raise RpcError(
                f"The identity provider cannot be asked now ({type(error).__name__}).",
                code=Code.SERVICE_UNAVAILABLE,
                temporary=True,
            ) from None


def _refusal(error: IdentityError) -> RpcError:
    """The provider's refusal in the contract's words."""
    code, field = _CODES.get(error.error_code, (None, None))
    if code is None and error.status == _TOO_MANY_REQUESTS:
        code = Code.TOO_MANY_ATTEMPTS
    elif code is None:
        # Without a word of Supabase Auth's it was not Supabase Auth that answered.
        its_own = bool(error.error_code) and not error.temporary
        code = Code.INVALID_ARGUMENT if its_own else Code.SERVICE_UNAVAILABLE
    return RpcError(
        error.message,
        code=code,
        temporary=error.temporary,
        field=field,
        retry_after_seconds=error.retry_after_seconds,
    )


def session_of(session: Session) -> AuthSession:
    """Supabase Auth's session as the contract's."""
    return AuthSession(
        access_token=session.access_token,
        refresh_token=session.refresh_token,
        token_type=session.token_type,
        expires_in=session.expires_in,
        expires_at=session.expires_at,
        user=user_of(session.user),
    )


def user_of(user: User) -> AuthUser:
    """Supabase Auth's user as the contract's."""
    return AuthUser(
        id=user.id,
        email=user.email,
        phone=user.phone or None,
        email_confirmed_at=user.email_confirmed_at,
        phone_confirmed_at=user.phone_confirmed_at,
        last_sign_in_at=user.last_sign_in_at,
        role=user.role,
        created_at=user.created_at,
        updated_at=user.updated_at,
        app_metadata=_app_metadata_of(user.app_metadata),
        user_metadata=user.user_metadata,
        identities=tuple(_identity_of(identity) for identity in user.identities or ()),
    )


def _identity_of(identity: Identity) -> AuthUserIdentity:
    return AuthUserIdentity(
        id=identity.id,
        user_id=identity.user_id,
        identity_data=identity.identity_data,
        provider=identity.provider,
        last_sign_in_at=identity.last_sign_in_at,
        created_at=identity.created_at,
        updated_at=identity.updated_at,
    )


def _app_metadata_of(metadata: Mapping[str, object]) -> AuthUserAppMetadata:
    """The two entries the contract knows; the operator may have put anything there, so others do not pass."""
    tenant, environments = metadata.get("tenantId"), metadata.get("environments")
    return AuthUserAppMetadata(
        tenant_id=tenant if isinstance(tenant, str) else None,
        environments=tuple(word for word in environments if isinstance(word, str))
        if isinstance(environments, list)
        else None,
    )
