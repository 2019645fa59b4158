"""A copy of all the provider keeps of a user, as the SDK shows one.

Above: ``own_data``, ``provider``. Below: ``users``, ``protocol.auth``.
"""

from __future__ import annotations

import msgspec

from cadenza.client.auth.users import UserRecord, record_of
from cadenza.protocol.auth import own_data as wire
from cadenza.protocol.auth.messages import Discreet


class SignInRecord(Discreet, frozen=True, kw_only=True):
    """One sign-in that is still good.

    Attributes:
        id: The session's.
        level: ``aal1``, or ``aal2`` with a second factor.
        methods: How the user proved who they are: ``password``, ``otp``, ``totp`` ...
        device: What it said it is (``User-Agent``).
        address: Where it was used last.
        created_at: RFC 3339 text.
        refreshed_at: RFC 3339 text; empty until the first refresh.
    """

    id: str
    level: str
    methods: tuple[str, ...] = ()
    device: str = ""
    address: str = ""
    created_at: str = ""
    refreshed_at: str = ""


class AccountExport(Discreet, frozen=True, kw_only=True):
    """A copy of all that the provider keeps of the user.

    Attributes:
        exported_at: RFC 3339 text.
        record: The user, ways in, second factors.
        has_password: Whether one can sign in with a password.
        sessions: Sign-ins that are still good.
        document: All of it, the audit log too, as the provider wrote it: JSON.
    """

    exported_at: str
    record: UserRecord
    has_password: bool
    sessions: tuple[SignInRecord, ...] = ()
    document: bytes


class DeletedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Who is gone. ``deleted_at`` is RFC 3339 text."""

    user_id: str
    deleted_at: str


def export_of(copy: wire.AccountExport, document: bytes) -> AccountExport:
    """The provider's copy as the SDK shows it."""
    return AccountExport(
        exported_at=copy.exported_at,
        record=record_of(copy.user),
        has_password=copy.has_password,
        sessions=tuple(_sign_in(session) for session in copy.sessions),
        document=document,
    )


def _sign_in(session: wire.ExportedSession) -> SignInRecord:
    return SignInRecord(
        id=session.id,
        level=session.aal,
        methods=tuple(proof.method for proof in session.amr),
        device=session.user_agent or "",
        address=session.ip_address or "",
        created_at=session.created_at,
        refreshed_at=session.refreshed_at or "",
    )
