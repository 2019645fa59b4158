"""Makes, changes, chooses and removes profiles; where a session stands that would be lost, it asks.

Above: ``cli.profile``. Below: ``cli.profile_view``, ``client.profiles``, ``client.auth.place``.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final

from cadenza.cli.colours import Style
from cadenza.cli.options import Store
from cadenza.cli.output import json_text, note, say
from cadenza.cli.profile_view import look, show_one, who
from cadenza.cli.prompts import Asker, confirm
from cadenza.cli.whose import current_name, known_profile, login_command
from cadenza.client import Profile, ProfileRecord, Profiles, SessionStore, StoreKind
from cadenza.client.auth.place import kept_store, remove_profile
from cadenza.client.auth.stores import probe
from cadenza.client.profiles import DEFAULT_PROFILE
from cadenza.client.settings import Environment, is_loopback, read_environment, resolve_addresses
from cadenza.errors import ConfigurationError, SessionStoreError, TokenFormatError
from cadenza.tokens.claims import decode_claims
from cadenza.tokens.compact import split

__all__ = ["Wish", "add_profile", "change_profile", "make_current", "publishable_key", "remove_it"]

#: How the secret keys of a Supabase project begin.
_SECRET: Final = "sb_secret_"  # noqa: S105  # no secret, only how one begins
_SERVICE: Final = "service_role"
_LONGEST_KEY: Final = 8192


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be remembered of a profile; None leaves it as it is.

    Attributes:
        ws_url: The gateway.
        supabase_url: The identity provider.
        store: Where its session shall be kept.
        key: The project's publishable key.
    """

    ws_url: str | None = None
    supabase_url: str | None = None
    store: Store | None = None
    key: str | None = None


def publishable_key(*, from_stdin: bool) -> str | None:
    """Read the project's publishable key from stdin, or from the environment if it has one.

    Raises:
        ConfigurationError: It is none, or one that must stay on a server.
    """
    environment = read_environment(os.environ)
    setting = "--publishable-key-stdin" if from_stdin else "SUPABASE_PUBLISHABLE_KEY"
    key = sys.stdin.readline(_LONGEST_KEY).strip() if from_stdin else environment.anon_key
    if key is None:
        return None
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("That is no publishable key.", setting=setting, next_step="Give it on one line.")
    if _is_secret(key):
        raise ConfigurationError(
            "That key is the project's secret one: whoever has it may do everything.",
            setting=setting,
            next_step="Use the publishable (anon) key.",
        )
    return key


def _is_secret(key: str) -> bool:
    if key.startswith(_SECRET):
        return True
    try:
        return decode_claims(split(key).payload).role == _SERVICE
    except TokenFormatError:
        return False


def make_current(name: str, *, as_json: bool) -> None:
    """Make it the one that is meant where nothing else is said. Raises ``ConfigurationError``: there is none."""
    environment = read_environment(os.environ)
    profile = known_profile(name)
    Profiles.of(environment).use(profile.name)
    if as_json:
        say(json_text({"current": current_name()}))
    else:
        say(f"{profile.name} is the current profile now.")
    if environment.profile not in (None, profile.name):
        note(f"cadenza: In this shell CADENZA_PROFILE={environment.profile} goes before it; unset it.", Style.WARNING)


async def add_profile(name: str, wish: Wish, *, as_json: bool) -> None:
    """Make one.

    Raises:
        ConfigurationError: There is one of that name, or an address cannot be used.
        SessionStoreError: No session could be kept in the store that is wished for.
    """
    environment = read_environment(os.environ)
    profile = Profiles.of(environment).get(name)
    if profile.exists:
        raise ConfigurationError(
            f"There is a profile {name!r} already.",
            setting="profile",
            next_step=f"See it with cadenza profile show {name}, change it with cadenza profile set {name}.",
        )
    record = _changed(ProfileRecord(), wish, environment)
    await _try_out(profile, wish)
    profile.write(record)
    await show_one(name, as_json=as_json)
    if not as_json:
        note(f"cadenza: Sign in with it: {login_command(name)}")


async def change_profile(name: str, wish: Wish, *, yes: bool, as_json: bool) -> None:
    """Change one; what is not wished for stays.

    Raises:
        ConfigurationError: There is none, nothing would change, an address cannot be used, or a session stands there
            and nobody can be asked.
        SessionStoreError: No session could be kept in the new store.
    """
    profile = known_profile(name)
    before = profile.read()
    after = _changed(before, wish, Environment())
    if after == before:
        raise ConfigurationError(
            f"Nothing of {name} would change.", setting="profile", next_step="See: cadenza profile set --help"
        )
    await _try_out(profile, wish)
    if (after.addresses, after.store) != (before.addresses, before.store):
        store = kept_store(profile, before.store or StoreKind.FILE)
        if not yes:
            await _ask_to_forget(profile, store)
        try:
            await store.clear()
        except SessionStoreError as error:
            _left_there(error)
    profile.write(after)
    await show_one(name, as_json=as_json)


async def remove_it(name: str, *, yes: bool, as_json: bool) -> None:
    """Forget one.

    Raises:
        ConfigurationError: There is none, or a session stands there and nobody can be asked.
    """
    profile = known_profile(name)
    was_current = current_name() == profile.name
    profiles = Profiles.of(read_environment(os.environ))
    if yes:
        await _remove_whatever_it_is(profiles, profile)
    else:
        await _ask_to_forget(profile, kept_store(profile, _record_to_remove(profile).store or StoreKind.FILE))
        await remove_profile(profiles, profile.name)
    if as_json:
        say(json_text({"removed": profile.name}))
        return
    say(f"{profile.name} is forgotten.")
    if was_current and profile.name != DEFAULT_PROFILE:
        note(f"cadenza: {DEFAULT_PROFILE} is the current profile now.")


def _record_to_remove(profile: Profile) -> ProfileRecord:
    try:
        return profile.read()
    except ConfigurationError as error:
        raise ConfigurationError(
            error.message,
            setting="profile",
            next_step=f"Repair it, or be rid of all that is left: cadenza profile remove {profile.name} --yes",
        ) from None


async def _remove_whatever_it_is(profiles: Profiles, profile: Profile) -> None:
    """Remove it even if its file is damaged or its keyring is not here: there would be no other way to be rid of it."""
    try:
        await remove_profile(profiles, profile.name)
    except ConfigurationError as error:
        note(f"cadenza: {error.message}", Style.WARNING)
        profiles.forget(profile)
    except SessionStoreError as error:
        _left_there(error)
        profiles.forget(profile)


async def _try_out(profile: Profile, wish: Wish) -> None:
    if wish.store is not None:
        await probe(kept_store(profile, StoreKind(wish.store.value)))


def _changed(before: ProfileRecord, wish: Wish, environment: Environment) -> ProfileRecord:
    """The record as it is wished for, its addresses checked."""
    if wish.supabase_url and not (wish.ws_url or before.ws_url or environment.ws_url or is_loopback(wish.supabase_url)):
        raise ConfigurationError(
            "The gateway's address is missing.",
            setting="--ws-url",
            next_step="Give it too: --ws-url wss://.../connection/websocket",
        )
    addresses = resolve_addresses(
        ws_url=wish.ws_url or before.ws_url,
        supabase_url=wish.supabase_url or before.supabase_url,
        environment=environment,
        stored=None,
    )
    same_project = addresses.supabase_url == before.supabase_url
    return ProfileRecord(
        store=before.store if wish.store is None else StoreKind(wish.store.value),
        ws_url=addresses.ws_url,
        supabase_url=addresses.supabase_url,
        anon_key=wish.key or (before.anon_key if same_project else None),
    )


async def _ask_to_forget(profile: Profile, store: SessionStore) -> None:
    """Ask whether a session that stands there may be forgotten; nobody is asked where none does.

    Raises:
        ConfigurationError: There is one, and nobody can be asked.
        typer.Abort: It shall stay.
    """
    standing = await look(store)
    if standing.session is None and not standing.problem:
        return
    what = (
        standing.problem
        if standing.session is None
        else f"{who(standing.session)} is signed in with the profile {profile.name}."
    )
    sign_out = f"cadenza logout --profile {profile.name}"
    asker = Asker()
    if not asker.is_person:
        raise ConfigurationError(
            what,
            setting="profile",
            next_step=f"Sign out first ({sign_out}), or give --yes to forget the session here alone.",
        )
    note(f"{what} At the provider the session goes on, unless you end it first: {sign_out}")
    await confirm("Forget it here?", asker)


def _left_there(error: SessionStoreError) -> None:
    note(f"cadenza: What may stand in {error.location} stays there.", Style.WARNING)
