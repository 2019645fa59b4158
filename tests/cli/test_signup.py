"""Making an account at a shell: with a password, with a confirmation, without a password, out of an anonymous one."""

from __future__ import annotations

import json

import httpx
import pytest
from tests.cli.people import PASSWORD, Person, told_by

_PASSWORD = {"CADENZA_PASSWORD": PASSWORD}


def _follow(link: str) -> None:
    """Follow a mail's link in some browser. Where it leads is the provider's own page, which is not there in a test."""
    answer = httpx.get(link, trust_env=False)
    assert answer.status_code == 303
    assert "error" not in answer.headers["location"]


class TestAtOnce:
    def test_a_person_types_the_password_twice_and_is_signed_in(self, person: Person) -> None:
        with person.at_terminal("signup", "--email", person.email) as terminal:
            for password in ("correct horse 1", "correct house 1", PASSWORD, PASSWORD):
                terminal.expect(": ")
                terminal.type(password)
            assert terminal.end() == 0
            assert "These two differ." in terminal.seen
            assert f"Signed in as {person.email};" in terminal.seen
            assert PASSWORD not in terminal.seen
        assert person("login", "--email", person.email, environ=_PASSWORD).code == 0

    def test_a_script_pipes_the_password_in(self, person: Person) -> None:
        ran = person("signup", "--email", person.email, "--password-stdin", "--json", stdin=f"{PASSWORD}\n")
        assert ran.code == 0, ran.err
        shown = json.loads(ran.out)
        assert (shown["email"], shown["anonymous"], shown["level"]) == (person.email, False, "aal1")

    def test_whoever_is_known_is_told_to_sign_in(self, person: Person) -> None:
        person.provider.make_user(person.email)
        ran = person("signup", "--email", person.email, environ=_PASSWORD)
        assert ran.code == 4
        assert "cadenza login" in ran.err
        assert "cadenza recover" in ran.err

    def test_a_short_password_is_refused_with_what_is_wanted(self, person: Person) -> None:
        ran = person("signup", "--email", person.email, "--password-stdin", stdin="1\n")
        assert ran.code == 4
        assert "at least" in ran.err
        assert "Choose a longer one" in ran.err

    def test_without_a_password_a_code_does(self, person: Person) -> None:
        with person.at_terminal("signup", "--code", "--email", person.email) as terminal:
            terminal.expect("not followed: ")
            terminal.type(person.provider.mail(person.email).code)
            assert terminal.end() == 0
        assert person.waiting == []


class TestConfirmation:
    def test_the_code_of_the_mail_is_typed(self, newcomer: Person) -> None:
        with newcomer.at_terminal("signup", "--email", newcomer.email, environ=_PASSWORD) as terminal:
            terminal.expect("press Enter: ")
            terminal.type("000000")
            terminal.expect("press Enter: ")
            mail = newcomer.provider.mail(newcomer.email)
            terminal.type(mail.link)
            terminal.expect("That is the link.")
            terminal.type(mail.code)
            assert terminal.end() == 0
            assert f"Signed in as {newcomer.email};" in terminal.seen

    def test_the_link_is_followed_and_enter_pressed(self, newcomer: Person) -> None:
        with newcomer.at_terminal("signup", "--email", newcomer.email, environ=_PASSWORD) as terminal:
            terminal.expect("press Enter: ")
            terminal.type("")
            terminal.expect("Follow the link in the confirmation mail")
            terminal.expect("press Enter: ")
            _follow(newcomer.provider.mail(newcomer.email).link)
            terminal.type("")
            assert terminal.end() == 0
            assert f"Signed in as {newcomer.email};" in terminal.seen

    def test_a_script_is_told_what_is_left_to_do(self, newcomer: Person) -> None:
        ran = newcomer("signup", "--email", newcomer.email, environ=_PASSWORD)
        assert (ran.code, ran.err) == (
            0,
            f"A mail is on its way to {newcomer.email}, unless it has an account already.\n",
        )
        assert ran.out == (
            f"Almost: follow the link in the mail to {newcomer.email}, then: cadenza login --email {newcomer.email}\n"
        )
        assert not newcomer.session_file.exists()
        early = newcomer("login", "--email", newcomer.email, environ=_PASSWORD)
        assert (early.code, "Follow the link" in early.err) == (4, True)
        _follow(newcomer.provider.mail(newcomer.email).link)
        assert newcomer("login", "--email", newcomer.email, environ=_PASSWORD).code == 0

    def test_a_script_may_pipe_the_code_in(self, newcomer: Person) -> None:
        argv = ("signup", "--email", newcomer.email, "--code-stdin", "--json")
        with newcomer.start(*argv, environ=_PASSWORD) as process:
            assert json.loads(told_by(process)) == {"event": "mail", "to": newcomer.email}
            out, err = process.communicate(newcomer.provider.mail(newcomer.email).code + "\n", timeout=30)
        assert process.returncode == 0, err
        assert json.loads(out)["email"] == newcomer.email


class TestUpgrade:
    @pytest.fixture
    def user_id(self, person: Person) -> str:
        """Of the anonymous user who is signed in."""
        shown: str = json.loads(person("login", "--anonymous", "--json").out)["userId"]
        return shown

    @pytest.mark.parametrize("options", [(), ("--anonymous",)])
    def test_an_anonymous_user_stays_the_same(self, person: Person, user_id: str, options: tuple[str, ...]) -> None:
        ran = person("signup", "--email", person.email, "--json", *options, environ=_PASSWORD)
        assert ran.code == 0, ran.err
        shown = json.loads(ran.out)
        assert (shown["userId"], shown["anonymous"], shown["email"]) == (user_id, False, person.email)
        assert person("login", "--email", person.email, environ=_PASSWORD).code == 0

    def test_a_new_one_is_made_where_that_is_asked_for(self, person: Person, user_id: str) -> None:
        ran = person("signup", "--email", person.email, "--new", "--json", environ=_PASSWORD)
        assert json.loads(ran.out)["userId"] != user_id

    def test_a_refused_address_keeps_the_anonymous_user(self, person: Person, user_id: str) -> None:
        person.provider.make_user(person.email)
        ran = person("signup", "--email", person.email, environ=_PASSWORD)
        assert (ran.code, "Sign in with it" in ran.err) == (4, True)
        assert json.loads(person("whoami", "--json").out)["user"]["id"] == user_id

    def test_where_nobody_is_anonymous_it_says_so(self, person: Person) -> None:
        ran = person("signup", "--anonymous", "--email", person.email, environ=_PASSWORD)
        assert ran.code == 2
        assert "No anonymous user is signed in" in ran.err
        assert person("signup", "--anonymous", "--new").code == 2

    @pytest.mark.parametrize("by", ["code", "link"])
    def test_the_new_address_is_confirmed(self, newcomer: Person, by: str) -> None:
        before = json.loads(newcomer("login", "--anonymous", "--json").out)["userId"]
        with newcomer.at_terminal("signup", "--email", newcomer.email, environ=_PASSWORD) as terminal:
            terminal.expect("press Enter: ")
            terminal.type("")
            terminal.expect("not confirmed yet")
            terminal.expect("press Enter: ")
            mail = newcomer.provider.mail(newcomer.email)
            if by == "link":
                _follow(mail.link)
            terminal.type(mail.code if by == "code" else "")
            assert terminal.end() == 0
        shown = json.loads(newcomer("whoami", "--json").out)
        assert (shown["user"]["id"], shown["user"]["email"], shown["anonymous"]) == (before, newcomer.email, False)
