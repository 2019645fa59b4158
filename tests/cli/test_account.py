"""``cadenza account``: one's data in a file of one's own, and the account deleted once that is surely meant."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cadenza.cli.private_file import write_private_file
from cadenza.errors import ConfigurationError
from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config import PasswordHashing

PASSWORD = "correct horse 1"
DEADLINE_SECONDS = 60


@pytest.fixture
def newcomer(somebody: Any, stack: Any) -> Any:
    """Somebody with an account that may go."""
    email = f"{secrets.token_hex(6)}@example.com"
    body = {"email": email, "password": PASSWORD}
    httpx.post(f"{stack.supabase_url}/signup", json=body, trust_env=False).raise_for_status()
    assert signed_in(somebody, email, stack.supabase_url, stack.ws_url).code == 0
    somebody.email = email
    return somebody


def signed_in(somebody: Any, email: str, supabase_url: str, ws_url: str) -> Any:
    addresses = ("--ws-url", ws_url, "--supabase-url", supabase_url)
    return somebody("login", "--email", email, *addresses, environ={"CADENZA_PASSWORD": PASSWORD})


def test_a_copy_is_written_where_nobody_else_reads_it(newcomer: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text("readable by all")
    file.chmod(0o644)
    ran = newcomer("account", "export", "-o", str(file))

    assert (ran.code, newcomer.email in ran.out) == (0, False), ran.err
    assert file.stat().st_mode & 0o777 == 0o600
    copy = json.loads(file.read_text())
    assert (copy["user"]["email"], copy["has_password"]) == (newcomer.email, True)
    assert sorted(tmp_path.glob(".mine*")) == []


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_without_a_file_the_copy_goes_to_standard_output(newcomer: Any, options: tuple[str, ...]) -> None:
    ran = newcomer("account", "export", *options)

    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["user"]["email"] == newcomer.email
    assert ran.out.count("\n") == 1 or not options


def test_a_file_that_cannot_be_written_is_a_clear_mistake(newcomer: Any, tmp_path: Path) -> None:
    ran = newcomer("account", "export", "-o", str(tmp_path / "nowhere" / "x"))
    assert ran.code == 2
    assert "nowhere" in ran.err

    with pytest.raises(ConfigurationError):
        write_private_file(tmp_path, b"a folder")
    assert not [path for path in tmp_path.parent.iterdir() if path.name.startswith(f".{tmp_path.name}")]


def test_a_program_must_say_that_it_means_it(newcomer: Any) -> None:
    refused = newcomer("account", "delete")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert newcomer("whoami").code == 0

    gone = newcomer("account", "delete", "--yes", "--json")

    assert gone.code == 0, gone.err
    assert json.loads(gone.out)["deleted"]
    assert newcomer("whoami").code == 3
    again = signed_in(newcomer, newcomer.email, newcomer.stack.supabase_url, newcomer.stack.ws_url)
    assert again.code == 4


def test_nobody_signed_in_deletes_nothing(somebody: Any) -> None:
    for verb in (("export",), ("delete", "--yes")):
        assert somebody("account", *verb).code == 3


class Terminal:
    """A command with somebody at its terminal."""

    def __init__(self, somebody: Any, *argv: str) -> None:
        self._mine, theirs = pty.openpty()
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "text": False, "start_new_session": True}
        self._process = somebody.start(*argv, **streams)
        os.close(theirs)
        self.seen = ""

    def wait_for(self, words: str) -> None:
        while words not in self.seen:
            self.seen += os.read(self._mine, 4096).decode()

    def type(self, words: str) -> None:
        os.write(self._mine, words.encode() + b"\n")

    def end(self) -> int:
        with contextlib.suppress(OSError):  # it closed its end
            while piece := os.read(self._mine, 4096):
                self.seen += piece.decode()
        os.close(self._mine)
        code: int = self._process.wait(timeout=DEADLINE_SECONDS)
        return code


def test_a_person_types_the_address_before_the_account_goes(newcomer: Any) -> None:
    slipped = Terminal(newcomer, "account", "delete")
    slipped.wait_for("type")
    slipped.type("yes")
    assert slipped.end() == 2
    assert "nothing was done" in slipped.seen
    assert newcomer("whoami").code == 0

    meant = Terminal(newcomer, "account", "delete")
    meant.wait_for("type")
    meant.type(newcomer.email.upper())
    assert meant.end() == 0, meant.seen
    assert newcomer("whoami").code == 3


@pytest_asyncio.fixture
async def ahead() -> list[float]:
    """How far the provider's clock is ahead, in seconds."""
    return [0.0]


@pytest_asyncio.fixture
async def provider(tmp_path: Path, ahead: list[float]) -> AsyncIterator[IdentityServer]:
    config = IdentityConfig(
        data_dir=tmp_path / "identity", port=0, hashing=PasswordHashing(passes=1, memory_kib=8, lanes=1)
    )
    async with IdentityServer(config, clock=lambda: time.time() + ahead[0]) as server:
        yield server


async def test_who_signed_in_a_while_ago_types_the_code_of_a_mail(
    somebody: Any, provider: IdentityServer, ahead: list[float]
) -> None:
    url = provider.config.listening_url
    nowhere = "ws://127.0.0.1:9/connection/websocket"

    def steps() -> None:
        with httpx.Client(trust_env=False) as http:
            body = {"email": "ann@example.com", "password": PASSWORD}
            http.post(f"{url}/signup", json=body).raise_for_status()
            assert signed_in(somebody, "ann@example.com", url, nowhere).code == 0
            ahead[0] = 20 * 60
            refused = somebody("account", "delete", "--yes")
            assert refused.code == 4
            assert "cadenza login" in refused.err
            terminal = Terminal(somebody, "account", "delete", "--yes")
            terminal.wait_for("Code")
            mails = http.get(f"{url}/inbox", headers={"Accept": "application/json"}).json()["mails"]
            terminal.type(mails[0]["code"])
            assert terminal.end() == 0, terminal.seen
            assert mails[0]["code"] not in terminal.seen
            assert http.post(f"{url}/token?grant_type=password", json=body).status_code == 400

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.to_thread(steps)
