"""`cadenza gateway run` and `reload` as programs: over a stand-in, and over the real Centrifugo where it was given."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support import centrifugo_stand_in
from tests.support.programs import free_port

from cadenza.cli.exits import Exit
from cadenza.gateway.centrifugo import document, text
from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config

DEADLINE_SECONDS = 30.0
KEY, SECRET = "the-key-of-the-api", "the-secret-between-both"
SETTINGS = {"SUPABASE_URL": "https://ref.supabase.co", "CADENZA_API_KEY": KEY, "CADENZA_PROXY_SECRET": SECRET}
_REAL = os.environ.get("CENTRIFUGO_BIN") or shutil.which("centrifugo")


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A running ``cadenza gateway run --json``."""

    process: subprocess.Popen[str]
    up: dict[str, Any]

    def next(self, name: str) -> Any:
        """The next event of that name, which it tells on stderr."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            event = json.loads(line)
            if name in event:
                return event[name]
        raise AssertionError(f"it ended without {name}")

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode, out


@pytest.fixture(
    params=[
        "stand-in",
        pytest.param("real", marks=[pytest.mark.real, pytest.mark.skipif(not _REAL, reason="CENTRIFUGO_BIN")]),
    ]
)
def binary(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return centrifugo_stand_in.write(tmp_path) if request.param == "stand-in" else Path(str(_REAL))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A file of ours, on free ports, without secrets."""
    file = tmp_path / "centrifugo.json"
    ports = CentrifugoOptions(port=free_port(), internal_port=free_port())
    file.write_text(text(document(centrifugo_config(ports, SETTINGS), with_secrets=False)))
    return file


@pytest.fixture
def start(
    program: list[str], environment: dict[str, str], binary: Path, config: Path
) -> Iterator[Callable[[], Gateway]]:
    started: list[subprocess.Popen[str]] = []

    def run() -> Gateway:
        process = subprocess.Popen(  # the program under test
            [*program, "gateway", "run", "--json", "--binary", str(binary), "--config", str(config)],
            env={**environment, **SETTINGS}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        started.append(process)
        return Gateway(process=process, up=Gateway(process=process, up={}).next("up"))

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=DEADLINE_SECONDS)


def test_it_runs_until_sigterm_and_hands_its_log_through(start: Callable[[], Gateway], config: Path) -> None:
    """Its secrets are in its environment alone: not in its words, not in a file, and none that it has no use for."""
    gateway = start()
    port = json.loads(config.read_text())["http_server"]["port"]
    assert gateway.up["wsUrl"] == f"ws://127.0.0.1:{port}/connection/websocket"
    assert gateway.up["restarts"] == 0
    socket.create_connection(("127.0.0.1", port)).close()
    folder = Path(gateway.up["runDir"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o077 for file in folder.glob("*.json")} == {0}
    process = Path("/proc") / str(gateway.up["pid"])
    if process.exists():  # Linux alone shows them
        words = (process / "cmdline").read_text()
        pairs = [pair.partition("=") for pair in (process / "environ").read_text().split("\0")]
        variables = {name: value for name, _, value in pairs}
        assert KEY not in words + config.read_text()
        assert SECRET not in words + config.read_text()
        assert variables["CENTRIFUGO_HTTP_API_KEY"] == KEY
        assert variables["CENTRIFUGO_VAR_CADENZA_PROXY_SECRET"] == SECRET
        assert not [name for name in variables if name.startswith(("CADENZA_", "SUPABASE_"))]
    code, log = gateway.stop()
    assert code == 0
    assert any(json.loads(line)["message"] == "shutting down ..." for line in log.splitlines())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_one_that_is_killed_is_started_again(start: Callable[[], Gateway]) -> None:
    gateway = start()
    os.kill(gateway.up["pid"], signal.SIGKILL)
    assert gateway.next("ended") == {"status": -9, "againInSeconds": 0.5}
    again = gateway.next("up")
    assert again["restarts"] == 1
    assert again["pid"] != gateway.up["pid"]
    assert gateway.stop()[0] == 0


def test_a_reload_says_whether_it_was_taken(
    start: Callable[[], Gateway], cadenza: Callable[..., Any], config: Path, binary: Path
) -> None:
    gateway = start()
    done = cadenza("gateway", "reload")
    assert (done.code, done.out) == (Exit.OK, "Reloaded.\n"), done.err
    good = config.read_text()
    config.write_text("{")
    done = cadenza("gateway", "reload", "--json")
    assert done.code == Exit.FAILED
    assert json.loads(done.out) == {"taken": False}
    config.write_text(good)
    # The same signal sent by hand.
    gateway.process.send_signal(signal.SIGHUP)
    assert gateway.process.stdout is not None
    messages = (json.loads(line)["message"] for line in gateway.process.stdout)
    wanted = ["configuration successfully reloaded", "error reading config", "configuration successfully reloaded"]
    for message in messages:
        if message == wanted[0]:
            wanted.pop(0)
        if not wanted:
            break
    # A second one needs a folder and ports of its own.
    again = cadenza("gateway", "run", "--binary", str(binary), "--config", str(config), environ=SETTINGS)
    assert again.code == Exit.USAGE
    assert "--run-dir: A gateway runs from" in again.err
    two = ("--run-dir", str(config.parent / "two"))
    elsewhere = cadenza("gateway", "run", "--binary", str(binary), "--config", str(config), *two, environ=SETTINGS)
    assert elsewhere.code == Exit.USAGE
    assert "http_server.port: The gateway cannot listen on 127.0.0.1:" in elsewhere.err


def test_reload_without_a_gateway_is_one_clear_line(cadenza: Callable[..., Any], tmp_path: Path) -> None:
    left_over = tmp_path / "run"
    left_over.mkdir()
    # A run that did not end in order: its number may be anybody's by now, and is sent no signal.
    (left_over / "gateway.json").write_text(json.dumps({"pid": os.getpid()}))
    done = cadenza("gateway", "reload", "--run-dir", str(left_over))
    assert done.code == Exit.USAGE
    assert "No gateway runs from" in done.err


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    return centrifugo_stand_in.write(tmp_path)


def test_without_a_file_it_takes_one_made_of_the_environment(
    cadenza: Callable[..., Any], stand_in: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # Seen before it is started, which this test has no use for.
        environ = {**SETTINGS, "CENTRIFUGO_HTTP_SERVER_PORT": str(taken.getsockname()[1])}
        refused = cadenza("gateway", "run", "--binary", str(stand_in), environ=environ)
    assert "Address already in use" in refused.err
    made = tmp_path / "data" / "gateway" / "centrifugo.json"
    assert made.stat().st_mode & 0o777 == 0o600
    assert json.loads(made.read_text())["client"]["token"]["issuer"] == "https://ref.supabase.co/auth/v1"
    assert SECRET not in made.read_text()


@dataclass(frozen=True)
class Refusal:
    """What is asked for, and what is said to it."""

    says: str
    words: tuple[str, ...] = ("--binary", "centrifugo")
    environ: Mapping[str, str] = field(default_factory=dict)


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(
            "There is no Centrifugo on PATH. Install Centrifugo v6", (), {"PATH": "/nonexistent", "CENTRIFUGO_BIN": ""}
        ),
        Refusal("/nonexistent is not a program", (), {"CENTRIFUGO_BIN": "/nonexistent"}),
        Refusal("/bin/true is not Centrifugo v6", ("--binary", "/bin/true")),
        Refusal("is not Centrifugo v6 but v5.4.9", ("--binary", "old")),
        Refusal("SUPABASE_URL is not set to make one from", environ={"SUPABASE_URL": ""}),
        Refusal("CADENZA_API_KEY is not set", environ={"CADENZA_API_KEY": ""}),
        Refusal("nowhere.json cannot be read", ("--binary", "centrifugo", "--config", "nowhere.json")),
        Refusal("broken.json is not JSON", ("--binary", "centrifugo", "--config", "broken.json")),
        Refusal("dangerous.json is not one to run", ("--binary", "centrifugo", "--config", "dangerous.json")),
    ],
    ids=lambda refusal: refusal.says,
)
def test_what_cannot_run_is_said_before_anything_is_started(
    cadenza: Callable[..., Any], stand_in: Path, monkeypatch: pytest.MonkeyPatch, refusal: Refusal
) -> None:
    monkeypatch.chdir(stand_in.parent)
    Path("dangerous.json").write_text('{"client": {"insecure": true}}')
    Path("broken.json").write_text("{")
    Path("old").write_text("#!/bin/sh\necho 'Centrifugo v5.4.9 (Go version: go1.22)'\n")
    Path("old").chmod(0o755)
    done = cadenza("gateway", "run", *refusal.words, environ={**SETTINGS, **refusal.environ})
    assert done.code == Exit.USAGE
    assert refusal.says in done.err
    assert SECRET not in done.out + done.err
