"""Signing in and out at a shell, against a real stack: every way a password comes in, and what is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.cli.terminal import Terminal


def test_the_password_comes_from_the_environment_and_the_session_is_kept(somebody: Any) -> None:
    ran = somebody.login()
    assert ran.code == 0, ran.err
    assert ran.out == f"Signed in as {somebody.stack.email}; the session is kept in {somebody.session_file}\n"
    assert somebody.session_file.stat().st_mode & 0o777 == 0o600
    assert somebody.stack.password not in somebody.session_file.read_text()


def test_the_session_knows_its_addresses(somebody: Any) -> None:
    somebody.login()
    shown = json.loads(somebody("whoami", "--json").out)
    assert shown["user"]["email"] == somebody.stack.email
    assert shown["wsUrl"] == somebody.stack.ws_url
    assert shown["supabaseUrl"] == somebody.stack.supabase_url


def test_the_password_comes_from_stdin(somebody: Any) -> None:
    ran = somebody(
        *("login", "--email", somebody.stack.email, "--password-stdin", "--json"),
        *("--ws-url", somebody.stack.ws_url, "--supabase-url", somebody.stack.supabase_url),
        stdin=somebody.stack.password + "\n",
    )
    assert ran.code == 0, ran.err
    shown = json.loads(ran.out)
    assert shown["email"] == somebody.stack.email
    assert shown["sessionStore"] == str(somebody.session_file)
    assert shown["userId"]


def test_the_address_comes_from_the_environment_too(somebody: Any) -> None:
    ran = somebody(
        "login",
        environ={
            "CADENZA_EMAIL": somebody.stack.email,
            "CADENZA_PASSWORD": somebody.stack.password,
            "CADENZA_WS_URL": somebody.stack.ws_url,
            "SUPABASE_URL": somebody.stack.supabase_url,
        },
    )
    assert ran.code == 0, ran.err


def test_a_person_is_asked_for_the_password_which_is_not_echoed(somebody: Any) -> None:
    addresses = ("--ws-url", somebody.stack.ws_url, "--supabase-url", somebody.stack.supabase_url)
    argv = (*somebody.program, "login", "--email", somebody.stack.email, *addresses)
    with Terminal(argv, somebody.environ) as terminal:
        terminal.expect("Password of ")
        terminal.type(somebody.stack.password)
        assert terminal.end() == 0
        assert "Signed in" in terminal.seen
        assert somebody.stack.password not in terminal.seen


def test_signing_in_over_the_websocket_gives_the_same_session(somebody: Any) -> None:
    assert somebody.login("--over-websocket").code == 0
    assert somebody("call", "query.venue.list").code == 0


@pytest.mark.parametrize("options", [(), ("--over-websocket",)])
def test_a_wrong_password_is_refused_with_4_and_the_next_step(somebody: Any, options: tuple[str, ...]) -> None:
    ran = somebody(
        *("login", "--email", somebody.stack.email, *options),
        *("--ws-url", somebody.stack.ws_url, "--supabase-url", somebody.stack.supabase_url),
        environ={"CADENZA_PASSWORD": "not-the-password"},
    )
    assert ran.code == 4
    assert ran.err.count("\n") == 1
    assert "Check the address and the password" in ran.err
    assert "not-the-password" not in ran.err
    assert not somebody.session_file.exists()


def test_without_a_password_in_a_pipe_it_is_told_where_to_put_it(somebody: Any) -> None:
    ran = somebody("login", "--email", somebody.stack.email)
    assert ran.code == 2
    assert "CADENZA_PASSWORD" in ran.err
    assert "--password-stdin" in ran.err


def test_a_password_as_an_argument_is_refused_and_not_repeated(somebody: Any) -> None:
    for argv in (["login", "hunter2"], ["login", "--password", "hunter2"], ["login", "--password=hunter2"]):
        ran = somebody(*argv)
        assert ran.code == 2
        assert "hunter2" not in ran.out + ran.err


def test_an_unreachable_provider_is_temporary_and_named(somebody: Any) -> None:
    ran = somebody(
        *("login", "--email", "a@example.com", "--ws-url", somebody.stack.ws_url),
        *("--supabase-url", "http://127.0.0.1:9"),
        environ={"CADENZA_PASSWORD": "whatever"},
    )
    assert ran.code == 5
    assert "127.0.0.1:9" in ran.err
    assert ran.err.count("\n") == 1


def test_an_address_that_would_send_tokens_in_the_clear_is_refused(somebody: Any) -> None:
    ran = somebody(
        *("login", "--email", "a@example.com", "--ws-url", "ws://gateway.example.com"),
        environ={"CADENZA_PASSWORD": "whatever"},
    )
    assert ran.code == 2
    assert "wss://" in ran.err


def test_signing_out_ends_the_session_and_forgets_it(somebody: Any) -> None:
    somebody.login()
    ran = somebody("logout")
    assert (ran.code, ran.out) == (0, f"Signed out {somebody.stack.email}.\n")
    assert not somebody.session_file.exists()
    assert somebody("whoami").code == 3


def test_everywhere_and_others_contradict_one_another(somebody: Any) -> None:
    ran = somebody("logout", "--everywhere", "--others")
    assert ran.code == 2
    assert "--everywhere" in ran.err
    assert "--others" in ran.err


def test_signing_out_when_nobody_is_signed_in_is_no_failure(somebody: Any) -> None:
    ran = somebody("logout", "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == {"signedOut": False, "scope": "local"}


def test_a_session_ended_elsewhere_is_noticed(somebody: Any) -> None:
    somebody.login()
    kept = somebody.session_file.read_text()
    somebody("logout")
    somebody.session_file.write_text(kept)
    somebody.session_file.chmod(0o600)
    ran = somebody("whoami")
    assert ran.code == 3
    assert "cadenza login" in ran.err


def test_whoami_without_a_session_says_how_to_get_one(somebody: Any) -> None:
    ran = somebody("whoami")
    assert ran.code == 3
    assert ran.err == "cadenza: Nobody is signed in. Sign in: cadenza login\n"


def test_a_session_for_another_address_is_named(trader: Any) -> None:
    ran = trader("whoami", environ={"CADENZA_WS_URL": "ws://127.0.0.1:9/connection/websocket"})
    assert ran.code == 3
    assert trader.stack.ws_url in ran.err
    assert "unset CADENZA_WS_URL" in ran.err


def test_whoami_shows_who_and_until_when(trader: Any) -> None:
    out = trader("whoami").out
    assert trader.stack.email in out
    assert re.search(r"Token ends +20\S+, in 5\d minutes", out)
    assert re.search(r"Signed in +by password, 20\S+, \d+ \w+ ago", out)
    assert "not since the sign-in" in out
    assert re.search(r"Next refresh +in 5\d minutes: some time before the access token runs out", out)
    assert "aal1, one factor" in out
    assert str(trader.session_file) in out
    assert trader.stack.ws_url in out


def test_the_stored_token_is_inspected_without_showing_it(trader: Any) -> None:
    shown = json.loads(trader("token", "inspect", "--json").out)
    assert shown["claims"]["email"] == trader.stack.email
    assert shown["expired"] is False


def test_a_session_file_that_others_can_read_is_refused_with_the_command_that_mends_it(somebody: Any) -> None:
    somebody.login()
    somebody.session_file.chmod(0o644)
    ran = somebody("whoami")
    assert ran.code == 1
    assert f"chmod 600 {somebody.session_file}" in ran.err


def test_a_damaged_session_file_is_set_aside_and_said(somebody: Any) -> None:
    somebody.login()
    somebody.session_file.write_text('{"version": 1, "session": {"access_token": "hunter2')
    secrets: Callable[[], set[str]] = lambda: {somebody.stack.password}  # noqa: E731  # the file is no JSON any more
    somebody._secrets = secrets
    ran = somebody("whoami")
    assert ran.code == 1
    assert "set aside" in ran.err
    assert "hunter2" not in ran.err
    assert somebody("whoami").code == 3


def test_a_misspelt_variable_is_named_with_the_right_one(somebody: Any) -> None:
    ran = somebody("whoami", environ={"CADENZA_WSURL": "ws://127.0.0.1:9"})
    assert ran.code == 2
    assert "Did you mean CADENZA_WS_URL" in ran.err
