"""The identity provider asked directly, over HTTPS: Supabase Auth's REST API.

Above: ``_client``. Below: ``protocol.auth`` (what to say), httpx (how). Nothing that fails here quotes a request: those
hold passwords and tokens.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from cadenza.client.auth.session import Session
from cadenza.errors import ConfigurationError, ProtocolError, TransportError
from cadenza.protocol.auth import Identity, LogoutScope, Request, User, requests, responses
from cadenza.schema.auth import AuthUser, AuthUserAppMetadata, AuthUserIdentity

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

#: More than any answer of the provider; a page that someone else serves in its place is not read to its end.
_LARGEST_ANSWER_BYTES: Final = 1024 * 1024


class HttpSignIn:
    """Supabase Auth at an address.

    Args:
        url: The service's root, ``https://.../auth/v1`` behind Supabase's gateway.
        anon_key: The project's publishable key, for Supabase's gateway.
        deadline_seconds: For each request, all in all.
        proxy: A proxy's address; None for none.
        trust_environment: Whether the environment's proxy settings count.
        ssl_context: For an authority of one's own.
    """

    def __init__(
        self,
        url: str,
        *,
        anon_key: str = "",
        deadline_seconds: float,
        proxy: str | None = None,
        trust_environment: bool = True,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._anon_key = anon_key
        self._deadline = deadline_seconds
        self._proxy = proxy
        self._trust_environment = trust_environment
        self._ssl_context = ssl_context
        self._made: httpx.AsyncClient | None = None

    async def password(self, email: str, password: str) -> Session:
        """Sign in with a password."""
        return Session.from_provider(await self._ask(requests.password_grant(email, password), responses.parse_session))

    async def sign_up(self, email: str, password: str, metadata: Mapping[str, object] | None) -> Session | None:
        """Make a user. None: the address must be confirmed first."""
        made = await self._ask(requests.sign_up(email, password, metadata=metadata), responses.parse_sign_up)
        return None if isinstance(made, User) else Session.from_provider(made)

    async def refresh(self, refresh_token: str) -> Session:
        """Trade a refresh token for a new session."""
        return Session.from_provider(
            await self._ask(requests.refresh_token_grant(refresh_token), responses.parse_session)
        )

    async def sign_out(self, access_token: str, scope: LogoutScope) -> None:
        """End sessions."""
        await self._ask(requests.log_out(access_token, scope=scope), responses.expect_success)

    async def user(self, access_token: str) -> AuthUser:
        """Whose token it is."""
        return contract_user(await self._ask(requests.get_user(access_token), responses.parse_user))

    async def close(self) -> None:
        """Free the connections."""
        if self._made is not None:
            await self._made.aclose()
            self._made = None

    async def _ask(self, request: Request, parse: Callable[[int, Mapping[str, str], bytes], T]) -> T:
        import httpx

        try:
            async with (
                asyncio.timeout(self._deadline),
                self._client().stream(
                    request.method,
                    self._url + request.path,
                    params=dict(request.query),
                    headers=request.headers(api_key=self._anon_key),
                    content=request.body,
                ) as answer,
            ):
                body = b"".join([chunk async for chunk in _bounded(answer)])
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            # `from None`: the cause holds the request.
            raise TransportError(
                f"The identity provider at {self._url} cannot be reached ({type(error).__name__})."
            ) from None
        return parse(answer.status_code, answer.headers, body)

    def _client(self) -> httpx.AsyncClient:
        if self._made is None:
            import httpx  # a third of a second to import: only who signs in or refreshes waits for it

            try:
                self._made = httpx.AsyncClient(
                    proxy=self._proxy,
                    trust_env=self._trust_environment,
                    verify=self._ssl_context or True,
                    timeout=self._deadline,
                    follow_redirects=False,
                )
            except (ImportError, ValueError) as error:
                raise ConfigurationError(
                    f"The identity provider cannot be reached through that proxy ({type(error).__name__}).",
                    setting="proxy",
                    next_step="Give an http:// proxy, or install httpx[socks] for a socks5:// one.",
                ) from None
        return self._made


async def _bounded(answer: httpx.Response) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in answer.aiter_bytes():
        size += len(chunk)
        if size > _LARGEST_ANSWER_BYTES:
            raise ProtocolError("The identity provider's answer is larger than any of Supabase Auth's.")
        yield chunk


def contract_user(user: User) -> AuthUser:
    """The provider's user as the contract has one."""
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
        app_metadata=_app_metadata(user.app_metadata),
        user_metadata=user.user_metadata,
        identities=tuple(_identity(identity) for identity in user.identities or ()),
    )


def _app_metadata(metadata: Mapping[str, object]) -> AuthUserAppMetadata:
    try:
        return msgspec.convert(metadata, type=AuthUserAppMetadata)
    except msgspec.ValidationError:
        return AuthUserAppMetadata()  # an operator may keep anything there


def _identity(identity: Identity) -> AuthUserIdentity:
    return AuthUserIdentity(
        id=identity.id,
        user_id=identity.user_id,
        identity_data=identity.identity_data,
        provider=identity.provider,
        last_sign_in_at=identity.last_sign_in_at,
        created_at=identity.created_at,
        updated_at=identity.updated_at,
    )
