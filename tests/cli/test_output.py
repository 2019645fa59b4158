"""What a result looks like to a person at a terminal, and what a program gets of the same."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from cadenza.cli.colours import Style, can_draw, has_colour
from cadenza.cli.errors import report
from cadenza.cli.output import note, say, show_json, show_pairs, show_table
from cadenza.errors import SignInRequiredError


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Screen = Callable[..., io.StringIO]


@pytest.fixture
def screen(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """``screen(columns)``: somebody looks. Called in the test, as pytest puts its own streams back before it."""

    def made(columns: int = 80) -> io.StringIO:
        terminal = _Terminal()
        monkeypatch.setattr("sys.stdout", terminal)
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm-256color")
        return terminal

    return made


_ROWS = [("query.ticker.list", "user", "[instrumentIds], [venue], [symbols]"), ("query.system.info", "anonymous", "")]
_HEADINGS = ("METHOD", "ACCESS", "TAKES")


def _table() -> None:
    show_table(_HEADINGS, _ROWS, styles={"METHOD": Style.TYPED})


@pytest.mark.parametrize(
    ("terminal", "environ", "draws", "coloured"),
    [
        (True, {}, True, True),
        (True, {"NO_COLOR": "1"}, True, False),
        (True, {"NO_COLOR": ""}, True, True),
        (True, {"TERM": "dumb"}, False, False),
        (True, {"TERM": "dumb", "FORCE_COLOR": "1"}, False, True),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        (False, {}, False, False),
        (False, {"FORCE_COLOR": "1"}, False, True),
        (False, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_who_looks_and_the_environment_decide(
    clean_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    *,
    terminal: bool,
    environ: dict[str, str],
    draws: bool,
    coloured: bool,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    stream = _Terminal() if terminal else io.StringIO()
    assert (can_draw(stream), has_colour(stream)) == (draws, coloured)


def test_a_pipe_gets_the_same_columns_without_colour_and_unfolded(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    _table()
    assert capsys.readouterr().out.splitlines() == [
        "METHOD             ACCESS     TAKES",
        "query.ticker.list  user       [instrumentIds], [venue], [symbols]",
        "query.system.info  anonymous",
    ]


def test_a_person_sees_headings_and_names_stand_out(screen: Screen) -> None:
    terminal = screen()
    _table()
    first, second, third = terminal.getvalue().splitlines()
    assert first.startswith("\x1b[1mMETHOD\x1b[0m")
    assert second.startswith("\x1b[36mquery.ticker.list\x1b[0m  user")
    assert third == "\x1b[36mquery.system.info\x1b[0m  anonymous"


def test_a_narrow_terminal_folds_the_last_column_and_breaks_no_name(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = screen(columns=48)
    monkeypatch.setenv("NO_COLOR", "1")
    _table()
    assert terminal.getvalue().splitlines()[1:3] == [
        "query.ticker.list  user       [instrumentIds],",
        "                              [venue], [symbols]",
    ]
    for columns in (30, 10, 1):
        monkeypatch.setenv("COLUMNS", str(columns))
        _table()
        assert terminal.getvalue().count("query.ticker.list  user       [instrumentIds],\n") > 0


def test_columns_stay_aligned_though_a_character_takes_two(
    clean_environment: None, capsys: pytest.CaptureFixture[str]
) -> None:
    show_table(("NAME", "N"), [("東京", "1"), ("e\u0301", "2")])
    assert capsys.readouterr().out.splitlines() == ["NAME  N", "東京  1", "e\u0301     2"]


def test_addresses_stand_out_among_named_values(screen: Screen) -> None:
    terminal = screen()
    show_pairs({"Gateway": "wss://example.com/connection/websocket", "Role": "user", "Code": "123456"}, strong=["Code"])
    gateway, role, code = terminal.getvalue().splitlines()
    assert gateway == "\x1b[2mGateway\x1b[0m  \x1b[36mwss://example.com/connection/websocket\x1b[0m"
    assert role == "\x1b[2mRole   \x1b[0m  user"
    assert code.endswith("\x1b[1m123456\x1b[0m")


def test_what_a_peer_sends_cannot_colour_or_clear_the_screen(screen: Screen) -> None:
    terminal = screen()
    show_pairs({"Subject\x1b[2J": "\x1b[31mred"})
    show_table(("A\x1b[2J", "B"), [("\x1b]0;title\x07", "\x9b2J")])
    say("\x1b[2J", Style.GOOD)
    note("\x1b[2J", Style.WARNING, then="\x1b[2J")
    assert "\x1b[2J" not in terminal.getvalue()
    assert "\x9b" not in terminal.getvalue()
    assert "\x1b]0" not in terminal.getvalue()
    assert "\x1b[31mred" not in terminal.getvalue()


def test_an_error_is_red_and_its_next_step_plain(screen: Screen) -> None:
    terminal = screen()
    report(SignInRequiredError("Nobody is signed in."), as_json=False, environ={})
    assert terminal.getvalue() == "\x1b[1;31mcadenza: Nobody is signed in.\x1b[0m Sign in: cadenza login\n"


def test_an_error_in_json_has_no_colour(screen: Screen) -> None:
    terminal = screen()
    report(SignInRequiredError("Nobody is signed in."), as_json=True, environ={})
    assert "\x1b" not in terminal.getvalue()


def test_json_is_coloured_for_a_person_and_stays_json_for_a_program(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = screen()
    show_json({"a": 1})
    assert "\x1b[" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    show_json({"a": 1})
    assert terminal.getvalue().endswith('{\n  "a": 1\n}\n')
