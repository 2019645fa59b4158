"""Puts the room's parts together, once, in the order in which they know each other.

Above: ``app.create_app`` users and ``server``. Below: everything else here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import httpx

from cadenza.identity.access_tokens import AccessTokens
from cadenza.identity.administration import Administration
from cadenza.identity.app import IdentityApp
from cadenza.identity.audit import Audit
from cadenza.identity.config import IdentityConfig, is_loopback
from cadenza.identity.factors import Factors
from cadenza.identity.flows import Flows
from cadenza.identity.grants.id_token import IdTokenGrant
from cadenza.identity.grants.password import PasswordGrant
from cadenza.identity.grants.pkce import PkceGrant
from cadenza.identity.grants.refresh_token import RefreshTokenGrant
from cadenza.identity.handlers import Endpoints
from cadenza.identity.handlers.admin import AdminEndpoints
from cadenza.identity.handlers.admin_links import AdminLinkEndpoints
from cadenza.identity.handlers.callers import Admins, Callers
from cadenza.identity.handlers.documents import DocumentEndpoints
from cadenza.identity.handlers.factors import FactorEndpoints
from cadenza.identity.handlers.identities import IdentityEndpoints
from cadenza.identity.handlers.inbox import InboxEndpoints
from cadenza.identity.handlers.links import LinkEndpoints
from cadenza.identity.handlers.oauth import OAuthEndpoints
from cadenza.identity.handlers.oauth_clients import OAuthClientEndpoints
from cadenza.identity.handlers.stand_in import StandInEndpoints
from cadenza.identity.handlers.tokens import TokenEndpoints
from cadenza.identity.handlers.user import UserEndpoints
from cadenza.identity.handlers.verify import VerifyEndpoints
from cadenza.identity.keys import KeyRing
from cadenza.identity.limits import Limits
from cadenza.identity.linking import Linking
from cadenza.identity.listings import Listings
from cadenza.identity.mails import Inbox, Post
from cadenza.identity.oauth import OAuth
from cadenza.identity.oauth_clients import OAuthClients
from cadenza.identity.own_data import OwnData
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.providers import Providers, new_client
from cadenza.identity.redirects import Redirects
from cadenza.identity.refresh_tokens import RefreshTokenMint
from cadenza.identity.refusals import Refusals
from cadenza.identity.sealing import Vault
from cadenza.identity.sessions import Sessions
from cadenza.identity.stand_in import PATH as STAND_IN_PATH
from cadenza.identity.stand_in import StandIn
from cadenza.identity.store import Store
from cadenza.identity.user_parts import Means, assemble_users
from cadenza.identity.users import Users
from cadenza.protocol.auth import GrantType

_UUID_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the shell drives."""

    app: IdentityApp
    store: Store
    passwords: Passwords
    users: Users
    sessions: Sessions
    providers: Providers
    linking: Linking
    post: Post
    inbox: Inbox
    refusals: Refusals

    async def close(self) -> None:
        """Let threads and files go."""
        await self.providers.close()
        await self.refusals.close()
        self.passwords.close()
        self.post.close()
        await self.store.close()


def assemble(
    config: IdentityConfig,
    *,
    keys: KeyRing,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    random_bytes: Callable[[int], bytes],
    make_client: Callable[[], httpx.AsyncClient] | None = None,
    on_sessions_ended: Callable[[Sequence[str]], None] | None = None,
) -> Parts:
    """Build the room. ``Parts.store`` is yet to be opened.

    Args:
        config: With the port that is really listened on, since issuer and addresses may come from it.
        keys: Loaded.
        clock: Seconds since the epoch.
        monotonic: Seconds, for rate limits.
        random_bytes: Where ids, salts and refresh tokens come from.
        make_client: What OAuth providers are asked with; ``None``: a client that trusts our own certificate as well.
        on_sessions_ended: Is told the ids of sessions that are gone.
    """

    def new_id() -> str:
        return str(uuid.UUID(bytes=random_bytes(_UUID_BYTES), version=4))

    store = Store(config.database_path, on_sessions_ended=on_sessions_ended)
    access_tokens = AccessTokens(config, keys, clock=clock)
    mint = RefreshTokenMint(keys.refresh_token_key, random_bytes=random_bytes)
    audit = Audit(clock=clock, new_id=new_id)
    refusals = Refusals(store=store, audit=audit)
    sessions = Sessions(
        config, store=store, mint=mint, access_tokens=access_tokens, audit=audit, clock=clock, new_id=new_id
    )
    passwords = Passwords(config.hashing, random_bytes=random_bytes)
    policy = PasswordPolicy(
        min_length=config.password_min_length, required_characters=config.password_required_characters
    )
    vault = Vault(keys.refresh_token_key, random_bytes=random_bytes)
    flows = Flows(config, vault=vault, clock=clock, new_id=new_id)
    limits = Limits.of(config.limits, monotonic=monotonic)
    own = assemble_users(
        Means(
            config=config,
            store=store,
            sessions=sessions,
            flows=flows,
            passwords=passwords,
            policy=policy,
            vault=vault,
            audit=audit,
            limits=limits,
            clock=clock,
            monotonic=monotonic,
            random_bytes=random_bytes,
            new_id=new_id,
        )
    )
    redirects = Redirects(config.site_url, config.uri_allow_list)
    stand_in = (
        StandIn(config.base_url + STAND_IN_PATH, clock=clock, random_bytes=random_bytes)
        if config.test_provider
        else None
    )
    further = () if stand_in is None else (stand_in.configuration,)
    if make_client is None:
        make_client = partial(new_client, config.tls.certificate if config.tls else None)
    providers = Providers(config, further=further, make_client=make_client, clock=clock)
    linking = Linking(config, mails=own.code_mails, codes=own.codes, audit=audit, clock=clock, new_id=new_id)
    oauth = OAuth(
        config,
        store=store,
        flows=flows,
        linking=linking,
        providers=providers,
        sessions=sessions,
        redirects=redirects,
        random_bytes=random_bytes,
    )
    factors = Factors(
        config,
        store=store,
        vault=vault,
        sessions=sessions,
        audit=audit,
        attempts=limits.factors,
        clock=clock,
        new_id=new_id,
        random_bytes=random_bytes,
    )
    administration = Administration(
        config,
        store=store,
        accounts=own.accounts,
        sessions=sessions,
        passwords=passwords,
        policy=policy,
        audit=audit,
        clock=clock,
    )
    own_data = OwnData(store=store, reauthentication=own.reauthentication, audit=audit, clock=clock)
    clients = OAuthClients(store=store, audit=audit, clock=clock, new_id=new_id, random_bytes=random_bytes)
    callers = Callers(access_tokens=access_tokens, sessions=sessions)
    admins = Admins(config, access_tokens=access_tokens)
    nouns: tuple[Endpoints, ...] = (
        DocumentEndpoints(config, keys=keys),
        TokenEndpoints(
            sign_up=own.sign_up,
            redirects=redirects,
            grants={
                GrantType.PASSWORD: PasswordGrant(
                    config,
                    store=store,
                    users=own.users,
                    phones=own.phones,
                    sessions=sessions,
                    attempts=limits.passwords,
                ),
                GrantType.REFRESH_TOKEN: RefreshTokenGrant(sessions=sessions),
                GrantType.PKCE: PkceGrant(store=store, flows=flows, sessions=sessions),
                GrantType.ID_TOKEN: IdTokenGrant(
                    store=store, providers=providers, linking=linking, sessions=sessions, caller_of=callers.of
                ),
            },
            limits=limits,
            anonymous_users=config.anonymous_users,
        ),
        UserEndpoints(
            callers=callers,
            changes=own.changes,
            sessions=sessions,
            redirects=redirects,
            limits=limits,
            own_data=own_data,
        ),
        LinkEndpoints(
            callers=callers,
            links=own.links,
            reauthentication=own.reauthentication,
            redirects=redirects,
            limits=limits,
        ),
        VerifyEndpoints(
            store=store,
            confirmations=own.confirmations,
            sessions=sessions,
            redirects=redirects,
            limits=limits,
            on_refusal=refusals.note,
        ),
        AdminEndpoints(
            config, admins=admins, administration=administration, listings=Listings(store), own_data=own_data
        ),
        AdminLinkEndpoints(admins=admins, invitations=own.invitations, redirects=redirects),
        OAuthClientEndpoints(config, admins=admins, callers=callers, clients=clients),
        FactorEndpoints(config, callers=callers, factors=factors, limits=limits),
        OAuthEndpoints(config, oauth=oauth, on_refusal=refusals.note),
        StandInEndpoints(stand_in),
        IdentityEndpoints(config, callers=callers, oauth=oauth, linking=linking, store=store),
        InboxEndpoints(own.inbox if config.mail.smtp is None and is_loopback(config.host) else None),
    )
    table = {path: methods for noun in nouns for path, methods in noun.table().items()}
    app = IdentityApp(config, table, on_refusal=refusals.note)
    return Parts(
        app=app,
        store=store,
        passwords=passwords,
        users=own.users,
        sessions=sessions,
        providers=providers,
        linking=linking,
        refusals=refusals,
        post=own.post,
        inbox=own.inbox,
    )
