"""Whose session a verb means, and whether one that is kept would be found again.

Above: ``cli.session``, ``cli.profile``. Below: ``client.profiles``, ``client.settings``. The SDK takes a new name for a
new profile; at a terminal it is more often a slip, so there an unknown name is an error that names the known ones.
"""

from __future__ import annotations

import os
from typing import Final

from cadenza.cli.options import Store
from cadenza.cli.suggest import nearest
from cadenza.client import Profile, Profiles, StoreKind
from cadenza.client.settings import Environment, read_environment
from cadenza.errors import ConfigurationError

__all__ = ["check_store", "current_name", "known_profile", "login_command", "settle_profile"]

#: Names of three letters: two of them changed places are a slip, too.
_NEAR: Final = 0.65
_CURRENT: Final = "current-profile"
_KEPT: Final = frozenset({StoreKind.FILE, StoreKind.KEYRING})


def settle_profile(given: str | None, *, may_be_new: bool = False) -> Profile:
    """Return the profile that is meant: the option, ``CADENZA_PROFILE``, the current one.

    Args:
        given: The option.
        may_be_new: It is going to be signed in with, so it need not exist. A name that is nearly another's is refused
            even so.

    Raises:
        ConfigurationError: There is none of that name; the known ones are named.
    """
    environment = read_environment(os.environ)
    profile = Profiles.of(environment).current(environment, given=given)
    near = _nearest(profile)
    if profile.exists or (may_be_new and not near):
        return profile
    raise _unknown(profile, near, _setting(given, environment))


def known_profile(name: str) -> Profile:
    """Return the profile of that name. Raises ``ConfigurationError``: there is none; the known ones are named."""
    profile = Profiles.of(read_environment(os.environ)).get(name)
    if not profile.exists:
        raise _unknown(profile, _nearest(profile), "profile")
    return profile


def _nearest(profile: Profile) -> list[str]:
    return nearest(profile.name, [one.name for one in Profiles(profile.data_dir).all()], enough=_NEAR)


def _unknown(profile: Profile, near: list[str], setting: str) -> ConfigurationError:
    there_are = f"There are: {', '.join(one.name for one in Profiles(profile.data_dir).all())}."
    if setting == _CURRENT:
        step = f"{there_are} Choose one: cadenza profile use NAME"
    elif near:
        step = f"Did you mean {' or '.join(near)}? {there_are} If it is new: cadenza profile add {profile.name}"
    else:
        step = f"{there_are} A new one is made by cadenza login --profile {profile.name}"
    return ConfigurationError(f"There is no profile {profile.name!r}.", setting=setting, next_step=step)


def login_command(name: str) -> str:
    """Return what to type to sign in with a profile."""
    return "cadenza login" if name == current_name() else f"cadenza login --profile {name}"


def current_name() -> str:
    """Return the profile that is meant where nothing else is said."""
    environment = read_environment(os.environ)
    return Profiles.of(environment).current(environment).name


def check_store(given: Store | None) -> None:
    """Make sure that the next command looks where this sign-in is going to keep its session.

    Raises:
        ConfigurationError: The environment sends it elsewhere, so the session would be lost in silence (G4).
    """
    environment = read_environment(os.environ)
    if environment.session_store is None and environment.session:
        raise ConfigurationError(
            "The environment holds a session, which every command uses in place of one that is kept.",
            setting="CADENZA_SESSION, CADENZA_ACCESS_TOKEN, CADENZA_REFRESH_TOKEN",
            next_step="Unset it to sign in.",
        )
    asked = environment.session_store
    if asked is None or (asked in _KEPT and given in (None, asked.value)):
        return
    lost = f"every command looks in {asked.value}" if given else "a session would be gone when the command ends"
    raise ConfigurationError(
        f"CADENZA_SESSION_STORE is {asked.value}: {lost}.",
        setting="CADENZA_SESSION_STORE",
        next_step=f"Unset it, or set it to {given.value if given else 'file or keyring'}.",
    )


def _setting(given: str | None, environment: Environment) -> str:
    if given is not None:
        return "--profile"
    return _CURRENT if environment.profile is None else "CADENZA_PROFILE"
