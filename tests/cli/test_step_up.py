"""`cadenza call` of what wants a second factor: somebody at a terminal is asked for it, a program is told."""

from __future__ import annotations

import dataclasses
import json
import secrets
import time
from pathlib import Path

import pytest
from tests.cli.conftest import User
from tests.cli.people import PASSWORD, Provider
from tests.cli.terminal import Terminal
from tests.support.totp import STEP_SECONDS, totp

CALL = ("call", "command.credential.revoke", '{"credentialId":"1b4e28ba-2fa1-41d2-883f-0016d3cca427"}')


@dataclasses.dataclass(frozen=True)
class Careful:
    """A user with an authenticator app, signed in with the password alone."""

    shell: User
    secret: str

    def code(self) -> str:
        """The next one: that of now was spent to enrol."""
        return totp(self.secret, time.time() + STEP_SECONDS)

    def terminal(self) -> Terminal:
        return Terminal([*self.shell.program, *CALL], {**self.shell.environ, "NO_COLOR": "1"})


@pytest.fixture
def careful(somebody: User, tmp_path: Path) -> Careful:
    email = f"user-{secrets.token_hex(6)}@example.com"
    secret = Provider(url=f"{somebody.stack.supabase_url}/auth/v1", folder=tmp_path).enroll(email)
    shell = dataclasses.replace(somebody, stack=dataclasses.replace(somebody.stack, email=email, password=PASSWORD))
    ran = shell.login()
    assert ran.code == 0, ran.err
    return Careful(shell, secret)


def test_somebody_at_a_terminal_is_asked_and_the_call_goes_on(careful: Careful) -> None:
    with careful.terminal() as terminal:
        terminal.expect("command.credential.revoke wants a second factor.")
        terminal.expect("Code of phone: ")
        terminal.type(careful.code())
        assert terminal.end() == 1
        assert "18016" in terminal.seen  # it was let through; it is not served yet
    assert json.loads(careful.shell("whoami", "--json").out)["level"] == "aal2"
    with careful.terminal() as terminal:
        assert terminal.end() == 1
        assert "Code of" not in terminal.seen


def test_a_mistyped_code_is_asked_for_again(careful: Careful) -> None:
    with careful.terminal() as terminal:
        terminal.expect("Code of phone: ")
        terminal.type(f"{(int(careful.code()) + 500_000) % 1_000_000:06}")
        terminal.expect("Code of phone: ")
        terminal.type(careful.code())
        assert terminal.end() == 1
        assert "18016" in terminal.seen


def test_ctrl_c_at_the_question_ends_the_command_at_once(careful: Careful) -> None:
    with careful.terminal() as terminal:
        terminal.expect("Code of phone: ")
        terminal.interrupt()
        assert terminal.end() == 130


def test_a_program_is_told_how_to_give_it(careful: Careful) -> None:
    ran = careful.shell(*CALL)
    assert ran.code == 4
    assert "26006" in ran.err
    assert "cadenza login --second-factor" in ran.err
