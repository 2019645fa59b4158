"""The links one after another: each is looked at only if the ones that it hangs on hold.

Above: ``cli.doctor``, tests. Below: everything in this folder, the SDK.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from cadenza.client import Client, StoreKind, connect
from cadenza.client.auth.place import place_of
from cadenza.client.settings import AUTH_PATH, Environment, read_environment
from cadenza.errors import CadenzaError, SessionStoreError, TokenFormatError
from cadenza.protocol.auth import endpoints
from cadenza.stack.doctor.browser import look_at_ports
from cadenza.stack.doctor.gateway import Expected, look_at_gateway
from cadenza.stack.doctor.operator import look_at_backend, look_at_server_api
from cadenza.stack.doctor.provider import ProviderLook, look_at_provider
from cadenza.stack.doctor.report import SIGN_IN, Finding, Link, Verdict, broken, broken_by, good, skipped
from cadenza.stack.doctor.tokens import AUDIENCE, look_at_token
from cadenza.stack.outgoing import http_client, server_api_url

__all__ = ["Doctor", "Patience"]

_DEFAULT_BACKEND_PORT: Final = "8080"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long is waited, so that the whole takes less than three seconds.

    Attributes:
        answer_seconds: For one answer of one part.
        publication_seconds: For a publication.
    """

    answer_seconds: float = 0.8
    publication_seconds: float = 1.0


class Doctor:
    """Looks at the chain that a client of this environment would use.

    Args:
        environ: The environment: the SDK's variables, and an operator's if they are set.
        ws_url: The gateway, in place of the environment's.
        supabase_url: The provider, in place of the environment's.
        profile: Whose session, in place of the environment's.
        patience: How long is waited.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        ws_url: str | None = None,
        supabase_url: str | None = None,
        profile: str | None = None,
        patience: Patience = Patience(),  # frozen
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environ = environ
        self._ws_url = ws_url
        self._supabase_url = supabase_url
        self._profile = profile
        self._patience = patience
        self._clock = clock

    async def look(self) -> AsyncIterator[Finding]:
        """Each link's finding, in order, as soon as it is known. Nothing is changed, but for a session refreshed."""
        try:
            client = connect(
                self._ws_url,
                supabase_url=self._supabase_url,
                profile=self._profile,
                environ=self._environ,
                deadline_seconds=self._patience.answer_seconds,
            )
            await client.__aenter__()
        except CadenzaError as error:
            of_session = isinstance(error, SessionStoreError | TokenFormatError)
            yield broken_by(Link.SESSION if of_session else Link.ENVIRONMENT, error)
            return
        try:
            async for finding in self._look(client):
                yield self._for_the_profile(finding)
        finally:
            await client.close()

    def _for_the_profile(self, finding: Finding) -> Finding:
        """The links name the command that signs in; where a profile was given, it must be that one's."""
        if self._profile is None:
            return finding
        step = finding.next_step.replace(SIGN_IN, f"{SIGN_IN} --profile {self._profile}")
        return msgspec.structs.replace(finding, next_step=step)

    async def _look(self, client: Client) -> AsyncIterator[Finding]:
        where = client.addresses
        known = read_environment(self._environ)
        auth_url = None if where.supabase_url is None else where.supabase_url + AUTH_PATH
        yield good(Link.ENVIRONMENT, f"Gateway {where.ws_url}, provider {where.supabase_url or 'through the gateway'}.")
        seen = ProviderLook((), answers=False)
        if auth_url is None:
            yield skipped(Link.PROVIDER, "Sign-in goes through the gateway: SUPABASE_URL is not set.")
        else:
            seen = await self._provider(auth_url, known)
            for finding in seen.findings:
                yield finding
            if known.issuer and seen.issuer and known.issuer != seen.issuer:
                yield broken(
                    Link.ENVIRONMENT,
                    f"CADENZA_ISSUER is {known.issuer}, and the provider calls itself {seen.issuer}.",
                    f"Set CADENZA_ISSUER to {seen.issuer}, or SUPABASE_URL to the other's address.",
                )
                return
        expected = Expected(
            issuer=known.issuer or seen.issuer or auth_url or "the provider's issuer",
            audience=known.audience or AUDIENCE,
            jwks_url=self._environ.get("CADENZA_JWKS_URL") or f"{auth_url or ''}{endpoints.JWKS}",
        )
        yield await look_at_ports(endpoints.LOOPBACK_REDIRECTS)
        of_session = await self._session(client, asks_provider=seen.answers)
        yield of_session
        token = None if client.auth.session is None else client.auth.session.access_token
        if token is not None:
            yield look_at_token(
                token,
                issuer=known.issuer or seen.issuer,
                audience=expected.audience,
                key_ids=seen.key_ids,
                now=self._clock(),
            )
        patience = self._patience
        async for finding in look_at_gateway(
            where.ws_url,
            token=token if of_session.verdict is Verdict.GOOD else None,
            expected=expected,
            reply_seconds=patience.answer_seconds,
            publication_seconds=patience.publication_seconds,
        ):
            yield finding
        async for finding in self._operators(where.ws_url):
            yield finding

    async def _provider(self, auth_url: str, known: Environment) -> ProviderLook:
        place = place_of(known, profile=self._profile)
        anon_key = known.anon_key or place.anon_key(auth_url.removesuffix(AUTH_PATH)) or ""
        async with http_client([auth_url], timeout_seconds=self._patience.answer_seconds) as http:
            return await look_at_provider(auth_url, http, anon_key=anon_key, clock=self._clock)

    async def _session(self, client: Client, *, asks_provider: bool) -> Finding:
        if not client.auth.state.user_id:
            return await self._nobody(client)
        try:
            if asks_provider:
                await client.auth.user()  # refreshes what has run out, and notices what was ended elsewhere
        except CadenzaError as error:
            return broken_by(Link.SESSION, error) if error.temporary else self._over(error)
        checked = "the provider knows the session" if asks_provider else "the provider could not be asked"
        return good(Link.SESSION, f"Signed in, in {client.auth.state.store}; {checked}.")

    def _over(self, error: CadenzaError) -> Finding:
        place = place_of(read_environment(self._environ), profile=self._profile)
        if place.kind is StoreKind.ENVIRONMENT:
            step = "Set CADENZA_SESSION, or CADENZA_ACCESS_TOKEN, to one of this provider; or unset it: cadenza login."
        else:
            step = "Sign in again: cadenza login."
        return broken(Link.SESSION, error.message, step)

    async def _nobody(self, client: Client) -> Finding:
        """Nobody is signed in here, but perhaps elsewhere."""
        with contextlib.suppress(CadenzaError):
            stored = await place_of(read_environment(self._environ), profile=self._profile).store.load()
            if stored is not None:
                return broken(
                    Link.SESSION,
                    f"The stored session belongs to {stored.ws_url}, not to {client.addresses.ws_url}.",
                    "Sign in here: cadenza login. Or unset CADENZA_WS_URL and SUPABASE_URL, to go where it belongs.",
                )
        return broken(Link.SESSION, "Nobody is signed in.", "Sign in: cadenza login.")

    async def _operators(self, ws_url: str) -> AsyncIterator[Finding]:
        """What can be seen with an operator's secrets, where they are set."""
        api_key = self._environ.get("CADENZA_API_KEY")
        secret = self._environ.get("CADENZA_PROXY_SECRET")
        if not api_key and not secret:
            return
        api_url = (self._environ.get("CADENZA_API_URL") or server_api_url(ws_url)).rstrip("/")
        backend_url = f"http://127.0.0.1:{self._environ.get('PORT') or _DEFAULT_BACKEND_PORT}"
        async with http_client([api_url, backend_url], timeout_seconds=self._patience.answer_seconds) as http:
            if api_key:
                previous = self._environ.get("CADENZA_API_KEY_PREVIOUS")
                yield await look_at_server_api(api_url, api_key, http, previous=previous)
            if secret:
                previous = self._environ.get("CADENZA_PROXY_SECRET_PREVIOUS")
                yield await look_at_backend(backend_url, secret, http, previous=previous)
