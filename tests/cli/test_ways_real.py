"""The same commands at the real Supabase Auth, with what the embedded provider does not ask for."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from tests.cli.people import PASSWORD, Person, Provider, enroll, person_at
from tests.contract.stacks import Letter, from_post, prefix_front
from tests.identity.browsing import walk
from tests.support.partners import Partners
from tests.support.programs import free_port
from tests.support.real import find_programs, run_postgres, run_supabase_auth
from tests.support.smtp_sink import SmtpSink

from cadenza.tokens.signer import SigningKey

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})

pytestmark = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]
DEADLINE_SECONDS = 30
NEW_PASSWORD = "correct horse 2"
_OLD = {"CADENZA_PASSWORD": PASSWORD}
_CAREFUL = {
    "GOTRUE_MAILER_AUTOCONFIRM": "false",
    "GOTRUE_SECURITY_UPDATE_PASSWORD_REQUIRE_CURRENT_PASSWORD": "true",
}

#: The newest mail to an address with another code than that.
Post = Callable[[str, str], Letter]


@pytest_asyncio.fixture
async def post() -> AsyncIterator[SmtpSink]:
    async with SmtpSink().serving() as sink:
        yield sink


@pytest_asyncio.fixture
async def person(post: SmtpSink, tmp_path: Path) -> AsyncIterator[Person]:
    assert not isinstance(_REAL, str)
    front = free_port()
    url = f"http://127.0.0.1:{front}"
    with (
        Partners() as partners,
        run_postgres(_REAL.postgres) as cluster,
        run_supabase_auth(
            _REAL.supabase_auth,
            database_url=cluster.make_auth_database(),
            private_jwk=SigningKey.generate("ES256").private_jwk(),
            external_url=f"{url}/auth/v1",
            log=tmp_path / "supabase-auth.log",
            further={**partners.environment(f"{url}/auth/v1", post.port), **_CAREFUL},
        ) as bare,
        prefix_front(bare, front, tmp_path),
    ):
        yield person_at(Provider(url=url, folder=tmp_path), tmp_path)


async def test_a_persons_day(person: Person, post: SmtpSink) -> None:
    loop = asyncio.get_running_loop()

    def mailed(to: str, after: str) -> Letter:
        ends_at = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < ends_at:
            letter = asyncio.run_coroutine_threadsafe(from_post(post, to), loop).result(DEADLINE_SECONDS)
            if letter.code != after:
                return letter
        raise AssertionError("no mail came")

    await asyncio.to_thread(_day, person, mailed)


def _day(person: Person, mailed: Post) -> None:
    last = _becomes_somebody(person, mailed)
    last = _signs_in_by_mail(person, mailed, last)
    _changes_the_password(person)
    _forgets_the_password(person, mailed, last)
    _signs_in_in_a_browser(person)
    _proves_a_second_factor(person)


def _becomes_somebody(person: Person, mailed: Post) -> str:
    """Signs in without a name, and confirms an address with its code."""
    assert person("login", "--anonymous").code == 0
    with person.at_terminal("signup", "--email", person.email, environ=_OLD) as terminal:
        terminal.expect("press Enter: ")
        letter = mailed(person.email, "")
        terminal.type(letter.code)
        assert terminal.end() == 0, terminal.seen
        assert f"Signed in as {person.email};" in terminal.seen
    assert person("login", "--email", person.email, environ=_OLD).code == 0
    return letter.code


def _signs_in_by_mail(person: Person, mailed: Post, last: str) -> str:
    """Types a wrong code, then pastes the link."""
    with person.at_terminal("login", "--code", "--email", person.email) as terminal:
        terminal.expect("not followed: ")
        terminal.type("000000")
        terminal.expect("take the newest one")
        letter = mailed(person.email, last)
        terminal.type(letter.link)
        assert terminal.end() == 0, terminal.seen
    return letter.code


def _changes_the_password(person: Person) -> None:
    """With the old one, which this provider wants to see, but not of whoever came by a mail."""
    assert person("login", "--email", person.email, environ=_OLD).code == 0
    with person.at_terminal("password") as terminal:
        for question, answer in (
            ("New password: ", NEW_PASSWORD),
            ("The same again: ", NEW_PASSWORD),
            ("Current password: ", "not that one"),
            ("Current password: ", PASSWORD),
        ):
            terminal.expect(question)
            terminal.type(answer)
        assert terminal.end() == 0, terminal.seen
    without = person("password", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert (without.code, "Give the old one in CADENZA_PASSWORD" in without.err) == (4, True)
    ran = person("password", "--password-stdin", stdin=f"{PASSWORD}\n", environ={"CADENZA_PASSWORD": NEW_PASSWORD})
    assert ran.code == 0, ran.err


def _forgets_the_password(person: Person, mailed: Post, last: str) -> None:
    with person.at_terminal("recover", "--email", person.email) as terminal:
        terminal.expect("not followed: ")
        terminal.type(mailed(person.email, last).code)
        for question in ("New password: ", "The same again: "):
            terminal.expect(question)
            terminal.type(NEW_PASSWORD)
        assert terminal.end() == 0, terminal.seen
    assert person("login", "--email", person.email, environ={"CADENZA_PASSWORD": NEW_PASSWORD}).code == 0


def _signs_in_in_a_browser(person: Person) -> None:
    """Elsewhere, and pastes where it ended."""
    assert "Open: keycloak." in person("login", "--provider", "google", environ=person.browser()).err
    with person.at_terminal("login", "--provider", "keycloak", "--no-browser") as terminal:
        terminal.expect("paste the address")
        url = next(line.strip() for line in terminal.seen.splitlines() if "/authorize?" in line)
        terminal.type(asyncio.run(walk(url, email=person.email, until=person.redirects[0])))
        assert terminal.end() == 0, terminal.seen


def _proves_a_second_factor(person: Person) -> None:
    """Adds an app, signs in anew, gives its code, and removes it."""
    new = {"CADENZA_PASSWORD": NEW_PASSWORD}
    assert person("login", "--email", person.email, environ=new).code == 0  # to that provider it was somebody else
    app = enroll(person, "phone")
    same = person("mfa", "enroll", "phone", "--json", "--code-stdin", stdin="000000\n")
    assert (same.code, "cadenza mfa enroll NAME" in same.err) == (4, True)
    assert person("login", "--email", person.email, environ=new).code == 0
    assert "cadenza mfa challenge" in person("mfa", "list").err
    raised = person("mfa", "challenge", "phone", "--code-stdin", "--json", stdin=f"{app.code()}\n")
    assert json.loads(raised.out)["level"] == "aal2", raised.err
    removed = person("mfa", "remove", "--yes")
    assert (removed.code, removed.out) == (0, "phone is removed. There is no second factor any more.\n"), removed.err
    assert person("mfa", "enroll", "phone", "--json", "--code-stdin", stdin="000000\n").code == 4
    assert json.loads(person("mfa", "list", "--json").out)["factors"] == []
