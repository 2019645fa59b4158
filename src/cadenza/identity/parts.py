"""Puts the room's parts together, once, in the order in which they know each other.

Above: ``app.create_app`` users and ``server``. Below: everything else here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from cadenza.identity.access_tokens import AccessTokens
from cadenza.identity.app import IdentityApp
from cadenza.identity.config import IdentityConfig, is_loopback
from cadenza.identity.flows import Flows
from cadenza.identity.grants.password import PasswordGrant
from cadenza.identity.grants.pkce import PkceGrant
from cadenza.identity.grants.refresh_token import RefreshTokenGrant
from cadenza.identity.handlers import Endpoints
from cadenza.identity.handlers.callers import Callers
from cadenza.identity.handlers.documents import DocumentEndpoints
from cadenza.identity.handlers.inbox import InboxEndpoints
from cadenza.identity.handlers.tokens import TokenEndpoints
from cadenza.identity.handlers.user import UserEndpoints
from cadenza.identity.keys import KeyRing
from cadenza.identity.limits import Limits
from cadenza.identity.mails import Inbox, Post
from cadenza.identity.mails.composing import Composer
from cadenza.identity.mails.smtp import SmtpCarrier
from cadenza.identity.mails.templates import Templates
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.refresh_tokens import RefreshTokenMint
from cadenza.identity.sealing import Vault
from cadenza.identity.sessions import Sessions
from cadenza.identity.store import Store
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
    post: Post
    inbox: Inbox

    async def close(self) -> None:
        """Let threads and files go."""
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
) -> Parts:
    """Build the room. ``Parts.store`` is yet to be opened.

    Args:
        config: With the port that is really listened on, since issuer and addresses may come from it.
        keys: Loaded.
        clock: Seconds since the epoch.
        monotonic: Seconds, for rate limits.
        random_bytes: Where ids, salts and refresh tokens come from.
    """

    def new_id() -> str:
        return str(uuid.UUID(bytes=random_bytes(_UUID_BYTES), version=4))

    store = Store(config.database_path)
    access_tokens = AccessTokens(config, keys, clock=clock)
    mint = RefreshTokenMint(keys.refresh_token_key, random_bytes=random_bytes)
    sessions = Sessions(config, store=store, mint=mint, access_tokens=access_tokens, clock=clock, new_id=new_id)
    passwords = Passwords(config.hashing, random_bytes=random_bytes)
    policy = PasswordPolicy(
        min_length=config.password_min_length, required_characters=config.password_required_characters
    )
    users = Users(
        config, store=store, passwords=passwords, policy=policy, sessions=sessions, clock=clock, new_id=new_id
    )
    vault = Vault(keys.refresh_token_key, random_bytes=random_bytes)
    flows = Flows(config, vault=vault, clock=clock, new_id=new_id)
    limits = Limits.of(config.limits, monotonic=monotonic)
    inbox = Inbox(limit=config.mail.inbox_limit, clock=clock)
    post = Post(
        Composer(config, Templates(config.mail, monotonic=monotonic)),
        inbox if config.mail.smtp is None else SmtpCarrier(config.mail.smtp),
        # Supabase Auth counts no mails where sign-ups are confirmed at once.
        limit=None if config.autoconfirm else limits.email_sent,
    )
    callers = Callers(access_tokens=access_tokens, sessions=sessions)
    nouns: tuple[Endpoints, ...] = (
        DocumentEndpoints(config, keys=keys),
        TokenEndpoints(
            users=users,
            grants={
                GrantType.PASSWORD: PasswordGrant(store=store, users=users, sessions=sessions),
                GrantType.REFRESH_TOKEN: RefreshTokenGrant(sessions=sessions),
                GrantType.PKCE: PkceGrant(store=store, flows=flows, sessions=sessions),
            },
            limits=limits,
        ),
        UserEndpoints(callers=callers, users=users, sessions=sessions),
        InboxEndpoints(inbox if config.mail.smtp is None and is_loopback(config.host) else None),
    )
    app = IdentityApp(config, {path: methods for noun in nouns for path, methods in noun.table().items()})
    return Parts(app=app, store=store, passwords=passwords, users=users, sessions=sessions, post=post, inbox=inbox)
