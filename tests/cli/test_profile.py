"""`cadenza profile`: an operator with dev, uat and prod sees them, chooses one, makes, changes and removes them."""

from __future__ import annotations

import base64
import json
import os
import pty
import shutil
from pathlib import Path
from typing import Any

import pytest

GATEWAY = "wss://uat.example.com/connection/websocket"
PROVIDER = "https://uat.example.com"


def _data(user: Any) -> Path:
    return Path(user.environ["CADENZA_DATA_DIR"])


def _listed(user: Any) -> dict[str, Any]:
    return {one["name"]: one for one in json.loads(user("profile", "list", "--json").out)["profiles"]}


@pytest.fixture
def uat(somebody: Any) -> Any:
    """Somebody who made a profile, and has not signed in with it."""
    ran = somebody("profile", "add", "uat", "--ws-url", GATEWAY, "--supabase-url", PROVIDER)
    assert ran.code == 0, ran.err
    return somebody


@pytest.fixture
def signed_in(somebody: Any) -> Any:
    """Somebody who is signed in with the profile dev."""
    assert somebody.login("--profile", "dev").code == 0
    return somebody


def test_a_newcomer_has_the_default_profile_alone(somebody: Any) -> None:
    assert somebody("profile", "list").out.splitlines() == [
        "   PROFILE  SIGNED IN  STORE  GATEWAY",
        "*  default  -          file   ws://127.0.0.1:8000/connection/websocket",
    ]


def test_the_list_says_who_is_signed_in_with_each_and_where(signed_in: Any) -> None:
    listed = _listed(signed_in)
    assert list(listed) == ["default", "dev"]
    assert listed["default"]["current"] is True
    assert listed["default"]["signedIn"] is None
    assert listed["dev"]["signedIn"]["email"] == signed_in.stack.email
    assert listed["dev"]["store"] == "file"
    assert (listed["dev"]["wsUrl"], listed["dev"]["supabaseUrl"]) == (
        signed_in.stack.ws_url,
        signed_in.stack.supabase_url,
    )
    assert f"   dev      {signed_in.stack.email}  file   {signed_in.stack.ws_url}" in signed_in("profile", "list").out


def test_the_current_profile_is_used_by_every_command(signed_in: Any) -> None:
    assert signed_in("whoami").code == 3
    assert signed_in("profile", "use", "dev").out == "dev is the current profile now.\n"
    assert json.loads(signed_in("whoami", "--json").out)["user"]["email"] == signed_in.stack.email
    assert _listed(signed_in)["dev"]["current"] is True
    assert "*  dev" in signed_in("profile", "list").out
    assert json.loads(signed_in("profile", "use", "default", "--json").out) == {"current": "default"}
    assert signed_in("whoami").code == 3


def test_a_variable_that_goes_before_the_current_profile_is_told(signed_in: Any) -> None:
    ran = signed_in("profile", "use", "dev", environ={"CADENZA_PROFILE": "default"})
    assert ran.code == 0
    assert "CADENZA_PROFILE=default goes before it" in ran.err


def test_a_current_profile_that_is_gone_is_named_with_the_way_out(uat: Any) -> None:
    uat("profile", "use", "uat")
    shutil.rmtree(_data(uat) / "profiles" / "uat")
    ran = uat("whoami")
    assert ran.code == 2
    assert "There is no profile 'uat'. There are: default. Choose one: cadenza profile use NAME" in ran.err
    assert uat("profile", "list").code == 0
    assert uat("profile", "use", "default").code == 0
    assert uat("whoami").code == 3


def test_a_session_that_is_over_names_the_sign_in_of_its_own_profile(somebody: Any) -> None:
    """Signing in with the current profile would cost that one its session, and mend nothing."""
    assert somebody.login("--profile", "uat").code == 0
    assert somebody.login().code == 0
    assert somebody("logout", "--others").code == 0
    ran = somebody("--profile", "uat", "whoami")
    assert ran.code == 3
    assert ran.err.endswith("Sign in: cadenza login --profile uat\n")
    assert somebody("whoami").code == 0


def test_the_list_says_where_the_environment_goes_before_it(uat: Any) -> None:
    assert uat("profile", "list").err == ""
    assert "cadenza profile show" in uat("profile", "list", environ={"CADENZA_SESSION_STORE": "memory"}).err


@pytest.mark.parametrize("verb", ["show", "use", "set", "remove"])
def test_an_unknown_name_is_told_with_the_known_ones(uat: Any, verb: str) -> None:
    ran = uat("profile", verb, "uta")
    assert ran.code == 2
    assert ran.err.startswith("cadenza: There is no profile 'uta'. Did you mean uat? There are: default, uat.")


def test_a_profile_is_shown_without_a_token(signed_in: Any) -> None:
    shown = signed_in("profile", "show", "dev").out
    assert signed_in.stack.email in shown
    assert f"{_data(signed_in) / 'profiles' / 'dev' / 'session.json'} (chosen for this profile)" in shown
    described = json.loads(signed_in("profile", "show", "dev", "--json").out)
    assert described["current"] is False
    assert described["signedIn"]["level"] == "aal1"
    assert described["storeReason"] == "chosen for this profile"


def test_what_is_shown_is_what_a_command_would_use(signed_in: Any) -> None:
    shown = signed_in("profile", "show", "dev", environ={"CADENZA_SESSION_STORE": "memory"}).out
    assert "memory (chosen by CADENZA_SESSION_STORE)" in shown


def test_a_profile_is_made_before_the_first_sign_in_and_knows_its_addresses_then(somebody: Any) -> None:
    stack = somebody.stack
    made = somebody("profile", "add", "dev", "--ws-url", stack.ws_url, "--supabase-url", stack.supabase_url)
    assert made.code == 0
    assert made.err == "cadenza: Sign in with it: cadenza login --profile dev\n"
    ran = somebody("login", "--profile", "dev", "--email", stack.email, environ={"CADENZA_PASSWORD": stack.password})
    assert ran.code == 0, ran.err
    assert json.loads(somebody("whoami", "--profile", "dev", "--json").out)["wsUrl"] == stack.ws_url


def test_addresses_that_are_not_given_come_from_the_environment_then_from_the_embedded_stack(somebody: Any) -> None:
    somebody("profile", "add", "uat", environ={"CADENZA_WS_URL": GATEWAY, "SUPABASE_URL": PROVIDER})
    somebody("profile", "add", "dev")
    listed = _listed(somebody)
    assert (listed["uat"]["wsUrl"], listed["uat"]["supabaseUrl"]) == (GATEWAY, PROVIDER)
    assert listed["dev"]["wsUrl"] == "ws://127.0.0.1:8000/connection/websocket"


def test_a_gateway_alone_is_enough_and_a_provider_alone_is_not(somebody: Any) -> None:
    shown = somebody("profile", "add", "uat", "--ws-url", GATEWAY).out
    assert "through the gateway" in shown
    ran = somebody("profile", "add", "prod", "--supabase-url", PROVIDER)
    assert ran.code == 2
    assert "--ws-url" in ran.err
    assert list(_listed(somebody)) == ["default", "uat"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("uat",), "There is a profile 'uat' already"),
        (("default",), "There is a profile 'default' already"),
        (("UAT 2",), "is no name for a profile"),
        (("prod", "--ws-url", "ws://prod.example.com"), "wss://"),
        (("prod", "--ws-url", "nonsense"), "ws://"),
    ],
)
def test_what_cannot_be_a_profile_is_refused_and_makes_none(uat: Any, argv: tuple[str, ...], said: str) -> None:
    ran = uat("profile", "add", *argv)
    assert ran.code == 2
    assert said in ran.err
    assert list(_listed(uat)) == ["default", "uat"]


def test_a_store_that_is_not_there_is_told_before_the_profile_is_made(somebody: Any) -> None:
    """G4: no keyring on a machine without a desktop; the other place is named by its option."""
    ran = somebody("profile", "add", "prod", "--ws-url", GATEWAY, "--store", "keyring")
    assert ran.code == 1
    assert "cadenza login --store file" in ran.err
    assert "session_store=" not in ran.err
    assert list(_listed(somebody)) == ["default"]


def _jwt(**claims: object) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "c2ln"]
    )


@pytest.mark.parametrize("key", ["sb_publishable_abc", _jwt(role="anon", iss="supabase")], ids=["new", "old"])
def test_a_publishable_key_comes_from_stdin_and_is_not_printed(uat: Any, key: str) -> None:
    ran = uat("profile", "set", "uat", "--publishable-key-stdin", "--json", stdin=f"{key}\n")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["hasPublishableKey"] is True
    assert key not in ran.out + ran.err
    record = json.loads((_data(uat) / "profiles" / "uat" / "profile.json").read_text())
    assert record["anon_key"] == key
    assert record["ws_url"] == GATEWAY


@pytest.mark.parametrize("key", ["sb_secret_abc", _jwt(role="service_role", iss="supabase")], ids=["new", "old"])
def test_a_secret_key_is_refused_and_not_repeated(uat: Any, key: str) -> None:
    for ran in (
        uat("profile", "set", "uat", "--publishable-key-stdin", stdin=key),
        uat("profile", "add", "prod", "--ws-url", GATEWAY, environ={"SUPABASE_PUBLISHABLE_KEY": key}),
    ):
        assert ran.code == 2
        assert "secret" in ran.err
        assert key not in ran.err
    assert "prod" not in _listed(uat)


def test_the_key_of_another_project_is_not_kept(uat: Any) -> None:
    uat("profile", "set", "uat", "--publishable-key-stdin", stdin="sb_publishable_abc")
    ran = uat("profile", "set", "uat", "--supabase-url", "https://uat2.example.com", "--json")
    assert json.loads(ran.out)["hasPublishableKey"] is False


def test_a_change_of_nothing_says_so(uat: Any) -> None:
    ran = uat("profile", "set", "uat", "--ws-url", GATEWAY)
    assert ran.code == 2
    assert "Nothing of uat would change" in ran.err


@pytest.mark.parametrize("verb", [("remove", "dev"), ("set", "dev", "--ws-url", "ws://127.0.0.1:9")], ids=" ".join)
def test_a_script_does_not_lose_a_session_without_yes(signed_in: Any, verb: tuple[str, ...]) -> None:
    ran = signed_in("profile", *verb)
    assert ran.code == 2
    assert f"{signed_in.stack.email} is signed in with the profile dev" in ran.err
    assert "cadenza logout --profile dev" in ran.err
    assert signed_in("whoami", "--profile", "dev").code == 0
    assert signed_in("profile", *verb, "--yes").code == 0
    assert not (_data(signed_in) / "profiles" / "dev" / "session.json").exists()


def test_a_profile_without_a_session_is_removed_without_a_question(uat: Any) -> None:
    uat("profile", "use", "uat")
    ran = uat("profile", "remove", "uat")
    assert (ran.code, ran.out) == (0, "uat is forgotten.\n")
    assert ran.err == "cadenza: default is the current profile now.\n"
    assert list(_listed(uat)) == ["default"]


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 130, ["dev"]), ("", 130, ["dev"]), ("y", 0, [])])
def test_a_person_is_asked_before_a_session_is_lost(signed_in: Any, answer: str, code: int, left: list[str]) -> None:
    mine, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = signed_in.start("profile", "remove", "dev", text=False, start_new_session=True, **streams)
    os.close(theirs)
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(mine, 4096)
    os.write(mine, f"{answer}\n".encode())
    assert process.wait(timeout=30) == code
    os.close(mine)
    assert b"cadenza logout --profile dev" in seen
    assert list(_listed(signed_in)) == ["default", *left]


def test_a_damaged_session_is_said_in_the_list_which_goes_on(signed_in: Any) -> None:
    """G4: it is set aside, never deleted."""
    folder = _data(signed_in) / "profiles" / "dev"
    (folder / "session.json").write_text("{}")
    signed_in._secrets = lambda: {signed_in.stack.password}
    ran = signed_in("profile", "list", "--json")
    assert ran.code == 0
    assert "set aside" in ran.err
    [described] = [one for one in json.loads(ran.out)["profiles"] if one["name"] == "dev"]
    assert "is damaged" in described["signedIn"]["problem"]
    [aside] = folder.glob("session.json.unreadable-*")
    assert aside.read_text() == "{}"
    assert _listed(signed_in)["dev"]["signedIn"] is None


def test_a_profile_whose_keyring_is_gone_can_be_removed_all_the_same(uat: Any) -> None:
    """G4: the data folder was copied to a machine without a keyring."""
    file = _data(uat) / "profiles" / "uat" / "profile.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "store": "keyring"}))
    refused = uat("profile", "remove", "uat")
    assert refused.code == 2
    assert "keyring" in refused.err
    ran = uat("profile", "remove", "uat", "--yes")
    assert ran.code == 0, ran.err
    assert "stays there" in ran.err
    assert list(_listed(uat)) == ["default"]
