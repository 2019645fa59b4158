"""Each way to sign in, as a person at a terminal and as a script: what is asked, what is waited for, what is left."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.cli.conftest import RunningStack
from tests.cli.people import PASSWORD, Person, Provider, person_at, told_by
from tests.cli.terminal import Terminal
from tests.identity.browsing import walk
from tests.support.loopback import use_free_ports


def _left(person: Person) -> tuple[bool, list[str]]:
    """What a sign-in that did not end well may have left: a session, something that waits."""
    return person.session_file.exists(), person.waiting


def _shown_url(terminal: Terminal) -> str:
    return next(line.strip() for line in terminal.seen.splitlines() if "/authorize?" in line)


class TestPicking:
    def test_a_person_chooses_from_what_the_provider_offers_the_best_first(self, known: Person) -> None:
        with known.at_terminal("login") as terminal:
            menu = terminal.expect("Which? [1] ")
            assert [line[5:] for line in menu.splitlines() if line.startswith("  ")] == [
                "test, in a browser elsewhere, whose last address is pasted here",
                "a code or link by mail",
                "a password",
                "without a name",
            ]
            terminal.type("3")
            terminal.expect("E-mail: ")
            terminal.type(known.email)
            terminal.expect("Password of ")
            terminal.type(PASSWORD)
            assert terminal.end() == 0
            assert f"Signed in as {known.email}; the session is kept in {known.session_file}" in terminal.seen
            assert PASSWORD not in terminal.seen

    def test_an_address_leaves_the_password_and_enter_alone_asks_for_a_mail(self, known: Person) -> None:
        with known.at_terminal("login", "--email", known.email) as terminal:
            terminal.expect("Password of ")
            terminal.type("")
            terminal.expect("Its code, or its link")
            terminal.type(known.provider.mail(known.email).code)
            assert terminal.end() == 0

    def test_without_a_terminal_nothing_is_guessed_and_every_option_is_named(self, person: Person) -> None:
        ran = person("login")
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        for option in ("CADENZA_PASSWORD", "--password-stdin", "--code", "--magic-link", "--provider", "--anonymous"):
            assert option in ran.err

    @pytest.mark.parametrize(
        "argv",
        [
            ("--code", "--password"),
            ("--magic-link", "--anonymous"),
            ("--provider", "test", "--code"),
            ("--password-stdin", "--id-token-stdin", "--provider", "test"),
            ("--id-token-stdin",),
            ("--provider", "--no-browser"),
            ("--provider", ""),
        ],
    )
    def test_ways_that_contradict_one_another_are_refused(self, person: Person, argv: tuple[str, ...]) -> None:
        ran = person("login", *argv)
        assert ran.code == 2
        assert argv[0] in ran.err or argv[1] in ran.err

    def test_a_provider_that_is_not_open_is_named_before_a_browser_opens(self, person: Person) -> None:
        ran = person("login", "--provider", "google", environ=person.browser())
        assert (ran.code, ran.err) == (2, "cadenza: --provider: The provider google is not open here. Open: test.\n")

    @pytest.mark.parametrize("verb", ["login", "signup", "recover"])
    def test_g4_nobody_types_a_password_for_a_session_that_cannot_be_kept(self, person: Person, verb: str) -> None:
        nowhere = {"CADENZA_DATA_DIR": "/dev/fd/cadenza"}  # no folder can be made there, not even by root
        with person.at_terminal(verb, "--email", person.email, environ=nowhere) as terminal:
            assert terminal.end() == 1
            assert "assword" not in terminal.seen
            assert "/dev/fd/cadenza" in terminal.seen

    @pytest.mark.parametrize("answer", ["", "n", "no"])
    def test_an_anonymous_user_is_not_lost_by_mistake(self, person: Person, answer: str) -> None:
        assert person("login", "--anonymous").code == 0
        before = person.session_file.read_text()
        with person.at_terminal("login", "--anonymous") as terminal:
            terminal.expect("[y/N] ")
            terminal.type(answer)
            assert terminal.end() == 130
        assert person.session_file.read_text() == before


class TestMails:
    def test_a_wrong_code_is_asked_for_again_and_the_link_does_as_well(self, known: Person) -> None:
        with known.at_terminal("login", "--code", "--email", known.email) as terminal:
            terminal.expect("not followed: ")
            terminal.type("000000")
            assert "otp" not in terminal.expect("take the newest one")
            terminal.expect("not followed: ")
            terminal.type("what?")
            terminal.expect("Paste the link or the code of the mail")
            terminal.type(known.provider.mail(known.email).link)
            assert terminal.end() == 0
        assert known.waiting == []

    def test_a_script_pipes_the_code_in(self, known: Person) -> None:
        with known.start("login", "--code", "--email", known.email, "--code-stdin", "--json") as process:
            assert json.loads(told_by(process)) == {"event": "mail", "to": known.email}
            out, err = process.communicate(known.provider.mail(known.email).code + "\n", timeout=30)
        assert (process.returncode, err) == (0, "")
        assert json.loads(out)["email"] == known.email

    def test_a_script_with_a_wrong_code_is_refused_at_once(self, known: Person) -> None:
        ran = known("login", "--code", "--email", known.email, "--code-stdin", stdin="000000\n")
        assert ran.code == 4
        assert "take the newest one" in ran.err
        assert _left(known) == (False, [])

    def test_nobody_is_mailed_for_nothing(self, known: Person) -> None:
        ran = known("login", "--code", "--email", known.email)
        assert ran.code == 2
        assert "--code-stdin" in ran.err
        inbox = known("inbox", "--to", known.email)
        assert inbox.out == "No mail.\n"

    def test_a_link_that_is_followed_on_this_machine_ends_the_wait(self, known: Person) -> None:
        with known.start("login", "--magic-link", "--email", known.email) as process:
            assert "A mail is on its way" in told_by(process)
            page = httpx.get(known.provider.mail(known.email).link, follow_redirects=True, trust_env=False)
            assert "You can close this page" in page.text
            _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert known.waiting == []

    def test_at_a_terminal_the_link_may_be_followed_or_pasted(self, known: Person) -> None:
        with known.at_terminal("login", "--magic-link", "--email", known.email) as terminal:
            terminal.expect("paste link or code: ")
            httpx.get(known.provider.mail(known.email).link, follow_redirects=True, trust_env=False)
            assert terminal.end() == 0
        with known.at_terminal("login", "--magic-link", "--email", known.email) as terminal:
            terminal.expect("paste link or code: ")
            terminal.type(known.provider.mail(known.email).code)
            assert terminal.end() == 0
        assert known.waiting == []

    def test_a_link_that_is_not_followed_in_time_is_forgotten(self, known: Person) -> None:
        ran = known("login", "--magic-link", "--email", known.email, "--timeout", "1")
        assert ran.code == 5
        assert "within 1 s" in ran.err
        assert _left(known) == (False, [])

    def test_who_has_no_account_is_told_how_to_get_one(self, person: Person) -> None:
        ran = person("login", "--code", "--email", person.email, "--code-stdin", stdin="123456\n")
        assert ran.code == 4
        assert "cadenza signup" in ran.err
        assert person.waiting == []


class TestBrowser:
    def test_g2_a_browser_on_this_machine_comes_back_by_itself(
        self, person: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person.redirects = use_free_ports(monkeypatch)
        ran = person("login", "--provider", "test", environ=person.browser())
        assert ran.code == 0, ran.err
        assert f"Signed in as {person.email};" in ran.out
        assert "Your browser opens." in ran.err
        assert person.waiting == []

    def test_whoever_says_no_there_is_not_signed_in(self, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        person.redirects = use_free_ports(monkeypatch)
        ran = person("login", "--provider", "test", environ=person.browser("deny"))
        assert ran.code == 4
        assert ran.err.endswith("\n")
        assert _left(person) == (False, [])

    def test_g2_over_ssh_the_address_is_shown_and_the_last_one_pasted(self, person: Person) -> None:
        with person.at_terminal("login", "--provider", "test", environ={"SSH_CONNECTION": "a"}) as terminal:
            assert "this is an SSH session" in terminal.expect("Waiting for it; or paste the address")
            url = _shown_url(terminal)
            end = asyncio.run(walk(url, email=person.email, until=person.redirects[0]))
            terminal.type(end.replace("state=", "state=x"))
            terminal.expect("belongs to another sign-in")
            terminal.type(end)
            assert terminal.end() == 0
            assert f"Signed in as {person.email};" in terminal.seen
        assert person.waiting == []

    def test_a_code_alone_may_be_pasted_too(self, person: Person) -> None:
        with person.at_terminal("login", "--provider", "test", "--no-browser") as terminal:
            terminal.expect("Waiting for it; or paste the address")
            end = asyncio.run(walk(_shown_url(terminal), email=person.email, until=person.redirects[0]))
            terminal.type(parse_qs(urlsplit(end).query)["code"][0])
            assert terminal.end() == 0

    def test_a_script_may_open_the_address_itself(self, person: Person) -> None:
        with person.start("login", "--provider", "test", "--no-browser", "--json") as process:
            told = json.loads(told_by(process))
            assert told["event"] == "browser"
            end = asyncio.run(walk(told["url"], email=person.email, until=person.redirects[0]))
            httpx.get(end, trust_env=False)
            out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert json.loads(out)["email"] == person.email

    def test_with_neither_browser_nor_terminal_it_says_so_at_once(self, person: Person) -> None:
        ran = person("login", "--provider", "test")
        assert ran.code == 2
        assert "--no-browser" in ran.err
        assert _left(person) == (False, [])


class TestOtherWays:
    def test_without_a_name(self, person: Person) -> None:
        shown = json.loads(person("login", "--anonymous", "--json").out)
        assert (shown["anonymous"], shown["email"]) == (True, "")
        assert "none: an anonymous user" in person("whoami").out

    def test_an_id_token_comes_from_stdin_and_a_bad_one_is_refused(self, person: Person) -> None:
        argv = ("login", "--id-token-stdin", "--provider", "google")
        assert "No ID token was given" in person(*argv).err
        ran = person(*argv, stdin="not.a.token\n")
        assert ran.code == 4
        assert "not.a.token" not in ran.err


class TestOverWebSocket:
    """The same through the gateway, at a whole stack."""

    @pytest.fixture
    def customer(self, stack: RunningStack, tmp_path: Path) -> Person:
        """Somebody whose provider is out of their reach: only what the gateway hands on can work."""
        customer = person_at(Provider(url=stack.supabase_url, folder=tmp_path), tmp_path)
        customer.environ |= {"CADENZA_WS_URL": stack.ws_url, "SUPABASE_URL": "http://127.0.0.1:9"}
        return customer

    def test_signed_up_with_a_password_and_in_with_a_code(self, customer: Person) -> None:
        password = {"CADENZA_PASSWORD": PASSWORD}
        ran = customer("signup", "--over-websocket", "--email", customer.email, environ=password)
        assert ran.code == 0, ran.err
        with customer.at_terminal("login", "--over-websocket") as terminal:
            assert "in the browser" not in terminal.expect("Which? [1] ")  # the gateway does not tell who is open
            terminal.type("1")
            terminal.expect("E-mail: ")
            terminal.type(customer.email)
            terminal.expect("not followed: ")
            terminal.type("000000")
            terminal.expect("take the newest one")
            terminal.type(customer.provider.mail(customer.email).code)
            assert terminal.end() == 0
        assert customer("call", "query.venue.list").code == 0

    def test_a_browser_comes_back(self, customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        customer.redirects = use_free_ports(monkeypatch)
        ran = customer("login", "--over-websocket", "--provider", "test", environ=customer.browser())
        assert ran.code == 0, ran.err
        assert f"Signed in as {customer.email};" in ran.out

    def test_who_has_no_account_is_told_how_to_get_one(self, customer: Person) -> None:
        argv = ("login", "--over-websocket", "--code", "--code-stdin", "--email", customer.email)
        ran = customer(*argv, stdin="123456\n")
        assert ran.code == 4
        assert "cadenza signup" in ran.err
        assert ran.err.count("\n") == 1


class TestOut:
    def test_sessions_of_other_places_end_and_this_one_goes_on_or_ends_too(self, known: Person, tmp_path: Path) -> None:
        elsewhere = dataclasses.replace(known, environ={**known.environ, "CADENZA_DATA_DIR": str(tmp_path / "theirs")})
        password = {"CADENZA_PASSWORD": PASSWORD, "CADENZA_EMAIL": known.email}
        for place in (known, elsewhere):
            assert place("login", environ=password).code == 0
        assert known("logout", "--others").out == f"The other sessions of {known.email} have ended.\n"
        assert (known("whoami").code, elsewhere("whoami").code) == (0, 3)
        assert elsewhere("login", environ=password).code == 0
        assert known("logout", "--everywhere").out == f"Signed out {known.email} everywhere.\n"
        assert (known("whoami").code, elsewhere("whoami").code) == (3, 3)
