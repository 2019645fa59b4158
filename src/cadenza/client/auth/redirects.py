"""Ways in through a browser: OAuth providers, magic links, recovery; and adding a way in. PKCE, S256, always.

Above: ``flows``. Below: ``waiting`` (a started sign-in), ``pending``, ``loopback``, ``browser``, ``host``.

``redirect_to`` is one of three fixed loopback addresses (row G1) with this flow's ``state`` in its query: Supabase Auth
lets loopback addresses pass whatever its allow-list says, and keeps the query. The verifier is kept under the flow's
own name (E9), for a mail beyond a restart.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Final

from cadenza.client.auth import loopback as loopbacks
from cadenza.client.auth.browser import BrowserOpener, open_browser
from cadenza.client.auth.host import Flow
from cadenza.client.auth.loopback import Loopback
from cadenza.client.auth.pasted import state_of
from cadenza.client.auth.pending import BROWSER_SECONDS, MAIL_SECONDS, FlowKind, PendingFlow
from cadenza.client.auth.ports import Landing
from cadenza.client.auth.session import Session
from cadenza.client.auth.waiting import PendingSignIn
from cadenza.errors import ConfigurationError, UsageError, ValidationError
from cadenza.protocol.auth import endpoints, pkce

_STATE_BYTES: Final = 24
_BROWSER_TIMEOUT_SECONDS: Final = 300.0
_MAIL_TIMEOUT_SECONDS: Final = 900.0


class _Start:
    """What is made before a flow is started, and kept once it was."""

    def __init__(self, redirect: str, loopback: Loopback | None, state: str) -> None:
        self.state = state
        self.loopback = loopback
        self.pkce = pkce.make(secrets.token_bytes)
        self.landing = Landing(redirect_to=f"{redirect}?state={state}", code_challenge=self.pkce.challenge)


class RedirectFlows(Flow):
    """Sign-in with a browser."""

    async def sign_in_with_provider(
        self,
        provider: str,
        *,
        scopes: str = "",
        extra: Mapping[str, str] | None = None,
        timeout_seconds: float = _BROWSER_TIMEOUT_SECONDS,
        opener: BrowserOpener | None = None,
    ) -> Session:
        """Sign in at an OAuth provider, in the system's browser.

        Args:
            provider: As it is configured: ``google``, ``github`` ...
            scopes: More scopes, separated by spaces.
            extra: Handed on to the provider (``prompt``, ``login_hint``).
            timeout_seconds: How long the user may take.
            opener: Opens the address in place of the system's browser, and says whether it did.

        Raises:
            IdentityError: The provider refused, or the user did (``access_denied``).
            DeadlineExceededError: The browser did not come back.
            ConfigurationError: There is no browser here, or no port is free: use ``start_provider_sign_in``.
            SessionStoreError: The session could not be kept; nothing was sent.
        """
        self._require_browser(opener)
        pending = await self.start_provider_sign_in(provider, scopes=scopes, extra=extra)
        return await self._through_browser(pending, timeout_seconds, opener)

    async def start_provider_sign_in(
        self, provider: str, *, scopes: str = "", extra: Mapping[str, str] | None = None, listen: bool = True
    ) -> PendingSignIn:
        """Start the same by hand: show ``.url``, then ``wait()``, or ``complete(...)`` with what the user pastes.

        Over SSH and in containers the browser ends at an address of the user's own machine where no page opens; that
        address is what they paste.

        Args:
            provider: As it is configured.
            scopes: More scopes.
            extra: Handed on to the provider.
            listen: Whether to wait on this machine for the browser. False: it will be pasted.

        Raises:
            ConfigurationError: No port is free, or the provider's address is not known.
            SessionStoreError: The session could not be kept; nothing was sent.
        """
        sign_in = await self._prepare()
        start = await _start(listen=listen)
        async with self._undone_on_error(start):
            url = await sign_in.provider_url(provider, start.landing, scopes, extra)
            return await self._pending(start, FlowKind.PROVIDER, url=url, provider=provider)

    async def sign_in_with_magic_link(
        self,
        email: str,
        *,
        create_user: bool = True,
        metadata: Mapping[str, object] | None = None,
        timeout_seconds: float = _MAIL_TIMEOUT_SECONDS,
    ) -> Session:
        """Mail a link and wait until it is followed in a browser on this machine.

        After the deadline, or when the program was ended, ``complete_sign_in`` still takes the link.

        Raises:
            IdentityError: Refused (``otp_disabled``, ``over_email_send_rate_limit``; ``otp_expired`` for an old link).
            DeadlineExceededError: It was not followed.
            ConfigurationError: No port is free.
            SessionStoreError: The session could not be kept; nothing was sent.
        """
        async with await self.start_magic_link(email, create_user=create_user, metadata=metadata) as pending:
            return await pending.wait(timeout_seconds=timeout_seconds)

    async def start_magic_link(
        self,
        email: str,
        *,
        create_user: bool = True,
        metadata: Mapping[str, object] | None = None,
        listen: bool = True,
    ) -> PendingSignIn:
        """Mail a link; then ``wait()``, or ``complete(...)`` with the link, where it led, or the mail's code.

        Raises:
            IdentityError: Refused.
            ConfigurationError: No port is free.
            SessionStoreError: The session could not be kept; nothing was sent.
        """
        sign_in = await self._prepare()
        start = await _start(listen=listen)
        async with self._undone_on_error(start):
            # Kept before the mail goes out: what is mailed can be followed at once.
            pending = await self._pending(start, FlowKind.MAGIC_LINK, email=email)
            await sign_in.send_code(email, create_user=create_user, metadata=metadata, landing=start.landing)
            return pending

    async def recover(self, email: str, *, listen: bool = False) -> PendingSignIn:
        """Mail a link and a code that let one in without the password; it succeeds for an unknown address too.

        Complete it with the link, where it led, or the code; or use ``verify_code(email, code, type="recovery")``. Then
        ``update_user(password=...)``.

        Raises:
            IdentityError: Refused (``over_email_send_rate_limit``).
            ConfigurationError: No port is free.
        """
        sign_in = await self._prepare()
        start = await _start(listen=listen)
        async with self._undone_on_error(start):
            pending = await self._pending(start, FlowKind.RECOVERY, email=email)
            await sign_in.recover(email, start.landing)
            return pending

    async def complete_sign_in(self, pasted: str) -> Session:
        """Complete a sign-in that waits, whichever it is; also one started before this program was.

        Args:
            pasted: As for ``PendingSignIn.complete``.

        Raises:
            UsageError: None waits, or several do and the text does not say which.
            ValidationError, IdentityError: As there.
        """
        return await (await self._find(pasted)).complete(pasted)

    async def _find(self, pasted: str) -> PendingSignIn:
        here = self._host.addresses
        waiting = [
            flow
            for flow in await self._host.pending_flows.waiting()
            if (flow.ws_url, flow.supabase_url) == (here.ws_url, here.supabase_url)
        ]
        state = state_of(pasted)
        meant = [flow for flow in waiting if flow.state == state] if state else waiting
        if not meant:
            if state and waiting:
                raise ValidationError("That address belongs to no sign-in that waits here.", field="pasted")
            raise UsageError("No sign-in waits here.", next_step="Start one.")
        if len(meant) > 1:
            raise UsageError("Several sign-ins wait here.", next_step="Paste the whole address, not only its code.")
        return PendingSignIn(self._host, meant[0], url="", loopback=None)

    async def _pending(
        self, start: _Start, kind: FlowKind, *, url: str = "", email: str = "", provider: str = "", user_id: str = ""
    ) -> PendingSignIn:
        now, here = self._host.timing.clock(), self._host.addresses
        flow = PendingFlow(
            state=start.state,
            kind=kind,
            verifier=start.pkce.verifier,
            redirect_to=start.landing.redirect_to,
            started_at=now,
            expires_at=now + (MAIL_SECONDS if kind.is_mailed else BROWSER_SECONDS),
            ws_url=here.ws_url,
            supabase_url=here.supabase_url,
            over_websocket=self._over_websocket,
            email=email.strip(),
            provider=provider,
            user_id=user_id,
        )
        await self._host.pending_flows.save(flow)
        return PendingSignIn(self._host, flow, url=url, loopback=start.loopback)

    @contextlib.asynccontextmanager
    async def _undone_on_error(self, start: _Start) -> AsyncIterator[None]:
        """A sign-in that could not be started leaves no port taken, and nothing that waits."""
        try:
            yield
        except BaseException:
            if start.loopback is not None:
                await start.loopback.close()
            await self._host.pending_flows.take(start.state)
            raise

    def _require_browser(self, opener: BrowserOpener | None) -> None:
        why = self._host.surroundings.why_no_browser
        if opener is None and why:
            raise _no_browser(why)

    async def _open(self, url: str, opener: BrowserOpener | None) -> None:
        if not await (opener(url) if opener else open_browser(url, self._host.surroundings)):
            raise _no_browser("none could be started")

    async def _through_browser(
        self, pending: PendingSignIn, timeout_seconds: float, opener: BrowserOpener | None
    ) -> Session:
        async with pending:
            try:
                await self._open(pending.url, opener)
                return await pending.wait(timeout_seconds=timeout_seconds)
            except BaseException:
                await pending.cancel()
                raise


class LinkFlows(RedirectFlows):
    """Adding a way in to the signed-in user, by the same means. Only the provider itself is asked."""

    async def link_identity(
        self,
        provider: str,
        *,
        scopes: str = "",
        extra: Mapping[str, str] | None = None,
        timeout_seconds: float = _BROWSER_TIMEOUT_SECONDS,
        opener: BrowserOpener | None = None,
    ) -> Session:
        """Add a way in: the user proves in the browser that the account there is theirs, too.

        An anonymous user becomes a lasting one by it. Arguments as for ``sign_in_with_provider``.

        Raises:
            SignInRequiredError: Nobody is signed in.
            IdentityError: Refused (``manual_linking_disabled``, ``identity_already_exists``).
            DeadlineExceededError: The browser did not come back.
            ConfigurationError: There is no browser here, or no port is free: use ``start_link_identity``.
        """
        self._require_browser(opener)
        pending = await self.start_link_identity(provider, scopes=scopes, extra=extra)
        return await self._through_browser(pending, timeout_seconds, opener)

    async def start_link_identity(
        self, provider: str, *, scopes: str = "", extra: Mapping[str, str] | None = None, listen: bool = True
    ) -> PendingSignIn:
        """Start the same by hand, as ``start_provider_sign_in`` does."""
        session, asked = self._require_session(), self._host.provider()
        start = await _start(listen=listen)
        async with self._undone_on_error(start):
            token = await self._host.access_token()
            url = await asked.link_url(token, provider, start.landing, scopes, extra)
            return await self._pending(start, FlowKind.LINK, url=url, provider=provider, user_id=session.user_id)


async def _start(*, listen: bool) -> _Start:
    state = secrets.token_urlsafe(_STATE_BYTES)
    if not listen:
        return _Start(endpoints.LOOPBACK_REDIRECTS[0], None, state)
    loopback = await loopbacks.listen(endpoints.LOOPBACK_REDIRECTS, state)
    return _Start(loopback.redirect, loopback, state)


def _no_browser(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"No browser can be opened here: {why}.",
        setting="BROWSER",
        next_step="Use start_provider_sign_in, show its url, and complete it with the address the browser ends at; "
        "or sign in with a code: send_code, verify_code.",
    )
