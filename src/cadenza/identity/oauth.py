"""Signing in through another provider: the browser leaves with a state, comes back once, and is sent on.

What it comes back with is believed only as far as it can be held against what was begun here: the state is a flow's id,
single use and short-lived; a browser that was sent away holds a cookie; the provider's answer names its issuer (RFC
9207), its code is ours by PKCE, its ID token by a nonce. What goes wrong before the flow is known leads to the site,
afterwards to where the flow was to end.

Above: ``handlers.oauth``, ``handlers.identities``. Below: ``flows``, ``linking``, ``providers``, ``sessions``.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from cadenza.identity import oauth_errors as errors
from cadenza.identity.agent import Agent
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.flows import Flows, FlowSecrets, check_challenge
from cadenza.identity.linking import Linking, Waiting
from cadenza.identity.providers import CodeFlow, Profile, ProviderError, Providers, Tokens
from cadenza.identity.records import FlowStateRow, Records, UserRow
from cadenza.identity.redirects import Redirects
from cadenza.identity.returning import with_code, with_error, with_session
from cadenza.identity.sessions import Opened, Sessions
from cadenza.identity.store import Store
from cadenza.protocol.auth import Session, endpoints, pkce

_LOG: Final = logging.getLogger(__name__)

#: What ``amr`` says of it.
METHOD: Final = "oauth"

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOT_HANDED_ON: Final = frozenset({endpoints.PROVIDER, endpoints.SCOPES, endpoints.INVITE_TOKEN})
_LONGEST_ERROR: Final = 128
_LONGEST_DESCRIPTION: Final = 512
_NONCE_BYTES: Final = 24


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A browser about to leave: where to, and what it shall hold (empty: nothing)."""

    url: str
    state: str
    browser: str

    def __repr__(self) -> str:
        return "<Begun>"


class _Back(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that came back with somebody."""

    flow: FlowStateRow
    profile: Profile
    tokens: Tokens
    email_optional: bool
    invitation: str


class OAuth:
    """See the module.

    Args:
        config: The site.
        store: For transactions.
        flows: Begin and end.
        linking: Says whose user it is.
        providers: Those that are configured.
        sessions: Opens one where no code is wanted.
        redirects: Where a browser may end.
        random_bytes: Where verifiers and nonces come from.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        flows: Flows,
        linking: Linking,
        providers: Providers,
        sessions: Sessions,
        redirects: Redirects,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._config = config
        self._store = store
        self._flows = flows
        self._linking = linking
        self._providers = providers
        self._sessions = sessions
        self._redirects = redirects
        self._random_bytes = random_bytes

    # Leaving

    async def begin(
        self,
        query: Mapping[str, str],
        *,
        redirect_to: str = "",
        referer: str = "",
        linking_user_id: str | None = None,
        holds_cookies: bool = False,
    ) -> Begun:
        """Begin a flow.

        Args:
            query: ``provider``, ``scopes``, ``code_challenge``, ``invite_token`` and what else is for the provider.
            redirect_to: Where the browser shall end.
            referer: Where it comes from, in case that is not allowed.
            linking_user_id: Whom the way in is added to.
            holds_cookies: Whether a browser is asking that will come back to the same host.

        Raises:
            RefusalError: There is no such provider or invitation, it cannot be reached, or the challenge is none.
        """
        provider = self._providers.find(query.get(endpoints.PROVIDER, ""))
        invitation = query.get(endpoints.INVITE_TOKEN, "")
        if invitation and await self._store.read(lambda records: self._linking.invited(records, invitation)) is None:
            raise errors.invited_not_found()
        challenge = check_challenge(query.get(endpoints.CODE_CHALLENGE), query.get(endpoints.CODE_CHALLENGE_METHOD))
        secrets = msgspec.structs.replace(
            self._new_secrets(provider, query.get("nonce", ""), holds_cookies=holds_cookies), invitation=invitation
        )

        def begin(records: Records) -> FlowStateRow:
            return self._flows.begin(
                records,
                provider=provider.name,
                method=METHOD,
                challenge=challenge,
                redirect_to=self._redirects.choose(redirect_to, referer),
                linking_user_id=linking_user_id,
                secrets=secrets,
            )

        state = (await self._store.write(begin)).id
        extra = {name: value for name, value in query.items() if name not in _NOT_HANDED_ON}
        try:
            url = await provider.authorization_url(
                state=state, scopes=query.get(endpoints.SCOPES, ""), extra=extra, secrets=secrets
            )
        except ProviderError as error:
            _LOG.warning("OAuth provider %s: %s", provider.name, error)
            raise errors.provider_unreachable() from error
        return Begun(url=url, state=state, browser=secrets.browser)

    def _new_secrets(self, provider: CodeFlow, nonce: str, *, holds_cookies: bool) -> FlowSecrets:
        own = self._random_bytes(_NONCE_BYTES).hex() if provider.sends_nonce() else ""
        return FlowSecrets(
            verifier=pkce.make(self._random_bytes).verifier,
            nonce=nonce or own,
            browser=self._random_bytes(_NONCE_BYTES).hex() if holds_cookies and provider.comes_back_by_link else "",
        )

    # Coming back

    async def come_back(
        self,
        answer: Mapping[str, str],
        *,
        cookie: Callable[[str], str],
        agent: Agent,
        on_refusal: Callable[[RefusalError], None],
    ) -> str:
        """Where the browser goes on to.

        Args:
            answer: What it came with.
            cookie: What it holds for a state.
            agent: Which browser it is.
            on_refusal: Told of what the browser is led away with.

        Raises:
            RefusalError: No flow of ours was begun with that state: it goes to the site.
        """
        flow = await self._taken(answer.get("state", ""))
        try:
            return await self._finish(await self._identified(flow, answer, cookie(flow.id)), agent)
        except RefusalError as refusal:
            on_refusal(refusal)
            return with_error(flow.redirect_to or self._config.site_url, refusal)

    async def _taken(self, state: str) -> FlowStateRow:
        if not state:
            raise errors.state_missing()
        if _UUID.fullmatch(state) is None:
            raise errors.state_malformed()
        flow = await self._store.write(lambda records: self._flows.take(records, state.lower()))
        if flow is None or flow.method != METHOD:
            raise errors.state_not_found()
        if self._flows.is_expired(flow):
            raise errors.state_expired()
        return flow

    async def _identified(self, flow: FlowStateRow, answer: Mapping[str, str], cookie: str) -> _Back:
        secrets = self._flows.secrets_of(flow)
        if secrets.browser and not hmac.compare_digest(secrets.browser.encode(), cookie.encode()):
            raise errors.state_of_another_browser()
        provider = self._providers.get(flow.provider)
        if provider is None:
            raise errors.provider_gone()
        await _check_issuer(provider, answer)
        if answer.get("error"):
            said = answer.get("error_description", "")[:_LONGEST_DESCRIPTION]
            raise errors.OAuthRefusalError(answer["error"][:_LONGEST_ERROR], said)
        tokens = await _redeemed(provider, answer.get("code", ""), secrets)
        profile = provider.with_answer(await _profile(provider, tokens, secrets), answer)
        if not profile.emails and not provider.config.email_optional:
            raise errors.no_email()
        return _Back(
            flow=flow,
            profile=profile,
            tokens=tokens,
            email_optional=provider.config.email_optional,
            invitation=secrets.invitation,
        )

    async def _finish(self, back: _Back, agent: Agent) -> str:
        flow = back.flow
        outcome = await self._store.write(lambda records: self._welcomed(records, back, agent))
        if isinstance(outcome, Waiting):
            await self._linking.turn_away(outcome)
        if isinstance(outcome, str):
            return with_code(flow.redirect_to, outcome)
        session: Session = msgspec.structs.replace(
            self._sessions.hand_out(outcome),
            provider_token=back.tokens.access_token or None,
            provider_refresh_token=back.tokens.refresh_token or None,
        )
        return with_session(flow.redirect_to, session)

    def _welcomed(self, records: Records, back: _Back, agent: Agent) -> Opened | str | Waiting:
        """A session, or the code to trade for one."""
        user = self._user(records, back, agent)
        if isinstance(user, Waiting):
            return user
        if not back.flow.challenge:
            return self._sessions.open(records, user, method=METHOD, agent=agent, provider=back.flow.provider)
        secrets = FlowSecrets(provider_token=back.tokens.access_token, provider_refresh_token=back.tokens.refresh_token)
        return self._flows.issue_code(records, back.flow, user_id=user.id, secrets=secrets)

    def _user(self, records: Records, back: _Back, agent: Agent) -> UserRow | Waiting:
        flow, profile = back.flow, back.profile
        if flow.linking_user_id is not None:
            return self._linking.link(
                records,
                flow.linking_user_id,
                profile,
                provider=flow.provider,
                agent=agent,
                redirect_to=flow.redirect_to,
            )
        if back.invitation:
            return self._linking.accept(records, profile, back.invitation, provider=flow.provider, agent=agent)
        return self._linking.sign_in(
            records,
            profile,
            provider=flow.provider,
            email_optional=back.email_optional,
            agent=agent,
            redirect_to=flow.redirect_to,
        )


async def _check_issuer(provider: CodeFlow, answer: Mapping[str, str]) -> None:
    try:
        await provider.check_issuer(answer)
    except ProviderError as error:
        _LOG.warning("OAuth provider %s: %s", provider.name, error)
        raise errors.issuer_mismatch() from error


async def _redeemed(provider: CodeFlow, code: str, secrets: FlowSecrets) -> Tokens:
    if not code:
        raise errors.code_missing()
    try:
        return await provider.redeem(code, secrets)
    except ProviderError as error:
        _LOG.warning("OAuth provider %s: %s", provider.name, error)
        raise errors.code_not_redeemed(code) from error


async def _profile(provider: CodeFlow, tokens: Tokens, secrets: FlowSecrets) -> Profile:
    try:
        return await provider.profile(tokens, nonce=secrets.nonce)
    except ProviderError as error:
        _LOG.warning("OAuth provider %s: %s", provider.name, error)
        raise errors.no_profile() from error
