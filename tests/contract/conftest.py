"""The suite's stacks as fixtures, and the mark that ties a test to its requirement."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from tests.contract.requirements import DIRECT, EMBEDDED, NEEDS_SOCKETS, PROXIED, REAL, STACKS
from tests.contract.stacks import System, direct, over_sockets, proxied, real
from tests.support.real import find_programs


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    config.addinivalue_line("markers", "requirement(*ids): the behaviours of requirements.py that the test shows")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test of this folder on the loop that its stacks live on, and ask of each stack what it can show."""
    items[:] = [item for item in items if not _is_beyond(item)]
    for item in items:
        if "tests/contract/" in item.nodeid.replace("\\", "/") and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _is_beyond(item: pytest.Item) -> bool:
    """Whether the test needs a socket and its stack has none."""
    callspec = getattr(item, "callspec", None)
    mark = item.get_closest_marker("requirement")
    on_direct = callspec is not None and callspec.params.get("system") == DIRECT
    return bool(on_direct and mark and NEEDS_SOCKETS & set(mark.args))


#: The real programs, or in words what is missing: then that stack is left out, and the summary says so.
PROGRAMS = find_programs(os.environ)
RUNNING_STACKS = tuple(stack for stack in STACKS if stack != REAL or not isinstance(PROGRAMS, str))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what this run did not show."""
    if isinstance(PROGRAMS, str):
        terminalreporter.write_line(f"contract suite: the stack '{REAL}' was not run: {PROGRAMS}")


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=RUNNING_STACKS)
async def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """A running stack."""
    folder = tmp_path_factory.mktemp(request.param)
    async with AsyncExitStack() as running:
        if request.param == REAL and not isinstance(PROGRAMS, str):
            yield await running.enter_async_context(real(folder, PROGRAMS))
        else:
            start = {DIRECT: direct, EMBEDDED: over_sockets, PROXIED: proxied}[request.param]
            yield await running.enter_async_context(start(folder))


@dataclass(frozen=True)
class Account:
    """A user of the stack under test, signed in once by the provider's REST API."""

    email: str
    password: str
    session: dict[str, Any]

    @property
    def id(self) -> str:
        """The user's id."""
        return str(self.session["user"]["id"])

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.session["access_token"])


@pytest_asyncio.fixture(loop_scope="session")
async def account(system: System) -> Account:
    """A new user, signed up."""
    return await sign_up(system)


@pytest_asyncio.fixture(loop_scope="session")
async def other_account(system: System) -> Account:
    """Another new user."""
    return await sign_up(system)


async def sign_up(system: System) -> Account:
    """Make a user at the provider."""
    email, password = f"user-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(12)
    async with system.http() as http:
        reply = await http.post(f"{system.auth_url}/signup", json={"email": email, "password": password})
    assert reply.status_code == 200, reply.text
    return Account(email, password, reply.json())
