"""Puts the rules over users together: signing up, links and codes, invitations, changes, and the mails they send.

Above: ``parts``. Below: those rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cadenza.identity.accounts import Accounts
from cadenza.identity.audit import Audit
from cadenza.identity.changes import Changes
from cadenza.identity.code_mails import CodeMails
from cadenza.identity.config import IdentityConfig
from cadenza.identity.confirmations import Confirmations
from cadenza.identity.evenly import Evenly
from cadenza.identity.flows import Flows
from cadenza.identity.intervals import Intervals
from cadenza.identity.invitations import Invitations
from cadenza.identity.limits import Limits
from cadenza.identity.links import Links
from cadenza.identity.mails import Inbox, Post
from cadenza.identity.mails.composing import Composer
from cadenza.identity.mails.smtp import SmtpCarrier
from cadenza.identity.mails.templates import Templates
from cadenza.identity.one_time_codes import OneTimeCodes
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.phones import Phones
from cadenza.identity.reauthentication import Reauthentication
from cadenza.identity.sealing import Vault
from cadenza.identity.sessions import Sessions
from cadenza.identity.sign_up import SignUp
from cadenza.identity.store import Store
from cadenza.identity.users import Users


@dataclass(frozen=True, kw_only=True)
class Means:
    """What the rules are put together from."""

    config: IdentityConfig
    store: Store
    sessions: Sessions
    flows: Flows
    passwords: Passwords
    policy: PasswordPolicy
    vault: Vault
    audit: Audit
    limits: Limits
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    new_id: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class UserParts:
    """The rules over users."""

    accounts: Accounts
    users: Users
    phones: Phones
    code_mails: CodeMails
    codes: OneTimeCodes
    sign_up: SignUp
    links: Links
    invitations: Invitations
    reauthentication: Reauthentication
    confirmations: Confirmations
    changes: Changes
    post: Post
    inbox: Inbox


def assemble_users(means: Means) -> UserParts:
    """Build them, in the order in which they know each other."""
    config, store, clock, audit = means.config, means.store, means.clock, means.audit
    accounts = Accounts(config, clock=clock, new_id=means.new_id)
    inbox = Inbox(limit=config.mail.inbox_limit, clock=clock)
    composer = Composer(config, Templates(config.mail, monotonic=means.monotonic))
    post = Post(
        composer,
        inbox if config.mail.smtp is None else SmtpCarrier(config.mail.smtp),
        # Supabase Auth counts no mails where sign-ups are confirmed at once.
        limit=None if config.autoconfirm else means.limits.email_sent,
    )
    codes = OneTimeCodes(
        config.mail, vault=means.vault, clock=clock, new_id=means.new_id, random_bytes=means.random_bytes
    )
    intervals = Intervals(config.mail.interval_seconds, clock=clock)
    code_mails = CodeMails(
        config,
        store=store,
        codes=codes,
        flows=means.flows,
        post=post,
        intervals=intervals,
        evenly=Evenly(config.mail.answer_step_seconds, monotonic=means.monotonic, random_bytes=means.random_bytes),
        clock=clock,
    )
    phones = Phones(config, codes=codes, intervals=intervals, clock=clock)
    confirmations = Confirmations(
        config,
        codes=codes,
        flows=means.flows,
        accounts=accounts,
        sessions=means.sessions,
        audit=audit,
        clock=clock,
    )
    sign_up = SignUp(
        config,
        store=store,
        accounts=accounts,
        mails=code_mails,
        phones=phones,
        passwords=means.passwords,
        policy=means.policy,
        sessions=means.sessions,
        audit=audit,
        clock=clock,
        new_id=means.new_id,
    )
    reauthentication = Reauthentication(
        store=store, mails=code_mails, phones=phones, codes=codes, limits=means.limits, audit=audit
    )
    return UserParts(
        accounts=accounts,
        users=Users(store=store, accounts=accounts, passwords=means.passwords, policy=means.policy, clock=clock),
        phones=phones,
        code_mails=code_mails,
        codes=codes,
        sign_up=sign_up,
        links=Links(
            config,
            store=store,
            accounts=accounts,
            sign_up=sign_up,
            mails=code_mails,
            phones=phones,
            audit=audit,
            clock=clock,
        ),
        invitations=Invitations(
            config,
            store=store,
            accounts=accounts,
            mails=code_mails,
            composer=composer,
            passwords=means.passwords,
            policy=means.policy,
            audit=audit,
        ),
        reauthentication=reauthentication,
        confirmations=confirmations,
        changes=Changes(
            config,
            store=store,
            confirmations=confirmations,
            mails=code_mails,
            phones=phones,
            reauthentication=reauthentication,
            passwords=means.passwords,
            policy=means.policy,
            audit=audit,
            clock=clock,
        ),
        post=post,
        inbox=inbox,
    )
