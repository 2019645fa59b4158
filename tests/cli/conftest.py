"""The command line as a test calls it: in this process for pure verbs, as a real program for those with a network."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest

from cadenza.cli import main

#: For every wait on a child.
DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended. What it printed is checked, so the representation shows it."""

    code: int
    out: str
    err: str


@dataclass(kw_only=True)
class CommandLine:
    """Runs ``cadenza`` in this process, with an environment that holds no session and no setting of the developer's."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(self, *argv: str, stdin: str | bytes = "", environ: Mapping[str, str] | None = None) -> Ran:
        given = stdin.encode() if isinstance(stdin, str) else stdin
        with self.monkeypatch.context() as patch:
            for name, value in {**self.environ, **(environ or {})}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
            code = main(argv)
        captured = self.capsys.readouterr()
        return Ran(code=code, out=captured.out, err=captured.err)


@pytest.fixture(scope="session")
def program() -> list[str]:
    """The installed entry point, as a user types it."""
    script = Path(sys.executable).with_name("cadenza")
    assert script.exists(), "the checkout is not installed: make setup"
    return [str(script)]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A child's whole environment, with a data folder of the test's own."""
    return {"PATH": os.defpath, "HOME": str(tmp_path), "CADENZA_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the developer's own shell says of Cadenza and of colours."""
    for name in list(os.environ):
        if name.startswith(("CADENZA_", "SUPABASE_")) or name in {"NO_COLOR", "FORCE_COLOR"}:
            monkeypatch.delenv(name)


@pytest.fixture
def cadenza(
    clean_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Callable[..., Ran]:
    """``cadenza(*argv, stdin=..., environ=...)``, with a data folder of the test's own."""
    return CommandLine(monkeypatch=monkeypatch, capsys=capsys, environ={"CADENZA_DATA_DIR": str(tmp_path / "data")})


@dataclass(frozen=True, kw_only=True)
class RunningStack:
    """``cadenza up`` in a process of its own, on free ports, whose provider counts no requests."""

    ws_url: str
    supabase_url: str
    email: str
    password: str = field(repr=False)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack that all tests of this room share; each has users' sessions of its own."""
    folder = tmp_path_factory.mktemp("stack")
    environment = {"PATH": os.defpath, "HOME": str(folder), "CADENZA_DATA_DIR": str(folder / "data")}
    environment["CADENZA_SECOND_FACTOR_FOR"] = "credentials"
    ports = ("--identity-port", "0", "--gateway-port", "0", "--backend-port", "0")
    command = [sys.executable, str(Path(__file__).with_name("unlimited_up.py")), "--json", *ports]
    with subprocess.Popen(  # the program under test
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate(timeout=DEADLINE_SECONDS)[1]
            announced = json.loads(line)
            yield RunningStack(
                ws_url=announced["wsUrl"],
                supabase_url=announced["identityUrl"].removesuffix("/auth/v1"),
                email=announced["readyUser"]["email"],
                password=Path(announced["readyUser"]["passwordFile"]).read_text().strip(),
            )
        finally:
            process.terminate()
            _, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0, err


@dataclass(kw_only=True)
class User:
    """Somebody at a shell of their own: an environment, a session file, and no setting but these.

    Every command's output is searched for the password and the stored tokens: none of them may ever be printed.
    """

    program: list[str]
    stack: RunningStack
    environ: dict[str, str]

    @property
    def session_file(self) -> Path:
        return self._data_dir / "session.json"

    @property
    def _data_dir(self) -> Path:
        return Path(self.environ["CADENZA_DATA_DIR"])

    def start(self, *argv: str, environ: Mapping[str, str] | None = None, **popen: Any) -> subprocess.Popen[str]:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(  # the program under test
            [*self.program, *argv], env={**self.environ, **(environ or {})}, **{**streams, **popen}
        )

    def run(self, *argv: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> Ran:
        """Run the real program in a process of its own."""
        secrets = self._secrets()
        process = self.start(*argv, environ=environ)
        out, err = process.communicate(stdin, timeout=DEADLINE_SECONDS)
        return self._checked(argv, secrets, Ran(code=process.returncode, out=out, err=err))

    def __call__(self, *argv: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> Ran:
        """Run the same in this process, which saves the imports; warnings are errors here."""
        secrets = self._secrets()
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, {**self.environ, **(environ or {})}, clear=True),
            mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main(argv)
        return self._checked(argv, secrets, Ran(code=code, out=out.getvalue(), err=err.getvalue()))

    def _checked(self, argv: Sequence[str], secrets: set[str], ran: Ran) -> Ran:
        for secret in secrets | self._secrets():
            assert secret not in ran.out + ran.err, f"a secret was printed by {argv}"
            assert secret not in argv
        assert "Traceback" not in ran.err
        return ran

    def login(self, *options: str) -> Ran:
        return self(
            "login",
            "--email",
            self.stack.email,
            "--ws-url",
            self.stack.ws_url,
            "--supabase-url",
            self.stack.supabase_url,
            *options,
            environ={"CADENZA_PASSWORD": self.stack.password},
        )

    def _secrets(self) -> set[str]:
        """The password, and the tokens of every profile's session."""
        kept = [json.loads(file.read_text())["session"] for file in self._data_dir.glob("**/session.json")]
        tokens = {session[name] for session in kept for name in ("access_token", "refresh_token")}
        return {self.stack.password, *tokens}


@pytest.fixture
def somebody(program: list[str], stack: RunningStack, tmp_path: Path) -> User:
    """A user who has not signed in."""
    environ = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "CADENZA_DATA_DIR": str(tmp_path / "mine"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",  # a machine without a desktop, wherever this runs
    }
    return User(program=program, stack=stack, environ=environ)


@pytest.fixture(scope="session")
def trader(program: list[str], stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> User:
    """A user of their own, signed in; shared by tests that leave the session as it is."""
    folder = tmp_path_factory.mktemp("trader")
    stack = dataclasses.replace(stack, email="shared@example.com", password=secrets.token_urlsafe(12))
    new = {"email": stack.email, "password": stack.password}
    httpx.post(f"{stack.supabase_url}/auth/v1/signup", json=new, trust_env=False).raise_for_status()
    environ = {"PATH": os.defpath, "HOME": str(folder), "CADENZA_DATA_DIR": str(folder / "mine")}
    user = User(program=program, stack=stack, environ=environ)
    assert user.login().code == 0
    return user


@pytest.fixture(scope="session")
def provider(program: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An identity provider alone, that takes new users at once."""
    from tests.cli.people import serve

    with serve(program, tmp_path_factory.mktemp("provider"), GOTRUE_MAILER_AUTOCONFIRM="true") as running:
        yield running


@pytest.fixture(scope="session")
def careful_provider(program: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One that is careful: it has new addresses confirmed first, and a changed password with a code from a mail."""
    from tests.cli.people import serve

    settings = {
        "GOTRUE_MAILER_AUTOCONFIRM": "false",
        "GOTRUE_SECURITY_UPDATE_PASSWORD_REQUIRE_REAUTHENTICATION": "true",
    }
    with serve(program, tmp_path_factory.mktemp("careful"), **settings) as running:
        yield running


@pytest.fixture
def person(provider: Any, tmp_path: Path) -> Any:
    """Somebody at a shell, who has never been at that provider."""
    from tests.cli.people import person_at

    return person_at(provider, tmp_path)


@pytest.fixture
def newcomer(careful_provider: Any, tmp_path: Path) -> Any:
    """The same at the careful one."""
    from tests.cli.people import person_at

    return person_at(careful_provider, tmp_path)


@pytest.fixture
def known(person: Any) -> Any:
    """Somebody with an account."""
    person.provider.make_user(person.email)
    return person
