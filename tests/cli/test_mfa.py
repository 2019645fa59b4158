"""`cadenza mfa`: an authenticator app is added, listed, proved and removed, by a person and by a script."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import secrets
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import segno
from tests.cli.conftest import DEADLINE_SECONDS, RunningStack, User
from tests.cli.people import App, enroll
from tests.cli.terminal import Terminal

from cadenza.cli.qr import drawn

BOTH_DOORS = pytest.mark.parametrize("door", [(), ("--over-websocket",)], ids=["provider", "websocket"])


@pytest.fixture
def member(somebody: User) -> User:
    """A new user of the whole stack, signed in."""
    return _joined(somebody)


@pytest.fixture(scope="module")
def loner(program: list[str], stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> User:
    """The same, for tests that leave no factor behind."""
    folder = tmp_path_factory.mktemp("loner")
    environ = {"PATH": os.defpath, "HOME": str(folder), "CADENZA_DATA_DIR": str(folder / "mine")}
    return _joined(User(program=program, stack=stack, environ=environ))


def _joined(user: User) -> User:
    user.stack = dataclasses.replace(
        user.stack, email=f"member-{secrets.token_hex(6)}@example.com", password="correct horse 1"
    )
    httpx.post(
        f"{user.stack.supabase_url}/auth/v1/signup",
        json={"email": user.stack.email, "password": user.stack.password},
        trust_env=False,
    ).raise_for_status()
    assert user.login().code == 0
    return user


def _listed(user: User, *door: str) -> dict[str, Any]:
    listed: dict[str, Any] = json.loads(user("mfa", "list", "--json", *door).out)
    return listed


def _at_terminal(user: User, *argv: str) -> Terminal:
    return Terminal([*user.program, *argv], user.environ)


@BOTH_DOORS
def test_a_script_enrolls_lists_rises_and_removes(member: User, door: tuple[str, ...]) -> None:
    app = enroll(member, "phone", "--issuer", "Cadenza", *door)
    [factor] = _listed(member, *door)["factors"]
    assert (factor["name"], factor["kind"], factor["verified"]) == ("phone", "totp", True)
    assert member.login().code == 0
    assert _listed(member, *door)["level"] == "aal1"
    ran = member("mfa", "challenge", "--code-stdin", "--json", *door, stdin=f"{app.code()}\n")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["level"] == "aal2"
    assert _listed(member, *door)["level"] == "aal2"
    removed = member("mfa", "remove", "phone", "--yes", "--json", *door)
    assert removed.code == 0, removed.err
    assert json.loads(removed.out) == {"removed": factor["id"], "name": "phone", "level": "aal1"}
    assert _listed(member, *door) == {"level": "aal1", "factors": []}


@BOTH_DOORS
def test_what_wants_a_second_factor_asks_for_it_first(member: User, door: tuple[str, ...]) -> None:
    app = enroll(member, "phone")
    assert member.login().code == 0
    refused = member("mfa", "remove", "--yes", *door)
    assert refused.code == 2
    assert "--code-stdin" in refused.err
    ran = member("mfa", "remove", "--yes", "--code-stdin", *door, stdin=f"{app.code()}\n")
    assert ran.code == 0, ran.err
    assert ran.out == "phone is removed. There is no second factor any more.\n"
    assert "That wants a second factor first." in ran.err


def test_a_second_app_wants_the_code_of_the_first(member: User) -> None:
    first = enroll(member, "phone")
    assert member.login().code == 0
    process = member.start("mfa", "enroll", "tablet", "--json", "--code-stdin")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(first.code() + "\n")
    process.stdin.flush()
    second = App(json.loads(process.stdout.readline())["secret"])
    _, err = process.communicate(second.code() + "\n", timeout=DEADLINE_SECONDS)
    assert process.returncode == 0, err
    assert [one["name"] for one in _listed(member)["factors"]] == ["phone", "tablet"]
    assert "Name one, for cadenza mfa: phone, tablet." in member("mfa", "remove", "--yes").err
    same = member("mfa", "enroll", "phone", "--json", "--code-stdin", stdin="000000\n")
    assert same.code == 4
    assert "cadenza mfa enroll NAME" in same.err
    assert "There are: phone, tablet." in member("mfa", "remove", "watch", "--yes").err


def test_a_person_scans_or_types_and_is_asked_again_after_a_wrong_code(member: User) -> None:
    with _at_terminal(member, "mfa", "enroll", "phone") as terminal:
        shown = terminal.expect("Code that the app shows now: ")
        secret = "".join(re.findall(r"^(?:\x1b\[1m)?  ([A-Z2-7 ]{20,})", shown, re.MULTILINE)[-1].split())
        terminal.type("000000")
        terminal.expect("Code that the app shows now: ")
        terminal.type(App(secret).code())
        assert terminal.end() == 0
        assert "phone is your second factor now, and this session has seen it (aal2)." in terminal.seen
    assert "aal2" in member("whoami").out


def test_an_enrolment_that_is_given_up_leaves_nothing(loner: User) -> None:
    with _at_terminal(loner, "mfa", "enroll", "phone") as terminal:
        terminal.expect("Code that the app shows now: ")
        terminal.interrupt()
        assert terminal.end() == 130
    assert _listed(loner)["factors"] == []
    wrong = loner("mfa", "enroll", "phone", "--json", "--code-stdin", stdin="000000\n")
    assert wrong.code == 4
    assert _listed(loner)["factors"] == []


def test_the_secret_goes_to_a_terminal_or_to_whoever_asked_for_json(loner: User) -> None:
    ran = loner("mfa", "enroll", "phone", "--code-stdin", stdin="000000\n")
    assert ran.code == 2
    assert "--json" in ran.err
    assert not re.search(r"[A-Z2-7]{16}", ran.out + ran.err)
    assert _listed(loner)["factors"] == []


def test_nobody_enrolls_where_nobody_can_give_the_code(loner: User) -> None:
    ran = loner("mfa", "enroll", "phone", "--json")
    assert ran.code == 2
    assert "--code-stdin" in ran.err
    assert ran.out == ""
    assert _listed(loner)["factors"] == []


def test_a_person_is_asked_before_a_factor_is_removed(member: User) -> None:
    enroll(member, "phone")
    assert "--yes" in member("mfa", "remove").err
    for answer, code, left in (("", 130, 1), ("y", 0, 0)):
        with _at_terminal(member, "mfa", "remove") as terminal:
            terminal.expect("Remove phone? [y/N] ")
            terminal.type(answer)
            assert terminal.end() == code
        assert len(_listed(member)["factors"]) == left


def test_the_list_says_what_is_still_to_come(member: User) -> None:
    enroll(member, "phone")
    member.login()
    ran = member("mfa", "list")
    assert re.search(r"^phone +totp +counts +\d{4}-\d\d-\d\d +[0-9a-f-]{36}$", ran.out, re.MULTILINE)
    assert ran.err == "This session has not seen one yet: cadenza mfa challenge\n"


@pytest.mark.parametrize("verb", ["challenge", "remove"])
def test_a_factor_that_is_not_there_is_named_with_the_next_step(loner: User, verb: str) -> None:
    ran = loner("mfa", verb, "watch", "--code-stdin", stdin="123456\n")
    assert ran.code == 2
    assert ran.err == "cadenza: The account has no second factor. Add one: cadenza mfa enroll\n"


def test_whoever_has_none_is_told_how_to_add_one(loner: User) -> None:
    assert loner("mfa", "list").out == "No second factor. Add one: cadenza mfa enroll\n"


def test_a_profile_has_second_factors_of_its_own(loner: User) -> None:
    ran = loner("mfa", "list", "--profile", "uat")
    assert ran.code == 2
    assert "There is no profile 'uat'" in ran.err


@pytest.mark.parametrize("colour", [True, False], ids=["coloured", "plain"])
def test_the_drawn_code_is_the_code(colour: bool) -> None:  # noqa: FBT001  # a parametrized test
    uri = "otpauth://totp/Cadenza:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Cadenza"
    lines = drawn(uri, colour=colour)
    if colour:
        assert all(line.startswith("\x1b[30;107m") and line.endswith("\x1b[0m") for line in lines)
        lines = [line.removeprefix("\x1b[30;107m").removesuffix("\x1b[0m") for line in lines]
    halves: list[Callable[[str], bool]] = [lambda block: block in "▀█", lambda block: block in "▄█"]
    dark = [[half(block) is colour for block in line] for line in lines for half in halves]
    matrix = [[bool(module) for module in row] for row in segno.make(uri, error="l", micro=False).matrix]
    side = len(matrix)
    assert [row[2 : 2 + side] for row in dark[2 : 2 + side]] == matrix
    assert not any(any(row) for row in [*dark[:2], *dark[2 + side :]])
    assert all(len(row) == side + 4 and not any([*row[:2], *row[-2:]]) for row in dark)
