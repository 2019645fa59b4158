"""The audit log: who came in, was refused, changed or removed what. Supabase Auth's words and form, and some of ours.

An entry is written in the transaction of what it tells, so that neither is there without the other. Refusals have no
transaction: ``refusals`` writes those. No entry holds a password, a code or a token.

The oldest entries go when there are many, of each cause for itself: what anyone can cause by asking must not push out
who came in, and what users do must not push out what administrators did.

Above: ``sessions`` and the other rules; ``administration`` shows it. Below: ``records``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from cadenza.identity.records import AuditRow, Cause, Records, UserRow
from cadenza.identity.times import instant

#: Entries kept of each cause; the oldest go first. Some 400 bytes each.
MOST_ENTRIES: Final[Mapping[Cause, int]] = {Cause.ANYONE: 50_000, Cause.USER: 100_000, Cause.ADMIN: 50_000}
#: Entries are dropped by so many, so that the cost of it (some 10 ms with a full log) is not felt by each.
_DROPPED_AT_ONCE: Final = 512
#: Whom Supabase Auth names where the actor is no user.
_NOT_A_USER: Final = "00000000-0000-0000-0000-000000000000"


class Action(enum.StrEnum):
    """What happened."""

    LOGIN = "login"
    LOGOUT = "logout"
    INVITE_ACCEPTED = "invite_accepted"
    USER_SIGNED_UP = "user_signedup"
    USER_INVITED = "user_invited"
    USER_DELETED = "user_deleted"
    USER_MODIFIED = "user_modified"
    USER_RECOVERY_REQUESTED = "user_recovery_requested"
    USER_REAUTHENTICATE_REQUESTED = "user_reauthenticate_requested"
    USER_CONFIRMATION_REQUESTED = "user_confirmation_requested"
    USER_REPEATED_SIGN_UP = "user_repeated_signup"
    USER_UPDATED_PASSWORD = "user_updated_password"  # noqa: S105 - the name of an action
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the name of an action
    TOKEN_REFRESHED = "token_refreshed"  # noqa: S105 - the name of an action
    FACTOR_IN_PROGRESS = "factor_in_progress"
    FACTOR_UNENROLLED = "factor_unenrolled"
    CHALLENGE_CREATED = "challenge_created"
    VERIFICATION_ATTEMPTED = "verification_attempted"
    FACTOR_DELETED = "factor_deleted"
    FACTOR_UPDATED = "factor_updated"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    # Ours: what Supabase Auth keeps no record of.
    REQUEST_REFUSED = "request_refused"
    TOKEN_REUSE_DETECTED = "token_reuse_detected"  # noqa: S105 - the name of an action
    LINK_GENERATED = "link_generated"
    USER_EXPORTED = "user_exported"
    ADMIN_TOKEN_ISSUED = "admin_token_issued"  # noqa: S105 - the name of an action
    SIGNING_KEY_ADDED = "signing_key_added"
    SIGNING_KEY_REVOKED = "signing_key_revoked"
    OAUTH_CLIENT_CREATED = "oauth_client_created"
    OAUTH_CLIENT_UPDATED = "oauth_client_updated"
    OAUTH_CLIENT_DELETED = "oauth_client_deleted"


_A: Final = Action
_LOG_TYPES: Final[Mapping[Action, str]] = {
    **dict.fromkeys((_A.LOGIN, _A.LOGOUT, _A.INVITE_ACCEPTED, _A.REQUEST_REFUSED), "account"),
    **dict.fromkeys((_A.USER_SIGNED_UP, _A.USER_INVITED, _A.USER_DELETED), "team"),
    **dict.fromkeys((_A.OAUTH_CLIENT_CREATED, _A.OAUTH_CLIENT_UPDATED, _A.OAUTH_CLIENT_DELETED), "team"),
    **dict.fromkeys((_A.TOKEN_REVOKED, _A.TOKEN_REFRESHED, _A.TOKEN_REUSE_DETECTED), "token"),
    **dict.fromkeys((_A.ADMIN_TOKEN_ISSUED, _A.SIGNING_KEY_ADDED, _A.SIGNING_KEY_REVOKED), "token"),
    **dict.fromkeys((_A.FACTOR_IN_PROGRESS, _A.FACTOR_UNENROLLED, _A.CHALLENGE_CREATED), "factor"),
    **dict.fromkeys((_A.VERIFICATION_ATTEMPTED, _A.FACTOR_DELETED, _A.FACTOR_UPDATED), "factor"),
}
#: What whoever finds the provider can cause as often as its limits let them.
_BY_ANYONE: Final = frozenset(
    {
        Action.REQUEST_REFUSED,
        Action.USER_CONFIRMATION_REQUESTED,
        Action.USER_RECOVERY_REQUESTED,
        Action.USER_REPEATED_SIGN_UP,
        Action.USER_SIGNED_UP,
    }
)


class Admin(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who acts by a role, not as a user of their own. ``user_id`` where the bearer named one."""

    role: str
    user_id: str = _NOT_A_USER


class _Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    action: str
    actor_id: str
    actor_name: str | None = None
    actor_username: str
    actor_via_sso: bool
    log_type: str
    traits: Mapping[str, object] = {}


class Audit:
    """Writes entries.

    Args:
        clock: Seconds since the epoch.
        new_id: Makes ids.
        most_entries: Kept of each cause; the oldest go first.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        most_entries: Mapping[Cause, int] = MOST_ENTRIES,
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._most_entries = most_entries

    def note(
        self,
        records: Records,
        action: Action,
        *,
        actor: UserRow | Admin | None,
        user_id: str | None = None,
        address: str = "",
        traits: Mapping[str, object] | None = None,
        by_anyone: bool = False,
    ) -> None:
        """Write an entry. Runs inside the transaction of what it tells.

        Args:
            records: The transaction's.
            action: What happened.
            actor: Who did it; ``None``: nobody knows.
            user_id: Whom it concerns; the actor where not given.
            address: Where it came from, for what Supabase Auth notes it with, and for refusals.
            traits: More about it. Never a secret.
            by_anyone: Whoever finds the provider can cause it, though not by its action.
        """
        actor_id = _actor_id(actor)
        payload = _Payload(
            action=action.value,
            actor_id=actor_id,
            actor_name=_full_name(actor),
            actor_username=_username(actor),
            actor_via_sso=False,
            log_type=_LOG_TYPES.get(action, "user"),
            traits=traits or {},
        )
        written = records.audit.add(
            AuditRow(
                id=self._new_id(),
                action=action.value,
                actor_id=actor_id,
                user_id=user_id or (actor.id if isinstance(actor, UserRow) else None),
                address=address,
                cause=(Cause.ANYONE if by_anyone else _cause(action, actor)).value,
                payload=msgspec.json.encode(payload).decode(),
                created_at=instant(self._clock()),
            )
        )
        if written % _DROPPED_AT_ONCE == 0:
            for cause, most in self._most_entries.items():
                records.audit.forget(cause, but=most)


def of_user(user: UserRow) -> dict[str, object]:
    """The traits by which Supabase Auth's entries tell whom an admin did something to."""
    return {"user_id": user.id, "user_email": user.email or "", "user_phone": user.phone or ""}


#: Traits that tell what happened and nothing of the person it happened to.
_IMPERSONAL: Final = frozenset(
    {
        "challenge_id",
        "channel",
        "endpoint",
        "error_code",
        "factor_id",
        "factor_status",
        "factor_type",
        "grant_type",
        "identity_id",
        "link_type",
        "provider",
        "scope",
        "session_id",
        "user_id",
    }
)


def without_person(entry: AuditRow) -> AuditRow:
    """An entry about somebody, once no more than their id may tell whom it was about."""
    payload = msgspec.json.decode(entry.payload, type=_Payload)
    by_themselves = entry.actor_id == entry.user_id
    kept = msgspec.structs.replace(
        payload,
        actor_name=None,
        actor_username="" if by_themselves else payload.actor_username,
        traits={name: value for name, value in payload.traits.items() if name in _IMPERSONAL},
    )
    return msgspec.structs.replace(entry, address="", payload=msgspec.json.encode(kept).decode())


def _cause(action: Action, actor: UserRow | Admin | None) -> Cause:
    if isinstance(actor, Admin):
        return Cause.ADMIN
    # Whoever asks for an anonymous user gets one: what it does, anyone can.
    return Cause.ANYONE if actor is None or actor.is_anonymous or action in _BY_ANYONE else Cause.USER


def _actor_id(actor: UserRow | Admin | None) -> str:
    if actor is None:
        return _NOT_A_USER
    return actor.id if isinstance(actor, UserRow) else actor.user_id


def _username(actor: UserRow | Admin | None) -> str:
    if isinstance(actor, UserRow):
        return actor.phone or actor.email or ""
    return "" if actor is None else actor.role


def _full_name(actor: UserRow | Admin | None) -> str | None:
    if not isinstance(actor, UserRow) or '"full_name"' not in actor.user_metadata:  # decoded only if it may be there
        return None
    name = msgspec.json.decode(actor.user_metadata, type=dict[str, object]).get("full_name")
    return name if isinstance(name, str) else None
