"""Profiles: several sessions on one machine, each with its own addresses and its own place to keep it.

Above: ``auth.place``, ``cli``. Below: ``settings``, the file system. In the data folder::

    session.json  profile.json      the profile "default"
    profiles/uat/session.json       any other
    profiles/uat/profile.json
    current-profile                 which one is meant when nobody says; absent: "default"

``profile.json`` holds no secret: the kind of store that was chosen for it, the addresses, the project's publishable
key.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Final

import msgspec

from cadenza.client.settings import Addresses, Environment, StoreKind, default_data_dir
from cadenza.errors import ConfigurationError

DEFAULT_PROFILE: Final = "default"
SESSION_FILE: Final = "session.json"
PROFILE_VERSION: Final = 1
_PROFILE_FILE: Final = "profile.json"
_FOLDER: Final = "profiles"
_CURRENT_FILE: Final = "current-profile"
_LARGEST_BYTES: Final = 64 * 1024
_CHECK: Final = "Check the folder's owner and permissions, or choose another with CADENZA_DATA_DIR."
#: A folder's name with no way out of its parent; lower case, as some file systems do not tell the cases apart.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class ProfileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a profile between sign-ins.

    Attributes:
        version: Layout of this record.
        store: Where its session is kept; None until somebody chose.
        ws_url: The gateway: of its last session, unless it was set since.
        supabase_url: The provider, likewise; None when it is reached through the gateway alone.
        anon_key: The project's publishable key, if one was used.
    """

    version: int = PROFILE_VERSION
    store: StoreKind | None = None
    ws_url: str | None = None
    supabase_url: str | None = None
    anon_key: str | None = None

    @property
    def addresses(self) -> Addresses | None:
        """Where it connects, if that is known."""
        return None if self.ws_url is None else Addresses(ws_url=self.ws_url, supabase_url=self.supabase_url)


class Profile:
    """One profile of a data folder.

    Args:
        data_dir: The data folder.
        name: The profile.

    Raises:
        ConfigurationError: That is no name for a profile.
    """

    def __init__(self, data_dir: Path, name: str) -> None:
        self.name = checked_name(name)
        self.data_dir = data_dir
        self.folder = data_dir if name == DEFAULT_PROFILE else data_dir / _FOLDER / name

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, in {str(self.data_dir)!r})"

    @property
    def session_file(self) -> Path:
        """Where the file store keeps its session."""
        return self.folder / SESSION_FILE

    @property
    def keyring_account(self) -> str:
        """The name of its entry in the system's keyring, told apart from another data folder's."""
        return f"{self.name} in {self.data_dir}"

    @property
    def exists(self) -> bool:
        """Whether somebody has signed in with it. The default one always exists."""
        return self.name == DEFAULT_PROFILE or self._file.exists()

    def read(self) -> ProfileRecord:
        """What is remembered; nothing, if there is no file.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        try:
            with self._file.open("rb") as file:
                record = msgspec.json.decode(file.read(_LARGEST_BYTES), type=ProfileRecord)
        except FileNotFoundError:
            return ProfileRecord()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._unusable(f"cannot be read ({type(error).__name__})", "Repair or remove it.") from None
        if record.version > PROFILE_VERSION:
            raise self._unusable("was written by a newer Cadenza", "Upgrade, or use another data folder.")
        return record

    def write(self, record: ProfileRecord) -> None:
        """Remember. Raises ``ConfigurationError`` if the folder cannot be written."""
        if record == self.read():
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(self._file, msgspec.json.format(msgspec.json.encode(record)))
        except OSError as error:
            raise self._unusable(f"cannot be written ({error.strerror or error})", _CHECK) from error

    def remove_files(self) -> None:
        """Delete what the profile has in the data folder. Raises ``ConfigurationError``."""
        try:
            if self.name == DEFAULT_PROFILE:
                self._file.unlink(missing_ok=True)
                self.session_file.unlink(missing_ok=True)
            elif self.folder.exists():
                shutil.rmtree(self.folder)
        except OSError as error:
            raise self._unusable(f"cannot be removed ({error.strerror or error})", _CHECK) from error

    @property
    def _file(self) -> Path:
        return self.folder / _PROFILE_FILE

    def _unusable(self, what: str, next_step: str) -> ConfigurationError:
        return ConfigurationError(f"The profile's file {self._file} {what}.", setting="profile", next_step=next_step)


class Profiles:
    """All profiles of a data folder.

    Args:
        data_dir: The data folder; it need not exist.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    @classmethod
    def of(cls, environment: Environment) -> Profiles:
        """Those of the environment's data folder."""
        return cls(default_data_dir(environment))

    def get(self, name: str) -> Profile:
        """A profile, whether or not anybody has signed in with it. Raises ``ConfigurationError`` for a bad name."""
        return Profile(self._data_dir, name)

    def all(self) -> tuple[Profile, ...]:
        """Every profile that somebody has signed in with, and the default one first."""
        try:
            found = sorted(path.name for path in (self._data_dir / _FOLDER).iterdir() if _NAME.fullmatch(path.name))
        except (FileNotFoundError, NotADirectoryError):
            found = []
        named = (self.get(name) for name in found if name != DEFAULT_PROFILE)
        return (self.get(DEFAULT_PROFILE), *(profile for profile in named if profile.exists))

    def current(self, environment: Environment, *, given: str | None = None) -> Profile:
        """The one that is meant: ``given``, else ``CADENZA_PROFILE``, else what ``use`` set, else "default".

        Raises:
            ConfigurationError: That is no name for a profile; ``setting`` says where it stands.
        """
        if given is not None:
            return self.get(given)
        if environment.profile is not None:
            checked_name(environment.profile, setting="CADENZA_PROFILE")
            return self.get(environment.profile)
        return self.get(self._set_as_current() or DEFAULT_PROFILE)

    def use(self, name: str) -> None:
        """Make a profile the one that is meant when nobody says. Raises ``ConfigurationError``: there is none of it."""
        profile = self.get(name)
        if not profile.exists:
            known = ", ".join(other.name for other in self.all())
            raise ConfigurationError(
                f"There is no profile {name!r}.",
                setting="profile",
                next_step=f"Sign in with it first, or use one of: {known}.",
            )
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(self._data_dir / _CURRENT_FILE, f"{name}\n".encode())
        except OSError as error:
            raise ConfigurationError(
                f"The profile cannot be set in {self._data_dir}: {error.strerror or error}.",
                setting="profile",
                next_step=_CHECK,
            ) from error

    def forget(self, profile: Profile) -> None:
        """Delete a profile's files; if it was the one that is meant, "default" is again."""
        profile.remove_files()
        if self._set_as_current() == profile.name:
            (self._data_dir / _CURRENT_FILE).unlink(missing_ok=True)

    def _set_as_current(self) -> str | None:
        try:
            with (self._data_dir / _CURRENT_FILE).open("rb") as file:
                name = file.read(_LARGEST_BYTES).decode("ascii", "replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return checked_name(name, setting=_CURRENT_FILE)


def checked_name(name: str, *, setting: str = "profile") -> str:
    """Return a profile's name, or raise ``ConfigurationError``: it becomes part of a path."""
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name[:40]!r} is no name for a profile.",
            setting=setting,
            next_step="Use up to 32 lower-case letters, digits, - and _, beginning with a letter or digit.",
        )
    return name


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
