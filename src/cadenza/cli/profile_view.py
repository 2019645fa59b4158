"""What there is to see of a profile, in a table, in pairs, in JSON.

Above: ``cli.profile``. Below: ``client.profiles``, ``client.auth.place``. No token is shown, nothing is asked of a
network.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from cadenza.cli.colours import Style
from cadenza.cli.errors import next_step
from cadenza.cli.moments import distance, local_time
from cadenza.cli.output import json_text, note, say, show_pairs, show_table
from cadenza.cli.session import known_addresses, place
from cadenza.cli.whose import current_name, known_profile
from cadenza.client import Addresses, Profile, Profiles, Session, SessionStore
from cadenza.client.auth.place import kept_store
from cadenza.client.settings import Environment, StoreKind, read_environment, resolve_addresses
from cadenza.errors import ConfigurationError, SessionStoreError

__all__ = ["Standing", "look", "show_all", "show_one", "who"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands in a store. Holds a session: no text of it shows one.

    Attributes:
        session: The session, if there is one.
        problem: Why the store could not be read; empty if it could.
    """

    session: Session | None = None
    problem: str = ""


async def look(store: SessionStore) -> Standing:
    """See what stands in a store. A damaged session is set aside by that, as ``problem`` then says."""
    try:
        stored = await store.load()
    except SessionStoreError as error:
        return Standing(problem=f"{error.message} {next_step(error)}")
    return Standing(session=None if stored is None else stored.session)


def who(session: Session) -> str:
    """Whose session it is, for a person."""
    if session.email:
        return session.email
    return "without a name" if session.access_token and session.is_anonymous else session.user_id or "somebody"


async def show_all(*, as_json: bool) -> None:
    """List them."""
    environment, current = read_environment(os.environ), current_name()
    rows = []
    for profile in Profiles.of(environment).all():
        row = await _row(profile, current=profile.name == current)
        if row.standing.problem:
            note(f"cadenza: {profile.name}: {row.standing.problem}", Style.WARNING)
        rows.append(row)
    if as_json:
        say(json_text({"profiles": [row.described() for row in rows]}))
        return
    show_table(
        ("", "PROFILE", "SIGNED IN", "STORE", "GATEWAY"),
        [row.cells() for row in rows],
        styles={"PROFILE": Style.TYPED},
    )
    if environment.session or environment.session_store is not None:
        note(
            "cadenza: In this shell the environment says where the session is: see cadenza profile show.", Style.WARNING
        )


async def _row(profile: Profile, *, current: bool) -> _Row:
    try:
        record = profile.read()
    except ConfigurationError as error:
        problem = Standing(problem=f"{error.message} {error.next_step}")
        return _Row(name=profile.name, kind=None, standing=problem, addresses=None, current=current)
    kind = record.store or StoreKind.FILE
    # Its own, whatever this shell's environment says: that goes before all of them alike.
    addresses = resolve_addresses(ws_url=None, supabase_url=None, environment=Environment(), stored=record.addresses)
    standing = await look(kept_store(profile, kind))
    return _Row(name=profile.name, kind=kind, standing=standing, addresses=addresses, current=current)


@dataclass(frozen=True, kw_only=True)
class _Row:
    name: str
    kind: StoreKind | None
    standing: Standing
    addresses: Addresses | None
    current: bool

    def cells(self) -> tuple[str, ...]:
        session = self.standing.session
        signed_in = "?" if self.standing.problem else "-" if session is None else who(session)
        store = "?" if self.kind is None else self.kind.value
        gateway = "?" if self.addresses is None else self.addresses.ws_url
        return ("*" if self.current else "", self.name, signed_in, store, gateway)

    def described(self) -> dict[str, object]:
        return {
            "name": self.name,
            "current": self.current,
            "signedIn": _described(self.standing),
            "store": self.kind,
            "wsUrl": None if self.addresses is None else self.addresses.ws_url,
            "supabaseUrl": None if self.addresses is None else self.addresses.supabase_url,
        }


async def show_one(name: str | None, *, as_json: bool) -> None:
    """Show one: what a command with it would use. Raises ``ConfigurationError``: there is none of that name."""
    current = current_name()
    profile = known_profile(current if name is None else name)
    where = place(profile.name)
    addresses = known_addresses(profile.name)
    standing = await look(where.store)
    has_key = bool(where.anon_key(addresses.supabase_url))
    if as_json:
        say(
            json_text(
                {
                    "name": profile.name,
                    "current": profile.name == current,
                    "signedIn": _described(standing),
                    "store": where.kind,
                    "storeReason": where.why,
                    "sessionStore": where.store.location,
                    "wsUrl": addresses.ws_url,
                    "supabaseUrl": addresses.supabase_url,
                    "hasPublishableKey": has_key,
                }
            )
        )
    else:
        shown = {
            "Profile": profile.name + (", the current one" if profile.name == current else ""),
            "Signed in": _in_words(standing),
            "Gateway": addresses.ws_url,
            "Provider": addresses.supabase_url or "through the gateway",
            "Publishable key": "remembered" if has_key else "",
            "Session in": f"{where.store.location} ({where.why})",
        }
        show_pairs({label: value for label, value in shown.items() if value}, strong=("Profile",))
    if standing.problem:
        note(f"cadenza: {standing.problem}", Style.WARNING)


def _in_words(standing: Standing) -> str:
    if standing.problem:
        return "it cannot be read"
    session = standing.session
    if session is None:
        return "nobody"
    level = ", with a second factor" if session.access_token and session.level != "aal1" else ""
    if not session.expires_at:
        return f"{who(session)}{level}"
    left = session.expires_at - time.time()
    ends = f"token ends {local_time(session.expires_at)}, {distance(left)}" if left > 0 else "token to be refreshed"
    return f"{who(session)}{level}; {ends}"


def _described(standing: Standing) -> dict[str, object] | None:
    if standing.problem:
        return {"problem": standing.problem}
    session = standing.session
    if session is None:
        return None
    return {
        "email": session.email or None,
        "userId": session.user_id or None,
        "level": session.level if session.access_token else None,
        "expiresAt": local_time(session.expires_at) if session.expires_at else None,
    }
