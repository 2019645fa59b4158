"""Secrets come from the terminal, the environment or stdin, and from nowhere else; nobody is asked who is not there."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import typer

from cadenza.cli import prompts
from cadenza.cli.prompts import Asker
from cadenza.errors import ConfigurationError


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Types = Callable[..., io.StringIO]


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Types:
    """Someone sits before a terminal and types lines; what is asked appears on the screen that is returned."""

    def before(*lines: str) -> io.StringIO:
        screen = _Terminal()
        monkeypatch.setattr("sys.stdin", _Terminal("".join(f"{line}\n" for line in lines)))
        monkeypatch.setattr("sys.stderr", screen)
        return screen

    return before


def _pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


async def test_the_option_wins_over_the_environment() -> None:
    assert await prompts.ask_email("a@example.com", {"CADENZA_EMAIL": "b@example.com"}, Asker()) == "a@example.com"
    assert await prompts.ask_email(None, {"CADENZA_EMAIL": "b@example.com"}, Asker()) == "b@example.com"


async def test_a_person_is_asked_for_the_address(types: Types) -> None:
    screen = types("ada@example.com")
    assert await prompts.ask_email(None, {}, Asker()) == "ada@example.com"
    assert "E-mail" in screen.getvalue()


@pytest.mark.parametrize("text", ["", "ada@example.com\n"])
async def test_a_program_is_told_where_to_put_the_address(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    _pipe(monkeypatch, text)
    with pytest.raises(ConfigurationError, match="CADENZA_EMAIL"):
        await prompts.ask_email(None, {}, Asker())


async def test_a_program_is_told_where_to_put_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    _pipe(monkeypatch, "")
    with pytest.raises(ConfigurationError, match="CADENZA_PASSWORD"):
        await prompts.ask_password("Password: ", {}, Asker(), from_stdin=False)


async def test_the_environment_gives_the_password() -> None:
    environ = {"CADENZA_PASSWORD": " kept as is "}
    assert await prompts.ask_password("Password: ", environ, Asker(), from_stdin=False) == " kept as is "


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
async def test_a_piped_password_loses_its_line_end_and_nothing_else(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    _pipe(monkeypatch, f" two words {end}")
    environ = {"CADENZA_PASSWORD": "other"}
    assert await prompts.ask_password("Password: ", environ, Asker(), from_stdin=True) == " two words "


async def test_an_empty_pipe_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    _pipe(monkeypatch, "\n")
    with pytest.raises(ConfigurationError):
        await prompts.ask_password("Password: ", {}, Asker(), from_stdin=True)


async def test_what_is_no_text_is_refused_without_being_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hunter2\xff\n"), encoding="utf-8"))
    with pytest.raises(ConfigurationError, match="UTF-8") as caught:
        await prompts.ask_password("Password: ", {}, Asker(), from_stdin=True)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_password_and_code_are_two_lines_of_one_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    _pipe(monkeypatch, "correct horse\n 123456 \n")
    asker = Asker(code_stdin=True)
    assert await prompts.ask_password("Password: ", {}, asker, from_stdin=True) == "correct horse"
    assert await asker.code("Code: ") == "123456"
    with pytest.raises(ConfigurationError, match="No code was given"):
        await asker.code("Code: ")


async def test_where_nobody_is_a_code_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _pipe(monkeypatch, "123456\n")
    asker = Asker()
    assert not asker.has_codes
    with pytest.raises(ConfigurationError, match="--code-stdin"):
        await asker.code("Code: ")


async def test_a_choice_is_a_number_and_enter_takes_the_first(types: Types) -> None:
    screen = types("7", "two", "2")
    assert await prompts.ask_choice("How?", ["by night", "by day"], Asker()) == 1
    assert screen.getvalue().count("A number from 1 to 2") == 2
    types("")
    assert await prompts.ask_choice("How?", ["by night", "by day"], Asker()) == 0


async def test_the_end_of_what_is_typed_is_no_answer(types: Types) -> None:
    types()
    with pytest.raises(typer.Abort):
        await Asker().line("E-mail: ")
