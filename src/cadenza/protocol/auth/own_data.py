"""What a user may take along, and how they go: the embedded provider's own endpoints, which Supabase Auth has not.

Above: ``requests`` and ``responses``, ``cadenza.identity``. Below: ``admin``, ``messages``.
"""

from __future__ import annotations

import msgspec

from cadenza.protocol.auth.admin import AuditEntry
from cadenza.protocol.auth.messages import Discreet, User


class DeleteAccountBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``DELETE /user``. ``nonce``: the code of ``GET /reauthenticate``, where the sign-in is not recent."""

    nonce: str | None = None


class DeletedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Its answer: who is gone."""

    id: str
    deleted_at: str


class ProofOfIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody proved who they are, and when (seconds since the epoch)."""

    method: str
    timestamp: int


class ExportedSession(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """One sign-in, without what would let anybody use it. ``ip_address`` and ``user_agent`` are of its last use."""

    id: str
    aal: str
    amr: tuple[ProofOfIdentity, ...]
    factor_id: str | None = None
    user_agent: str | None = None
    ip_address: str | None = None
    created_at: str
    refreshed_at: str | None = None


class ExportedCode(Discreet, frozen=True, kw_only=True):
    """A code or link that was sent and is not used yet, without it."""

    kind: str
    sent_to: str
    created_at: str


class ExportedFlow(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """A sign-in that went through a browser and is not finished."""

    provider: str
    method: str
    redirect_to: str = ""
    created_at: str


class ExportedChallenge(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """A question put to a second factor. ``ip_address`` is whoever asked for it."""

    factor_id: str
    ip_address: str
    created_at: str
    verified_at: str | None = None


class AccountExport(Discreet, frozen=True, kw_only=True):
    """``GET /user/export``, ``GET /admin/users/{id}/export``: all that is kept of a user, without secrets.

    Ways in and second factors stand in ``user``. ``audit_log`` is oldest first.
    """

    exported_at: str
    user: User
    has_password: bool
    sessions: tuple[ExportedSession, ...] = ()
    codes: tuple[ExportedCode, ...] = ()
    flows: tuple[ExportedFlow, ...] = ()
    challenges: tuple[ExportedChallenge, ...] = ()
    audit_log: tuple[AuditEntry, ...] = ()
