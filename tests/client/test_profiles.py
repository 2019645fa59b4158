"""Profiles: several sessions in one data folder, none of them in another's way, and no path out of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cadenza.client.profiles import Profile, ProfileRecord, Profiles
from cadenza.client.settings import Environment, StoreKind
from cadenza.errors import ConfigurationError

RECORD = ProfileRecord(
    store=StoreKind.FILE, ws_url="wss://uat.example/ws", supabase_url="https://uat.example", anon_key="anon"
)


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    return Profiles(tmp_path / "data")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "-x", "_x", "UAT", "a b", "a\n", "a\0b", "ä", "x" * 33, "a.json"],
)
def test_a_name_that_could_leave_the_folder_is_refused(profiles: Profiles, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a profile"):
        profiles.get(name)
    with pytest.raises(ConfigurationError) as caught:
        profiles.current(Environment(profile=name))
    assert caught.value.setting == "CADENZA_PROFILE"


def test_the_default_profile_stands_where_the_session_always_was(profiles: Profiles, tmp_path: Path) -> None:
    assert profiles.get("default").session_file == tmp_path / "data" / "session.json"
    assert profiles.get("uat").session_file == tmp_path / "data" / "profiles" / "uat" / "session.json"


def test_each_profile_has_its_own_entry_in_the_keyring(tmp_path: Path) -> None:
    accounts = {Profile(tmp_path / folder, name).keyring_account for folder in ("a", "b") for name in ("uat", "live")}
    assert len(accounts) == 4


def test_what_is_remembered_is_found_again_and_is_the_owners_alone(profiles: Profiles) -> None:
    uat = profiles.get("uat")
    assert uat.read() == ProfileRecord()
    uat.write(RECORD)
    assert profiles.get("uat").read() == RECORD
    assert profiles.get("default").read() == ProfileRecord()
    [file] = uat.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(uat.folder.stat().st_mode) == 0o700


def test_the_list_has_the_default_and_every_profile_somebody_signed_in_with(profiles: Profiles) -> None:
    assert [profile.name for profile in profiles.all()] == ["default"]
    for name in ("uat", "live"):
        profiles.get(name).write(RECORD)
    (profiles.get("uat").folder.parent / "Not A Profile").mkdir()
    assert [profile.name for profile in profiles.all()] == ["default", "live", "uat"]


def test_the_argument_wins_over_the_environment_and_that_over_the_one_set(profiles: Profiles) -> None:
    assert profiles.current(Environment()).name == "default"
    profiles.get("uat").write(RECORD)
    profiles.use("uat")
    assert profiles.current(Environment()).name == "uat"
    assert profiles.current(Environment(profile="live")).name == "live"
    assert profiles.current(Environment(profile="live"), given="test").name == "test"
    profiles.use("default")
    assert profiles.current(Environment()).name == "default"


def test_a_profile_nobody_signed_in_with_cannot_be_set(profiles: Profiles) -> None:
    with pytest.raises(ConfigurationError, match="no profile 'uat'") as caught:
        profiles.use("uat")
    assert "default" in caught.value.next_step


def test_a_forgotten_profile_leaves_nothing_and_is_not_current_any_more(profiles: Profiles) -> None:
    uat = profiles.get("uat")
    uat.write(RECORD)
    uat.session_file.write_text("a session")
    profiles.use("uat")
    profiles.forget(uat)
    assert not uat.folder.exists()
    assert profiles.current(Environment()).name == "default"
    assert [profile.name for profile in profiles.all()] == ["default"]


def test_the_default_profile_is_forgotten_without_the_folder_it_shares(profiles: Profiles, tmp_path: Path) -> None:
    default = profiles.get("default")
    default.write(RECORD)
    default.session_file.write_text("a session")
    (tmp_path / "data" / "identity.db").write_text("the embedded stack's")
    profiles.forget(default)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["identity.db"]


@pytest.mark.parametrize("content", ["", "[]", '{"store":"cloud"}', "[" * 9000, '{"version":2}'])
def test_a_profiles_file_that_cannot_be_read_is_named(profiles: Profiles, content: str) -> None:
    uat = profiles.get("uat")
    uat.write(RECORD)
    [file] = uat.folder.iterdir()
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"profile\.json"):
        uat.read()


def test_a_current_profile_that_is_no_name_is_refused(profiles: Profiles, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "current-profile").write_text("../../etc")
    with pytest.raises(ConfigurationError) as caught:
        profiles.current(Environment())
    assert caught.value.setting == "current-profile"


def test_a_folder_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(ConfigurationError, match="cannot be"):
        Profiles(tmp_path / "data").get("uat").write(RECORD)
    with pytest.raises(ConfigurationError, match="cannot be set"):
        Profiles(tmp_path / "data").use("default")
