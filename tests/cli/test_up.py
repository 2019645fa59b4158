"""`cadenza up` as a program: it says where it is, keeps the password off logs, and stops at the first Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_FREE_PORTS = ("--identity-port", "0", "--gateway-port", "0", "--backend-port", "0", "--pace", "0")
_DEADLINE_SECONDS = 30.0

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(program: list[str], environment: dict[str, str]) -> Iterator[Start]:
    """Start ``cadenza up`` on free ports; whatever still runs when the test ends is stopped."""
    started: list[subprocess.Popen[str]] = []

    def up(*options: str, **popen: Any) -> subprocess.Popen[str]:
        streams: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        process = subprocess.Popen(  # the program under test
            [*program, "up", *_FREE_PORTS, *options], env=environment, **{**streams, **popen}
        )
        started.append(process)
        return process

    yield up
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=_DEADLINE_SECONDS)


def _announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate(timeout=_DEADLINE_SECONDS)[1]
    announced: dict[str, Any] = json.loads(line)
    return announced


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_it_with_one_line_and_exit_code_0(start: Start, number: signal.Signals) -> None:
    process = start("--json")
    _announced(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 0
    assert out == ""
    assert [line.partition(";")[0] for line in err.splitlines()[1:]] == ["Stopped"]


def test_ctrl_c_during_start_up_stops_it_too(start: Start) -> None:
    process = start("--json")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("Starting")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_the_addresses_it_prints_answer(start: Start) -> None:
    announced = _announced(start("--json"))
    for name in ("identityUrl", "apiUrl", "backendUrl", "wsUrl"):
        host, _, port = announced[name].partition("://")[2].partition("/")[0].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5):
            pass


def test_a_program_is_told_the_file_that_holds_the_password_and_not_the_password(
    start: Start, environment: dict[str, str]
) -> None:
    process = start("--json")
    announced = _announced(process)
    file = Path(announced["readyUser"]["passwordFile"])
    password = file.read_text().strip()
    assert len(password) >= 12
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.is_relative_to(environment["CADENZA_DATA_DIR"])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=_DEADLINE_SECONDS)
    assert password not in json.dumps(announced) + out + err


def test_a_pipe_sees_the_addresses_and_three_commands_but_no_password(start: Start) -> None:
    lines = _announcement(start())
    password = Path(_password_file(lines)).read_text().strip()
    assert password not in lines
    assert "identity provider  http://127.0.0.1:" in lines
    assert "/connection/websocket" in lines
    commands = [line for line in lines.splitlines() if "cadenza " in line and line.startswith("  ")]
    assert len(commands) == 3


def test_the_commands_work_as_they_are_printed(start: Start, environment: dict[str, str], tmp_path: Path) -> None:
    lines = _announcement(start("--pace", "20"))
    login, call, watch = (line.strip() for line in lines.splitlines()[-3:])
    mine = {**environment, "CADENZA_DATA_DIR": str(tmp_path / "mine")}
    mine["CADENZA_PASSWORD"] = Path(_password_file(lines)).read_text().strip()

    def typed(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S602  # what a person pastes, a shell reads
            line, shell=True, env=mine, capture_output=True, text=True, timeout=_DEADLINE_SECONDS, check=True
        )

    assert "Signed in as" in typed(login).stdout
    assert "PAPER:BTC/USDT" in typed(call).stdout
    assert typed(f"{watch} --count 2").stdout.count("BTC/USDT  bid ") == 2


def _password_file(lines: str) -> str:
    return next(line.split(" in ", 1)[1] for line in lines.splitlines() if line.strip().startswith("password"))


def _announcement(process: subprocess.Popen[str]) -> str:
    """What it prints for a person, up to the last of the three commands."""
    assert process.stdout is not None
    lines: list[str] = []
    while not any("watch market:orderbook:PAPER:BTC/USDT" in line for line in lines):
        lines.append(process.stdout.readline())
        assert lines[-1], process.communicate(timeout=_DEADLINE_SECONDS)[1]
    return "".join(lines)


def test_a_terminal_sees_the_password(start: Start) -> None:
    mine, theirs = pty.openpty()
    process = start(stdin=theirs, stdout=theirs, stderr=theirs, text=False)
    os.close(theirs)
    seen = b""
    while b"watch market:orderbook" not in seen:
        seen += os.read(mine, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=_DEADLINE_SECONDS) == 0
    os.close(mine)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen.decode())
    password = next(line.split()[1] for line in plain.splitlines() if line.strip().startswith("password"))
    assert len(password) >= 12


def test_a_taken_port_is_one_line_that_names_the_option(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("--gateway-port", str(taken.getsockname()[1]))
        out, err = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 2
    assert out == ""
    assert "--gateway-port" in err.splitlines()[-1]
    assert len(err.splitlines()) == 2


def test_a_second_stack_on_the_same_folder_is_one_line_that_names_the_option(start: Start) -> None:
    first = start("--json")
    _announced(first)
    second = start()
    _, err = second.communicate(timeout=_DEADLINE_SECONDS)
    assert second.returncode == 2
    assert "in use by another running stack" in err
    assert "--data-dir" in err
    assert first.poll() is None


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--gateway-port", "70000"), "--gateway-port"),
        (("--gateway-port", "many"), "--gateway-port"),
        (("--data-dir", "/dev/null"), "--data-dir"),
        (("--pace", "nan"), "--pace"),
        (("--pace", "-1"), "--pace"),
        (("--token-lifetime", "0"), "--token-lifetime"),
        (("--host", "not a host"), "--"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_bad_option_ends_with_2_and_is_named(start: Start, options: tuple[str, ...], named: str) -> None:
    process = start(*options)
    out, err = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 2
    assert out == ""
    assert named in err.splitlines()[-1]
    assert "Traceback" not in err


def test_production_is_refused_unless_insisted_on(start: Start, environment: dict[str, str]) -> None:
    environment["CADENZA_ENV"] = "production"
    refused = start()
    _, err = refused.communicate(timeout=_DEADLINE_SECONDS)
    assert refused.returncode == 2
    assert "--allow-production" in err
    _announced(start("--json", "--allow-production"))


def test_a_misspelt_variable_is_refused_with_the_right_name(start: Start, environment: dict[str, str]) -> None:
    environment["CADENZA_DATADIR"] = "/nowhere"
    process = start()
    _, err = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 2
    assert "CADENZA_DATA_DIR" in err
