"""What the command line says where a session cannot be kept or read (row G4), and that nothing is lost by it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def as_anybody(somebody: Any) -> Any:
    """Somebody whom permissions hold: the administrator, who runs tests in a container, writes anywhere."""
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        assert setpriv, "install util-linux"
        somebody.program = [
            setpriv,
            "--bounding-set",
            "-dac_override",
            "--inh-caps",
            "-dac_override",
            *somebody.program,
        ]
    return somebody


@pytest.fixture
def read_only(as_anybody: Any) -> Iterator[Path]:
    """A data folder in which nothing can be written."""
    folder = Path(as_anybody.environ["CADENZA_DATA_DIR"])
    folder.mkdir(mode=0o500)
    yield folder
    folder.chmod(0o700)


def _login(user: Any, *options: str) -> Any:
    stack = user.stack
    return user.run(
        *("login", "--email", stack.email, "--ws-url", stack.ws_url, "--supabase-url", stack.supabase_url, *options),
        environ={"CADENZA_PASSWORD": stack.password},
    )


def test_a_read_only_home_is_told_before_anything_is_sent(as_anybody: Any, read_only: Path) -> None:
    ran = _login(as_anybody)
    assert ran.code == 1
    assert f"could not be kept at {read_only / 'session.json'}: Permission denied" in ran.err
    assert "CADENZA_DATA_DIR" in ran.err
    assert "cadenza login --store keyring" in ran.err
    assert not list(read_only.iterdir())


def test_in_a_read_only_home_whoever_only_looks_is_served(as_anybody: Any, read_only: Path) -> None:
    assert as_anybody.run("whoami").err == "cadenza: Nobody is signed in. Sign in: cadenza login\n"
    assert "*  default" in as_anybody.run("profile", "list").out


@pytest.mark.parametrize("verb", [("profile", "add", "uat"), ("profile", "use", "default")], ids=" ".join)
def test_in_a_read_only_home_what_cannot_be_noted_is_an_error(
    as_anybody: Any, read_only: Path, verb: tuple[str, ...]
) -> None:
    ran = as_anybody.run(*verb)
    assert ran.code == 2
    assert "Permission denied" in ran.err
    assert "CADENZA_DATA_DIR" in ran.err


def test_a_refreshed_session_that_cannot_be_saved_is_said_and_not_lost(as_anybody: Any) -> None:
    assert _login(as_anybody).code == 0
    stored = json.loads(as_anybody.session_file.read_text())
    stored["session"]["expires_at"] = 1.0
    as_anybody.session_file.write_text(json.dumps(stored))
    as_anybody.session_file.parent.chmod(0o500)
    try:
        ran = as_anybody.run("whoami", "--json")
    finally:
        as_anybody.session_file.parent.chmod(0o700)
    assert ran.code == 0
    told = json.loads(ran.err)
    assert told["event"] == "unsaved"
    assert "Permission denied" in told["message"]
    assert as_anybody.run("whoami").code == 0


def test_a_damaged_session_is_set_aside_and_the_next_sign_in_works(somebody: Any) -> None:
    somebody.login()
    somebody.session_file.write_text("hunter2")
    secrets, somebody._secrets = somebody._secrets, set
    ran = somebody("call", "query.venue.list", "--json")
    assert ran.code == 1
    said = json.loads(ran.err)["error"]
    assert said["type"] == "SessionStoreError"
    assert said["location"] == str(somebody.session_file)
    [aside] = somebody.session_file.parent.glob("session.json.unreadable-*")
    assert aside.name in said["message"]
    assert aside.read_text() == "hunter2"
    assert "hunter2" not in ran.err
    somebody._secrets = secrets
    assert somebody.login().code == 0
    assert somebody("whoami").code == 0
    assert aside.exists()


def test_a_session_kept_in_a_keyring_that_is_not_here_is_no_missing_session(somebody: Any) -> None:
    """The data folder was copied to a machine without a desktop: nobody else's store is looked into."""
    somebody.login()
    somebody.session_file.with_name("profile.json").write_text('{"version": 1, "store": "keyring"}')
    ran = somebody("whoami")
    assert ran.code == 1
    assert "this machine has none" in ran.err
    assert "cadenza login --store file" in ran.err
    assert somebody.login("--store", "file").code == 0
    assert somebody("whoami").code == 0


def test_a_damaged_profile_is_named_and_can_be_removed(somebody: Any) -> None:
    somebody("profile", "add", "uat")
    damaged = somebody.session_file.parent / "profiles" / "uat" / "profile.json"
    damaged.write_text("{")
    assert f"{damaged} cannot be read" in somebody("whoami", "--profile", "uat").err
    listed = somebody("profile", "list")
    assert listed.code == 0
    assert str(damaged) in listed.err
    assert "?" in listed.out
    assert "cadenza profile remove uat --yes" in somebody("profile", "remove", "uat").err
    assert somebody("profile", "remove", "uat", "--yes").code == 0
    assert not damaged.exists()
