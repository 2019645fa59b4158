"""What a failed command says: one line, the next step, no secret."""

from __future__ import annotations

import json

import pytest
import typer

from cadenza import errors
from cadenza.cli.errors import report, report_usage
from cadenza.cli.exits import Exit, exit_for

_TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


def _reported(
    error: BaseException, capsys: pytest.CaptureFixture[str], *, as_json: bool = False, debug: str = ""
) -> str:
    report(error, as_json=as_json, environ={"CADENZA_DEBUG": debug} if debug else {})
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_an_error_is_one_line_with_its_code_and_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    said = _reported(errors.RpcError("Too many attempts.", code=26008, next_step="Correct it."), capsys)
    assert said == "cadenza: Too many attempts (code 26008). Correct it.\n"


@pytest.mark.parametrize(
    "error",
    [
        errors.RpcError(
            "Busy.", code=26008, temporary=True, retry_after_seconds=26.166, next_step="Wait for retryAfter."
        ),
        errors.IdentityError(
            "Busy.", status=429, error_code="over_request_rate_limit", temporary=True, retry_after_seconds=26.2
        ),
    ],
    ids=["backend", "provider"],
)
def test_how_long_to_wait_is_said_once_and_never_too_short(
    error: errors.CadenzaError, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _reported(error, capsys).endswith(". Wait 27 s. Then try again.\n")


def test_too_many_calls_say_when_to_try_again(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.RateLimitedError(
        "Too many calls in a short time, of queries.",
        code=22020,
        retry_after_seconds=0.25,
        next_step="Wait 0.25 s, then repeat it.",
    )
    said = _reported(error, capsys)
    assert said == ("cadenza: Too many calls in a short time, of queries (code 22020). Wait 1 s. Then try again.\n")
    assert exit_for(error) is Exit.TEMPORARY


def test_a_refused_parameter_names_its_field(capsys: pytest.CaptureFixture[str]) -> None:
    said = _reported(errors.RpcError("must be 1 or more", code=22015, field="depth"), capsys)
    assert said.startswith("cadenza: depth: must be 1 or more (code 22015).")


def test_a_missing_session_names_the_command_that_makes_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cadenza login" in _reported(errors.SignInRequiredError("Nobody is signed in."), capsys)


def test_with_json_the_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    said = _reported(errors.RpcError("must be 1 or more", code=22015, field="depth"), capsys, as_json=True)
    assert said.count("\n") == 1
    assert json.loads(said) == {
        "error": {
            "type": "RpcError",
            "message": "must be 1 or more",
            "code": 22015,
            "temporary": False,
            "field": "depth",
        },
        "exitCode": 2,
    }


def test_a_fault_of_ours_is_told_without_its_text_and_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    said = _reported(RuntimeError("password=hunter2"), capsys)
    assert "RuntimeError" in said
    assert "CADENZA_DEBUG" in said
    assert "hunter2" not in said
    assert "Traceback" not in said
    assert said.count("\n") == 1


def test_debug_shows_the_traceback_but_never_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise RuntimeError(f"bad token {_TOKEN}")

    with pytest.raises(RuntimeError) as caught:
        fails()
    said = _reported(caught.value, capsys, debug="1")
    assert "Traceback" in said
    assert "test_errors.py" in said
    assert "eyJ" not in said
    assert "c2lnbmF0dXJl" not in said


def test_a_message_of_several_lines_stays_one_line_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert _reported(errors.ProtocolError("first\nsecond\r\nthird\x1b[2J"), capsys).count("\n") == 1


def test_control_sequences_of_a_peer_never_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in _reported(errors.ProtocolError("\x1b[2Jgone"), capsys)


def test_a_mistaken_command_line_names_the_help_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_usage(typer.BadParameter("5 is not a colour"), as_json=False) == Exit.USAGE
    assert capsys.readouterr().err == "cadenza: Invalid value: 5 is not a colour. See: cadenza --help\n"
