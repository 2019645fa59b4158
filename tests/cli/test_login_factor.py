"""The second factor of whoever signs in at a shell: asked for, insisted on, given later, and refused."""

from __future__ import annotations

import json
import time

import pytest
from tests.cli.people import PASSWORD, Person
from tests.support.totp import STEP_SECONDS, totp


class TestSecondFactor:
    @pytest.fixture
    def secret(self, person: Person) -> str:
        return person.provider.enroll(person.email)

    @staticmethod
    def _code(secret: str) -> str:
        return totp(secret, time.time() + STEP_SECONDS)  # the one of now was used to enrol

    @staticmethod
    def _password(person: Person) -> dict[str, str]:
        return {"CADENZA_PASSWORD": PASSWORD, "CADENZA_EMAIL": person.email}

    def test_it_is_asked_for_where_the_account_has_one(self, person: Person, secret: str) -> None:
        with person.at_terminal("login", environ=self._password(person)) as terminal:
            terminal.expect("Code of phone (Enter alone: later): ")
            terminal.type("000000")
            terminal.expect("Type the code that the app shows now.")
            terminal.expect("Code of phone")
            terminal.type(self._code(secret))
            assert terminal.end() == 0
            assert "with a second factor" in terminal.seen
        assert "aal2, two factors" in person("whoami").out

    def test_a_person_may_give_it_later(self, person: Person, secret: str) -> None:
        with person.at_terminal("login", environ=self._password(person)) as terminal:
            terminal.expect("later): ")
            terminal.type("")
            assert terminal.end() == 0
            assert "still to come: cadenza login --second-factor" in terminal.seen
        before = json.loads(person("whoami", "--json").out)
        assert (before["level"], before["needsSecondFactor"]) == ("aal1", True)
        ran = person("login", "--second-factor", "--code-stdin", "--json", stdin=f"{self._code(secret)}\n")
        assert ran.code == 0, ran.err
        after = json.loads(person("whoami", "--json").out)
        assert (after["level"], after["methods"]) == ("aal2", ["password", "totp"])
        assert after["user"]["id"] == before["user"]["id"]

    def test_a_script_gives_password_and_code_on_two_lines(self, person: Person, secret: str) -> None:
        ran = person(
            *("login", "--email", person.email, "--password-stdin", "--code-stdin", "--json"),
            stdin=f"{PASSWORD}\n{self._code(secret)}\n",
        )
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["level"] == "aal2"

    @pytest.mark.usefixtures("secret")
    def test_a_script_without_it_is_told_what_is_missing(self, person: Person) -> None:
        ran = person("login", environ=self._password(person))
        assert ran.code == 0
        assert "cadenza login --second-factor" in ran.err

    @pytest.mark.usefixtures("secret")
    @pytest.mark.parametrize("insist", [(), ("--second-factor",)])
    def test_a_wrong_one_leaves_nobody_signed_in(self, person: Person, insist: tuple[str, ...]) -> None:
        ran = person("login", "--code-stdin", *insist, stdin="000000\n", environ=self._password(person))
        assert ran.code == 4
        assert not person.session_file.exists()

    @pytest.mark.usefixtures("secret")
    def test_ctrl_c_at_the_question_leaves_nobody_signed_in(self, person: Person) -> None:
        with person.at_terminal("login", environ=self._password(person)) as terminal:
            terminal.expect("later): ")
            terminal.interrupt()
            assert terminal.end() == 130
        assert not person.session_file.exists()

    def test_who_insists_and_has_none_is_told_and_not_signed_in(self, known: Person) -> None:
        ran = known("login", "--second-factor", "--code-stdin", stdin="123456\n", environ=self._password(known))
        assert ran.code == 2
        assert "cadenza mfa" in ran.err
        assert not known.session_file.exists()
