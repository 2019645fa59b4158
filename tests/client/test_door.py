"""The public door: what stands in it, what it costs, and that a bare install is enough."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import cadenza
from cadenza import client

EXTRAS = (
    "aiosqlite", "alembic", "argon2", "cryptography", "httptools", "joserfc", "keyring", "litestar", "picows", "rich",
    "sqlalchemy", "structlog", "typer", "uvicorn", "uvloop",
)  # fmt: skip


def run(program: str, *arguments: str) -> str:
    """Run a program in a fresh interpreter in which the extras' packages do not exist."""
    blocker = textwrap.dedent(
        f"""
        import sys
        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {EXTRAS!r}:
                    raise ModuleNotFoundError(f"blocked: {{name}}", name=name)
        sys.meta_path.insert(0, Blocker())
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocker + textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_top_door_is_pinned() -> None:
    assert sorted(cadenza.__all__) == [
        "Client",
        "FileSessionStore",
        "KlineInterval",
        "MemorySessionStore",
        "Venue",
        "__version__",
        "connect",
        "errors",
    ]
    assert set(cadenza.__all__) <= set(dir(cadenza))
    for name in cadenza.__all__:
        assert getattr(cadenza, name) is not None
    assert cadenza.connect is client.connect


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_ours"):
        _ = cadenza.nothing_of_ours


def test_the_sdks_door_is_pinned() -> None:
    assert sorted(client.__all__) == [
        "AccountExport",
        "Addresses",
        "Auth",
        "AuthPhase",
        "AuthState",
        "BookWatch",
        "Challenge",
        "Client",
        "Connected",
        "Connecting",
        "DeletedAccount",
        "Disconnected",
        "EnvironmentSessionStore",
        "ErrorOccurred",
        "FactorCode",
        "Failure",
        "FileSessionStore",
        "Gap",
        "GapCause",
        "GapHandler",
        "KeyringSessionStore",
        "LifecycleEvent",
        "LinkedIdentity",
        "MemorySessionStore",
        "NextStep",
        "Page",
        "PendingSignIn",
        "Profile",
        "ProfileRecord",
        "Profiles",
        "RULES",
        "SecondFactor",
        "SecondFactorCallback",
        "SecondFactorRequest",
        "Session",
        "SessionStore",
        "SignInRecord",
        "SignUp",
        "StoreKind",
        "StoredSession",
        "TotpEnrollment",
        "Watch",
        "WaysIn",
        "Why",
        "connect",
    ]
    for name in client.__all__:
        assert getattr(client, name) is not None


def test_importing_cadenza_loads_nothing_but_its_errors() -> None:
    loaded = run("import cadenza; print(*[m for m in sys.modules if m.startswith('cadenza')])").split()
    assert sorted(loaded) == ["cadenza", "cadenza._version", "cadenza.errors"]


def test_the_sdk_is_imported_without_its_heavy_libraries() -> None:
    loaded = set(run("import cadenza; cadenza.connect; print(*sys.modules)").split())
    assert not loaded & {"httpx", "centrifuge", "websockets", "google.protobuf", "filelock", "platformdirs", "keyring"}


def test_a_bare_install_connects_and_fails_only_for_want_of_a_server() -> None:
    """Every lazy import is reached: the store's lock, the provider's client, the transport."""
    said = run(
        """
        import asyncio, pathlib, tempfile
        import cadenza
        from cadenza.client import Session

        async def main():
            with tempfile.TemporaryDirectory() as folder:
                async with cadenza.connect(
                    "ws://127.0.0.1:9/connection/websocket",
                    supabase_url="http://127.0.0.1:9",
                    environ={"CADENZA_DATA_DIR": folder},
                    deadline_seconds=2,
                ) as api:
                    for attempt in (
                        api.auth.sign_in_with_password("a@b.c", "password"),
                        api.auth.over_websocket.sign_in_with_password("a@b.c", "password"),
                        api.system.info(),
                    ):
                        try:
                            await attempt
                        except cadenza.errors.TransportError as error:
                            print(type(error).__name__)

        asyncio.run(main())
        """
    )
    assert said.split() == ["TransportError", "DeadlineExceededError", "DeadlineExceededError"]
