"""Passwords come from the terminal, the environment or stdin, and from nowhere else."""

from __future__ import annotations

import io

import pytest

from cadenza.cli import prompts
from cadenza.errors import ConfigurationError


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Someone sits before it and types an address; what is asked appears on stderr.

    No fixture: pytest puts its own stderr back between a fixture and its test.
    """
    screen = _Terminal()
    monkeypatch.setattr("sys.stdin", _Terminal("ada@example.com\n"))
    monkeypatch.setattr("sys.stderr", screen)
    return screen


def test_the_option_wins_over_the_environment() -> None:
    assert prompts.ask_email("a@example.com", {"CADENZA_EMAIL": "b@example.com"}) == "a@example.com"
    assert prompts.ask_email(None, {"CADENZA_EMAIL": "b@example.com"}) == "b@example.com"


def test_a_person_is_asked_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    assert prompts.ask_email(None, {}) == "ada@example.com"
    assert "E-mail" in terminal.getvalue()


def test_a_person_is_asked_for_the_password_without_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    asked: list[str] = []

    def without_echo(prompt: str, stream: object) -> str:
        asked.append(prompt)
        return "correct horse"

    monkeypatch.setattr("getpass.getpass", without_echo)
    assert prompts.ask_password("ada@example.com", {}, from_stdin=False) == "correct horse"
    assert asked == ["Password of ada@example.com: "]
    assert "correct horse" not in terminal.getvalue()


def test_a_program_is_told_where_to_put_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(ConfigurationError) as caught:
        prompts.ask_password("ada@example.com", {}, from_stdin=False)
    assert "CADENZA_PASSWORD" in str(caught.value)


def test_a_program_is_told_where_to_put_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(ConfigurationError, match="CADENZA_EMAIL"):
        prompts.ask_email(None, {})


def test_the_environment_gives_the_password() -> None:
    assert (
        prompts.ask_password("a@example.com", {"CADENZA_PASSWORD": " kept as is "}, from_stdin=False) == " kept as is "
    )


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_piped_password_loses_its_line_end_and_nothing_else(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f" two words {end}"))
    given = prompts.ask_password("a@example.com", {"CADENZA_PASSWORD": "other"}, from_stdin=True)
    assert given == " two words "


def test_an_empty_pipe_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(ConfigurationError):
        prompts.ask_password("a@example.com", {}, from_stdin=True)
