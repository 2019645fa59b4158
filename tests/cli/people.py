"""Users of an identity provider that runs alone, and what they have beside their shell: mails, an app, a browser."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.cli.conftest import DEADLINE_SECONDS, RunningStack, User
from tests.cli.terminal import Terminal
from tests.support.loopback import free_redirects
from tests.support.totp import STEP_SECONDS, totp

PASSWORD = "correct horse 1"
_DAY = 25 * 3600 * 1_000_000  # and an hour, in the database's microseconds
#: No limits: a whole suite is one address.
_LIMITS = {
    **dict.fromkeys(("GOTRUE_RATE_LIMIT_OTP", "GOTRUE_RATE_LIMIT_VERIFY", "GOTRUE_RATE_LIMIT_EMAIL_SENT"), "10000"),
    "GOTRUE_MFA_RATE_LIMIT_CHALLENGE_AND_VERIFY": "10000",
    "GOTRUE_RATE_LIMIT_ANONYMOUS_USERS": "10000",
    "GOTRUE_SMTP_MAX_FREQUENCY": "1ms",
}
_EVERY_WAY = {"GOTRUE_EXTERNAL_ANONYMOUS_USERS_ENABLED": "true", "GOTRUE_SECURITY_MANUAL_LINKING_ENABLED": "true"}
#: Runs the program with loopback addresses of the test's own: the fixed ones may be in use on this machine.
_WITH_PORTS = (
    "import sys; from cadenza.protocol.auth import endpoints; "
    "endpoints.LOOPBACK_REDIRECTS = tuple(sys.argv.pop(1).split(',')); "
    "from cadenza.cli import main; sys.exit(main(sys.argv[1:]))"
)
#: What ``BROWSER`` names: somebody who says yes, and follows the way back to the end.
_WALKER = """\
import asyncio, sys, httpx
sys.path.insert(0, {root!r})
from tests.identity.browsing import walk
end = asyncio.run(walk(sys.argv[1], email={email!r}, decision={decision!r}, until="http://127.0.0.1:{port}/callback"))
httpx.get(end, trust_env=False)
"""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """The newest mail to somebody."""

    code: str = field(repr=False)
    link: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Provider:
    """``cadenza identity serve`` in a process of its own."""

    url: str
    folder: Path

    def make_user(self, email: str) -> str:
        """Sign somebody up; return their access token."""
        answer = httpx.post(f"{self.url}/signup", json={"email": email, "password": PASSWORD}, trust_env=False)
        token: str = answer.raise_for_status().json()["access_token"]
        return token

    def enroll(self, email: str) -> str:
        """Sign somebody up and give them an authenticator app; return its secret."""
        bearer = {"Authorization": f"Bearer {self.make_user(email)}"}
        with httpx.Client(base_url=self.url, headers=bearer, trust_env=False) as http:
            made = http.post("/factors", json={"factor_type": "totp", "friendly_name": "phone"}).json()
            challenge = http.post(f"/factors/{made['id']}/challenge").json()["id"]
            code = totp(made["totp"]["secret"], time.time())
            proof = {"challenge_id": challenge, "code": code}
            http.post(f"/factors/{made['id']}/verify", json=proof).raise_for_status()
        secret: str = made["totp"]["secret"]
        return secret

    def let_a_day_pass(self) -> None:
        """Make every session older."""
        # The program cannot be told another time; its database is its own, but what it holds is the past.
        with contextlib.closing(sqlite3.connect(self.folder / "identity" / "identity.db")) as database, database:
            changed = database.execute("UPDATE sessions SET created_at = created_at - :day", {"day": _DAY})
            assert changed.rowcount > 0

    def mail(self, to: str, *, after: str = "") -> Mail:
        """The newest mail to an address, with another code than ``after``."""
        ends_at = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < ends_at:
            answer = httpx.get(
                f"{self.url}/inbox",
                params={"to": to, "wait": 5},
                headers={"Accept": "application/json"},
                timeout=DEADLINE_SECONDS,
                trust_env=False,
            )
            mails = answer.json()["mails"]
            if mails and mails[0]["code"] != after:
                return Mail(code=mails[0]["code"], link=mails[0]["link"])
        raise AssertionError("no mail came")


@contextlib.contextmanager
def serve(program: list[str], folder: Path, **settings: str) -> Iterator[Provider]:
    """Run a provider with every way in open."""
    environ = {"PATH": os.defpath, "HOME": str(folder), "CADENZA_DATA_DIR": str(folder), **_LIMITS, **_EVERY_WAY}
    with subprocess.Popen(  # the program under test
        [*program, "identity", "serve", "--json", "--port", "0", "--test-provider"],
        env={**environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate(timeout=DEADLINE_SECONDS)[1]
            yield Provider(url=json.loads(line)["listeningUrl"], folder=folder)
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE_SECONDS)


@dataclass(kw_only=True)
class Person(User):
    """Somebody with an address, a shell, and a browser that they bring themselves."""

    provider: Provider
    folder: Path
    email: str = field(default_factory=lambda: f"user-{secrets.token_hex(6)}@example.com")
    redirects: tuple[str, ...] = field(default_factory=free_redirects)

    def at_terminal(self, *argv: str, environ: Mapping[str, str] | None = None) -> Terminal:
        """Start a command in a terminal."""
        return Terminal([*self.program, *argv], {**self.environ, **(environ or {})})

    def browser(self, decision: str = "allow") -> dict[str, str]:
        """The environment in which a browser opens, whose user says yes or no at the test provider."""
        script = self.folder / "browser.py"
        port = self.redirects[0].rpartition(":")[2].partition("/")[0]
        root = str(Path(__file__).resolve().parents[2])
        script.write_text(_WALKER.format(root=root, email=self.email, decision=decision, port=port))
        return {"BROWSER": f"{sys.executable} {script}"}

    @property
    def waiting(self) -> list[str]:
        """Sign-ins that still wait for something."""
        folder = Path(self.environ["CADENZA_DATA_DIR"]) / "sign-ins"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@dataclass
class App:
    """An authenticator app; each of its codes is given once."""

    secret: str = field(repr=False)
    steps: int = 0

    def code(self) -> str:
        """A code that was not given before: of this step, then of the next. The one before is too old in a moment."""
        assert self.steps <= 1, "an app has two codes that are good for a while"
        code = totp(self.secret, time.time() + self.steps * STEP_SECONDS)
        self.steps += 1
        return code


def enroll(user: User, *options: str) -> App:
    """Add an authenticator app as a script does: the secret is read, the code is written."""
    process = user.start("mfa", "enroll", "--json", "--code-stdin", *options)
    assert process.stdin is not None
    assert process.stdout is not None
    app = App(json.loads(process.stdout.readline())["secret"])
    out, err = process.communicate(app.code() + "\n", timeout=DEADLINE_SECONDS)
    assert process.returncode == 0, err
    assert json.loads(out)["verified"] is True
    assert json.loads(out)["level"] == "aal2"
    assert app.secret not in err
    return app


def told_by(process: subprocess.Popen[str]) -> str:
    """The next line that a command says beside its result."""
    assert process.stderr is not None
    return process.stderr.readline()


def person_at(provider: Provider, folder: Path) -> Person:
    """Somebody who has never been there."""
    redirects = free_redirects()
    return Person(
        program=[sys.executable, "-c", _WITH_PORTS, ",".join(redirects)],
        stack=RunningStack(ws_url="", supabase_url=provider.url, email="", password=PASSWORD),
        environ={
            "PATH": os.defpath,
            "HOME": str(folder),
            "CADENZA_DATA_DIR": str(folder / "mine"),
            "SUPABASE_URL": provider.url,
            "NO_COLOR": "1",
        },
        provider=provider,
        folder=folder,
        redirects=redirects,
    )
