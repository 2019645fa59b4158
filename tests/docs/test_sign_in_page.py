"""The page about signing in is held to be true: each of its pieces runs, in order, against the embedded stack."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import re
import secrets
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.identity.browsing import walk
from tests.support.loopback import use_free_ports
from tests.support.totp import STEP_SECONDS, totp

import cadenza
from cadenza.client import Client, MemorySessionStore
from cadenza.identity.config import IdentityConfig, RateLimits
from cadenza.protocol.auth import endpoints
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "sign-in-every-way.md"
DEADLINE_SECONDS = 30
#: A browser and its user: goes to the address it is started with, consents, and comes back to the listener.
BROWSER = """
import asyncio, sys
from urllib.parse import parse_qs, urlsplit
import httpx
sys.path.insert(0, {root!r})
from tests.identity.browsing import walk
back = parse_qs(urlsplit(sys.argv[1]).query)["redirect_to"][0]
httpx.get(asyncio.run(walk(sys.argv[1], email={email!r}, until=back.partition("?")[0])))
"""


class Generous(EmbeddedStack):
    def identity_config(self) -> IdentityConfig:
        config = super().identity_config()
        mail = dataclasses.replace(config.mail, interval_seconds=0)
        return dataclasses.replace(config, limits=RateLimits.off(), test_provider=True, mail=mail)


def pieces() -> list[tuple[str, str]]:
    """Heading and code of each piece."""
    found, heading = [], ""
    for part in re.finditer(r"^## ([^\n]*)$|^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if part[1]:
            heading = part[1]
        else:
            found.append((heading, part[2]))
    return found


class Reader:
    """Does what the reader of the page does: reads mail, types, follows links, uses the browser and the app."""

    def __init__(self, stack: EmbeddedStack, email: str) -> None:
        self.stack = stack
        self.email = email
        self.printed: list[str] = []
        self.codes = 0

    def print(self, *words: object) -> None:
        self.printed.append(" ".join(map(str, words)))

    async def input(self, prompt: str) -> str:
        if "app" in prompt:
            secret = next(line.split()[-1] for line in self.printed if line.startswith("otpauth:"))
            self.codes += 1  # the same code once more would be a replay
            return totp(secret, time.time() + STEP_SECONDS * (self.codes - 1))
        if "browser" in prompt:
            url = next(line.split()[-1] for line in reversed(self.printed) if line.startswith("Open"))
            return await walk(url, email=f"other-{self.email}", until=endpoints.LOOPBACK_REDIRECTS)
        mail = await self.mail()
        return str(mail["link" if prompt.startswith("Link from") else "code"])

    async def mail(self) -> dict[str, str]:
        async with httpx.AsyncClient() as http:
            answer = await http.get(
                f"{self.stack.supabase_url}/inbox",
                params={"to": self.email, "wait": "10"},
                headers={"Accept": "application/json"},
            )
        mail: dict[str, str] = answer.json()["mails"][0]
        return mail

    async def follow_the_next_link(self) -> None:
        async with httpx.AsyncClient() as http:
            await http.get((await self.mail())["link"], follow_redirects=True)


def compiled(piece: str) -> Callable[..., Any]:
    """The piece as a function; ``input`` is awaited, because it is the test that answers."""
    body = textwrap.indent(re.sub(r"\binput\(", "await input(", piece), "    ")
    module: dict[str, Any] = {}
    code = f"async def piece(api, email, password, new_password, input, print):\n{body}\n    return locals()\n"
    exec(compile(ast.parse(code), str(PAGE), "exec"), module)  # noqa: S102 - our own page
    function: Callable[..., Any] = module["piece"]
    return function


async def run(api: Client, piece: str, reader: Reader, password: str) -> dict[str, Any]:
    following = asyncio.create_task(reader.follow_the_next_link()) if "sign_in_with_magic_link" in piece else None
    found: dict[str, Any] = await compiled(piece)(
        api, reader.email, password, "another horse 2", reader.input, reader.print
    )
    if following is not None:
        await following
    return found


@pytest.fixture(autouse=True)
def redirects(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Where a browser comes back to in this test."""
    return use_free_ports(monkeypatch)


@pytest.mark.parametrize(("heading", "piece"), pieces(), ids=[heading for heading, _ in pieces()])
async def test_each_piece_signs_in(tmp_path: Path, heading: str, piece: str) -> None:
    email, password = f"reader-{secrets.token_hex(4)}@example.com", "correct horse 1"
    browser = tmp_path / "browser.py"
    browser.write_text(BROWSER.format(root=str(ROOT), email=email))
    settings = StackSettings(data_dir=tmp_path / "data", identity_port=0, gateway_port=0, backend_port=0)
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        Generous(settings) as stack,
        cadenza.connect(
            stack.ws_url,
            supabase_url=stack.supabase_url,
            session_store=MemorySessionStore(),
            environ={"BROWSER": f"{sys.executable} {browser}"},
        ) as api,
    ):
        reader = Reader(stack, email)
        if not heading.endswith(("password", "name")):  # those make their own user
            await stack.identity.ensure_user(email, password)
        if heading in {"With a second factor", "Further ways in of a user", "Take your data along, or go"}:
            await api.auth.sign_in_with_password(email, password)
        await run(api, piece, reader, password)
        assert api.auth.session is not None
        assert (await api.auth.user()).id == api.auth.session.user_id


def test_the_page_has_a_piece_for_every_way() -> None:
    assert len(pieces()) == 12
