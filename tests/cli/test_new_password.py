"""A new password at a shell: changed by whoever is signed in, or set after a mail by whoever has forgotten it."""

from __future__ import annotations

import json
import time

import pytest
from tests.cli.people import PASSWORD, Person, told_by
from tests.support.totp import STEP_SECONDS, totp

NEW_PASSWORD = "correct horse 2"
_OLD = {"CADENZA_PASSWORD": PASSWORD}
_NEW = {"CADENZA_PASSWORD": NEW_PASSWORD}


def _signs_in(person: Person, environ: dict[str, str]) -> bool:
    return person("login", "--email", person.email, environ=environ).code == 0


class TestChanged:
    def test_a_person_types_it_twice_and_another_one_where_it_is_refused(self, known: Person) -> None:
        assert _signs_in(known, _OLD)
        with known.at_terminal("password") as terminal:
            for password in (PASSWORD, PASSWORD):
                terminal.expect(": ")
                terminal.type(password)
            terminal.expect("Choose another one.")
            for password in (NEW_PASSWORD, NEW_PASSWORD):
                terminal.expect(": ")
                terminal.type(password)
            assert terminal.end() == 0
            assert f"The password of {known.email} is changed." in terminal.seen
            assert NEW_PASSWORD not in terminal.seen
        assert known("whoami").code == 0
        assert (_signs_in(known, _NEW), _signs_in(known, _OLD)) == (True, False)

    def test_a_script_pipes_it_in_and_the_environment_is_not_taken_for_it(self, known: Person) -> None:
        assert _signs_in(known, _OLD)
        without = known("password", environ=_NEW)
        assert (without.code, "--password-stdin" in without.err) == (2, True)
        ran = known("password", "--password-stdin", "--json", stdin=f"{NEW_PASSWORD}\n")
        assert json.loads(ran.out)["changed"] is True
        assert _signs_in(known, _NEW)

    def test_who_is_not_signed_in_is_told_so_before_anything_is_asked(self, person: Person) -> None:
        with person.at_terminal("password") as terminal:
            assert terminal.end() == 3
            assert "cadenza login" in terminal.seen

    def test_an_anonymous_user_is_told_that_there_is_none(self, person: Person) -> None:
        assert person("login", "--anonymous").code == 0
        ran = person("password", "--password-stdin", stdin=f"{NEW_PASSWORD}\n")
        assert (ran.code, "cadenza signup" in ran.err) == (2, True)

    def test_the_second_factor_is_asked_for_where_the_provider_wants_it(self, person: Person) -> None:
        secret = person.provider.enroll(person.email)
        assert _signs_in(person, _OLD)
        without = person("password", "--password-stdin", stdin=f"{NEW_PASSWORD}\n")
        assert (without.code, "cadenza login --second-factor" in without.err) == (4, True)
        code = totp(secret, time.time() + STEP_SECONDS)
        ran = person("password", "--password-stdin", "--code-stdin", stdin=f"{NEW_PASSWORD}\n{code}\n")
        assert ran.code == 0, ran.err
        assert _signs_in(person, _NEW)

    def test_a_code_by_mail_is_asked_for_where_the_provider_wants_one(self, newcomer: Person) -> None:
        with newcomer.at_terminal("signup", "--email", newcomer.email, environ=_OLD) as terminal:
            terminal.expect("press Enter: ")
            first = newcomer.provider.mail(newcomer.email)
            terminal.type(first.code)
            assert terminal.end() == 0
        newcomer.provider.let_a_day_pass()
        without = newcomer("password", "--password-stdin", stdin=f"{NEW_PASSWORD}\n")
        assert (without.code, "Sign in again with cadenza login" in without.err) == (4, True)
        with newcomer.at_terminal("password") as terminal:
            for password in (NEW_PASSWORD, NEW_PASSWORD):
                terminal.expect(": ")
                terminal.type(password)
            terminal.expect("Its code: ")
            terminal.type("000000")
            terminal.expect("Its code: ")
            terminal.type(newcomer.provider.mail(newcomer.email, after=first.code).code)
            assert terminal.end() == 0
        assert _signs_in(newcomer, _NEW)


class TestForgotten:
    def test_a_person_types_the_code_of_the_mail_and_a_new_password(self, known: Person) -> None:
        with known.at_terminal("recover", "--email", known.email) as terminal:
            terminal.expect("not followed: ")
            terminal.type(known.provider.mail(known.email).code)
            for password in ("1", "1"):
                terminal.expect(": ")
                terminal.type(password)
            terminal.expect("Choose a longer one")
            for password in (NEW_PASSWORD, NEW_PASSWORD):
                terminal.expect(": ")
                terminal.type(password)
            assert terminal.end() == 0
            assert f"Signed in as {known.email};" in terminal.seen
        assert known.waiting == []
        assert _signs_in(known, _NEW)

    def test_a_script_pipes_the_link_and_the_password_in(self, known: Person) -> None:
        argv = ("recover", "--email", known.email, "--code-stdin", "--password-stdin", "--json")
        with known.start(*argv) as process:
            assert json.loads(told_by(process)) == {"event": "mail", "to": known.email}
            given = f"{known.provider.mail(known.email).link}\n{NEW_PASSWORD}\n"
            out, err = process.communicate(given, timeout=30)
        assert process.returncode == 0, err
        assert json.loads(out)["email"] == known.email
        assert _signs_in(known, _NEW)

    @pytest.mark.parametrize(
        ("options", "named"),
        [((), "--password-stdin"), (("--password-stdin",), "--code-stdin"), (("--code-stdin",), "--password-stdin")],
    )
    def test_nobody_is_mailed_for_nothing(self, known: Person, options: tuple[str, ...], named: str) -> None:
        ran = known("recover", "--email", known.email, *options)
        assert (ran.code, named in ran.err) == (2, True)
        assert known("inbox", "--to", known.email).out == "No mail.\n"

    def test_a_password_that_is_refused_leaves_nobody_signed_in(self, known: Person) -> None:
        with known.start("recover", "--email", known.email, "--code-stdin", "--password-stdin") as process:
            assert "if it has an account" in told_by(process)
            _, err = process.communicate(f"{known.provider.mail(known.email).code}\n1\n", timeout=30)
        assert (process.returncode, "at least" in err) == (4, True)
        assert not known.session_file.exists()

    def test_it_does_not_tell_who_is_registered(self, person: Person) -> None:
        with person.at_terminal("recover", "--email", person.email) as terminal:
            terminal.expect("if it has an account")
            terminal.expect("not followed: ")
            terminal.interrupt()
            assert terminal.end() == 130
        assert person.waiting == []
