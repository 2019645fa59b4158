"""Whose session a verb uses and where it is kept: `--profile`, `--store`, and what is said of a slip."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def two_profiles(somebody: Any) -> Any:
    """Signed in as default and as uat, with a session each."""
    assert somebody.login().code == 0
    assert somebody.login("--profile", "uat").code == 0
    return somebody


def _uat(somebody: Any) -> Path:
    return Path(somebody.environ["CADENZA_DATA_DIR"]) / "profiles" / "uat" / "session.json"


def test_a_profile_has_a_session_of_its_own(two_profiles: Any) -> None:
    assert _uat(two_profiles).exists()
    assert two_profiles("logout", "--profile", "uat").code == 0
    assert not _uat(two_profiles).exists()
    assert two_profiles("whoami").code == 0
    assert two_profiles("whoami", "--profile", "uat").code == 3


@pytest.mark.parametrize(
    "argv",
    [
        ("whoami", "--profile", "uat", "--json"),
        ("--profile", "uat", "whoami", "--json"),
        ("--profile", "default", "whoami", "--profile", "uat", "--json"),
    ],
    ids=["after the verb", "before the verb", "the one after the verb counts"],
)
def test_the_profile_may_stand_before_or_after_the_verb(two_profiles: Any, argv: tuple[str, ...]) -> None:
    shown = json.loads(two_profiles(*argv).out)
    assert shown["sessionStore"] == str(_uat(two_profiles))
    assert shown["wsUrl"] == two_profiles.stack.ws_url


def test_whoever_signs_in_with_another_profile_is_told_how_it_is_used(somebody: Any) -> None:
    told = "cadenza: Other commands take it with --profile uat, or all: cadenza profile use uat\n"
    assert somebody.login("--profile", "uat").err == told
    assert somebody.login("--profile", "uat", "--json").err == ""
    somebody("profile", "use", "uat")
    assert somebody.login().err == ""


def test_every_verb_that_uses_a_session_takes_a_profile(two_profiles: Any) -> None:
    for argv in (
        ("call", "query.venue.list", "--profile", "uat"),
        ("watch", "market:ticker:PAPER", "--count", "1", "--profile", "uat"),
        ("token", "inspect", "--profile", "uat"),
        ("--profile", "uat", "token", "inspect"),
        ("inbox", "--profile", "uat"),
        ("logout", "--profile", "uat"),
    ):
        ran = two_profiles(*argv)
        assert ran.code == 0, (argv, ran.err)
    assert two_profiles("token", "inspect", "--profile", "uat").code == 3


def test_an_unknown_profile_is_an_error_that_names_the_known_ones(two_profiles: Any) -> None:
    ran = two_profiles("whoami", "--profile", "production")
    assert ran.code == 2
    assert ran.err == (
        "cadenza: --profile: There is no profile 'production'. There are: default, uat. "
        "A new one is made by cadenza login --profile production\n"
    )
    named = two_profiles("whoami", "--json", environ={"CADENZA_PROFILE": "production"})
    assert json.loads(named.err)["error"]["setting"] == "CADENZA_PROFILE"


def test_nearly_a_profiles_name_is_taken_for_a_slip_at_a_sign_in_too(two_profiles: Any) -> None:
    for ran in (two_profiles("whoami", "--profile", "uta"), two_profiles.login("--profile", "uat1")):
        assert ran.code == 2
        assert "Did you mean uat? There are: default, uat." in ran.err
    assert not _uat(two_profiles).parent.with_name("uat1").exists()


def test_a_profile_before_a_verb_without_a_session_is_not_ignored(cadenza: Callable[..., Any]) -> None:
    for verb in ("up", "methods"):
        ran = cadenza("--profile", "uat", verb)
        assert ran.code == 2
        assert ran.err == (
            f"cadenza: Invalid value for --profile: cadenza {verb} uses no session. See: cadenza --help\n"
        )


def test_the_command_that_signs_in_again_names_the_profile(two_profiles: Any) -> None:
    two_profiles("logout", "--profile", "uat")
    for verb in (("whoami",), ("token", "inspect"), ("call", "query.venue.list")):
        ran = two_profiles(*verb, "--profile", "uat")
        assert ran.code == 3
        assert ran.err.endswith("Sign in: cadenza login --profile uat\n"), ran.err


def test_the_store_of_a_sign_in_is_remembered(somebody: Any) -> None:
    assert somebody.login("--store", "file").code == 0
    assert json.loads(somebody.session_file.with_name("profile.json").read_text())["store"] == "file"


def test_a_keyring_that_is_not_there_is_told_before_anything_is_sent(somebody: Any) -> None:
    """G4: a machine without a desktop has no keyring; no other place is used in silence."""
    ran = somebody.login("--store", "keyring")
    assert ran.code == 1
    assert "keyring" in ran.err
    assert "file" in ran.err
    assert not somebody.session_file.exists()
    assert somebody("whoami").code == 3


@pytest.mark.parametrize(
    ("store", "environ", "said"),
    [
        ((), {"CADENZA_SESSION_STORE": "memory"}, "a session would be gone when the command ends"),
        (
            ("--store", "file"),
            {"CADENZA_SESSION_STORE": "keyring"},
            "every command looks in keyring. Unset it, or set it to file.",
        ),
        ((), {"CADENZA_REFRESH_TOKEN": "abcdefabcdef"}, "Unset it to sign in"),
    ],
)
def test_a_session_that_no_other_command_would_find_is_not_begun(
    somebody: Any, store: tuple[str, ...], environ: dict[str, str], said: str
) -> None:
    """G4: nothing is lost in silence."""
    somebody.environ.update(environ)
    ran = somebody.login(*store)
    assert ran.code == 2
    assert said in ran.err
    assert not somebody.session_file.exists()
