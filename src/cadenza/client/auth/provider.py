"""The identity provider asked directly, over HTTPS: Supabase Auth's REST API.

Above: ``_client``. Below: ``protocol.auth`` (what to say), httpx (how). Nothing that fails here quotes a request: those
hold passwords and tokens.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from cadenza.client.auth.exports import AccountExport, DeletedAccount, export_of
from cadenza.client.auth.offer import WaysIn
from cadenza.client.auth.ports import Challenge, Landing, TotpEnrollment, UserChanges
from cadenza.client.auth.session import Session
from cadenza.client.auth.users import SecondFactor, UserRecord, contract_user, record_of
from cadenza.errors import ConfigurationError, ProtocolError, TransportError
from cadenza.protocol.auth import LogoutScope, Request, User, requests, responses, urls
from cadenza.protocol.auth.messages import HalfConfirmed
from cadenza.protocol.auth.words import ResendType, VerifyType
from cadenza.schema.auth import AuthUser

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

#: More than any answer of the provider; a page that someone else serves in its place is not read to its end.
_LARGEST_ANSWER_BYTES: Final = 1024 * 1024
#: But for the copy of an account: 100,000 entries of an audit log are some 40 MiB.
_LARGEST_EXPORT_BYTES: Final = 64 * 1024 * 1024
#: Said by a proxy, and by a network that wants a sign-in of its own: no word on the session. Nor is a redirect.
_IN_BETWEEN: Final = frozenset({407, 511})


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

    async def ways_in(self) -> WaysIn:
        """Which ways in are open."""
        return WaysIn.of(await self._ask(requests.settings(), responses.parse_settings))

    # Grants

    async def password(self, email: str, password: str) -> Session:
        """Sign in with a password."""
        return await self._session(requests.password_grant(email, password))

    async def sign_up(
        self, email: str, password: str, metadata: Mapping[str, object] | None, landing: Landing
    ) -> Session | None:
        """Make a user. None: the address must be confirmed first."""
        request = requests.sign_up(
            email,
            password,
            metadata=metadata,
            redirect_to=landing.redirect_to,
            code_challenge=landing.code_challenge or None,
        )
        made = await self._ask(request, responses.parse_sign_up)
        return None if isinstance(made, User) else Session.from_provider(made)

    async def anonymous(self, metadata: Mapping[str, object] | None) -> Session:
        """Sign in as a new user without name or password."""
        return await self._session(requests.sign_up_anonymously(metadata=metadata))

    async def id_token(self, provider: str, id_token: str, access_token: str | None, nonce: str | None) -> Session:
        """Sign in with an ID token that another issuer gave."""
        return await self._session(requests.id_token_grant(provider, id_token, access_token=access_token, nonce=nonce))

    async def refresh(self, refresh_token: str) -> Session:
        """Trade a refresh token for a new session."""
        return await self._session(requests.refresh_token_grant(refresh_token))

    # Mails

    async def send_code(
        self, email: str, *, create_user: bool, metadata: Mapping[str, object] | None, landing: Landing
    ) -> None:
        """Mail a code and a link."""
        request = requests.send_otp(
            email,
            create_user=create_user,
            metadata=metadata,
            redirect_to=landing.redirect_to,
            code_challenge=landing.code_challenge or None,
        )
        await self._ask(request, responses.expect_success)

    async def recover(self, email: str, landing: Landing) -> None:
        """Mail what lets one in without the password."""
        request = requests.recover(
            email, redirect_to=landing.redirect_to, code_challenge=landing.code_challenge or None
        )
        await self._ask(request, responses.expect_success)

    async def resend(self, email: str, kind: VerifyType, landing: Landing) -> None:
        """Mail a confirmation once more."""
        request = requests.resend(
            ResendType(kind.value),
            email=email,
            redirect_to=landing.redirect_to,
            code_challenge=landing.code_challenge or None,
        )
        await self._ask(request, responses.expect_success)

    async def verify_code(self, email: str, code: str, kind: VerifyType) -> Session | None:
        """Redeem a typed code. None: the other code of a change of address is still to come."""
        return await self._verified(requests.verify_code(kind, code, email=email))

    async def verify_link(self, token_hash: str, kind: VerifyType) -> Session | None:
        """Redeem what a mailed link carries, without following it."""
        return await self._verified(requests.verify_token_hash(kind, token_hash))

    # Redirects

    async def provider_url(self, provider: str, landing: Landing, scopes: str, extra: Mapping[str, str] | None) -> str:
        """Where the browser begins. Nothing is sent: it is the provider's own address."""
        return urls.authorize_url(
            self._url,
            urls.authorize_query(
                provider,
                redirect_to=landing.redirect_to,
                scopes=scopes,
                code_challenge=landing.code_challenge,
                extra=extra,
            ),
        )

    async def link_url(
        self, access_token: str, provider: str, landing: Landing, scopes: str, extra: Mapping[str, str] | None
    ) -> str:
        """Where it begins to add a way in to a signed-in user."""
        request = requests.link_identity(
            access_token,
            provider,
            redirect_to=landing.redirect_to,
            scopes=scopes,
            code_challenge=landing.code_challenge,
            extra=extra,
        )
        return (await self._ask(request, responses.parse_provider_url)).url

    async def exchange(self, code: str, verifier: str) -> Session:
        """Trade the code that it brought for a session, once."""
        return await self._session(requests.pkce_grant(code, verifier))

    # The signed-in user

    async def user(self, access_token: str) -> AuthUser:
        """Whose token it is."""
        return contract_user(await self._user(access_token))

    async def record(self, access_token: str) -> UserRecord:
        """The user with ways in and second factors."""
        return record_of(await self._user(access_token))

    async def update_user(self, access_token: str, changes: UserChanges, landing: Landing) -> AuthUser:
        """Change the user."""
        request = requests.update_user(
            access_token,
            email=changes.email,
            password=changes.password,
            current_password=changes.current_password,
            nonce=changes.nonce,
            metadata=changes.metadata,
            redirect_to=landing.redirect_to,
            code_challenge=landing.code_challenge or None,
        )
        return contract_user(await self._ask(request, responses.parse_user))

    async def reauthenticate(self, access_token: str) -> None:
        """Mail the code that a new password may want."""
        await self._ask(requests.reauthenticate(access_token), responses.expect_success)

    async def export(self, access_token: str) -> AccountExport:
        """A copy of all that is kept of the user."""

        def read(status: int, headers: Mapping[str, str], body: bytes) -> AccountExport:
            return export_of(responses.parse_account_export(status, headers, body), body)

        return await self._ask(requests.export_account(access_token), read, largest_bytes=_LARGEST_EXPORT_BYTES)

    async def delete_account(self, access_token: str, nonce: str | None) -> DeletedAccount:
        """Delete the user."""
        gone = await self._ask(requests.delete_account(access_token, nonce=nonce), responses.parse_deleted_account)
        return DeletedAccount(user_id=gone.id, deleted_at=gone.deleted_at)

    async def unlink_identity(self, access_token: str, identity_id: str) -> None:
        """Remove a way in."""
        await self._ask(requests.unlink_identity(access_token, identity_id), responses.expect_success)

    async def sign_out(self, access_token: str, scope: LogoutScope) -> None:
        """End sessions."""
        await self._ask(requests.log_out(access_token, scope=scope), responses.expect_success)

    # Second factors

    async def factors(self, access_token: str) -> tuple[SecondFactor, ...]:
        """Which there are."""
        return (await self.record(access_token)).factors

    async def enroll(self, access_token: str, name: str, issuer: str) -> TotpEnrollment:
        """Begin to add an authenticator app."""
        request = requests.enrol_totp(access_token, friendly_name=name, issuer=issuer)
        made = await self._ask(request, responses.parse_enrolled_factor)
        if made.totp is None:
            raise ProtocolError("The identity provider's factor lacks what an authenticator app needs.")
        return TotpEnrollment(factor_id=made.id, uri=made.totp.uri, secret=made.totp.secret, name=made.friendly_name)

    async def challenge(self, access_token: str, factor_id: str) -> Challenge:
        """Begin to prove a factor."""
        made = await self._ask(requests.challenge_factor(access_token, factor_id), responses.parse_factor_challenge)
        return Challenge(id=made.id, expires_at=made.expires_at)

    async def verify_factor(self, access_token: str, factor_id: str, challenge_id: str, code: str) -> Session:
        """Prove it: a session at ``aal2``."""
        return await self._session(
            requests.verify_factor(access_token, factor_id, challenge_id=challenge_id, code=code)
        )

    async def unenroll(self, access_token: str, factor_id: str) -> None:
        """Remove a factor."""
        await self._ask(requests.delete_factor(access_token, factor_id), responses.parse_unenrolled_factor)

    async def close(self) -> None:
        """Free the connections."""
        if self._made is not None:
            await self._made.aclose()
            self._made = None

    async def _session(self, request: Request) -> Session:
        return Session.from_provider(await self._ask(request, responses.parse_session))

    async def _verified(self, request: Request) -> Session | None:
        answer = await self._ask(request, responses.parse_verify)
        return None if isinstance(answer, HalfConfirmed) else Session.from_provider(answer)

    async def _user(self, access_token: str) -> User:
        return await self._ask(requests.get_user(access_token), responses.parse_user)

    async def _ask(
        self,
        request: Request,
        parse: Callable[[int, Mapping[str, str], bytes], T],
        *,
        largest_bytes: int = _LARGEST_ANSWER_BYTES,
    ) -> T:
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
                body = b"".join([chunk async for chunk in _bounded(answer, largest_bytes)])
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            # `from None`: the cause holds the request.
            raise TransportError(
                f"The identity provider at {self._url} cannot be reached ({type(error).__name__})."
            ) from None
        if answer.is_redirect or answer.status_code in _IN_BETWEEN:
            raise TransportError(
                f"Not the identity provider answered at {self._url}, but something on the way to it (HTTP status "
                f"{answer.status_code}).",
                next_step="Check the address, https included, and whether network or proxy want a sign-in first.",
            )
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


async def _bounded(answer: httpx.Response, largest_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in answer.aiter_bytes():
        size += len(chunk)
        if size > largest_bytes:
            raise ProtocolError("The identity provider's answer is larger than any of Supabase Auth's.")
        yield chunk
