"""Every server that one load is put on, side by side in one run.

Above: suites. Below: ``processes``, the peers' own files; the tests' way of starting the real Centrifugo.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from benchmarks.plan import Plan
from benchmarks.processes import LIMITS_NEVER_MET, Up, child, running_up
from benchmarks.record import ROOT
from tests.support.programs import Program, free_port

from cadenza.gateway.centrifugo import document, text
from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config

OURS = "cadenza up"


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """A server under load. ``verifies``: it checks the token at connect."""

    name: str
    ws_url: str
    publish_url: str
    api_key: str
    pids: dict[str, int]
    verifies: bool = True


@contextlib.contextmanager
def targets(plan: Plan) -> Iterator[tuple[Up, list[Target]]]:
    """Run the embedded stack with its feed paused, and its peers."""
    with contextlib.ExitStack() as running:
        up = running.enter_context(running_up(plan.folder / secrets.token_hex(4), "--pace", "0"))
        ours = Target(
            name=OURS,
            ws_url=up.ws_url,
            publish_url=f"{up.api_url}/publish",
            api_key=up.api_key,
            pids={"server": up.pid},
        )
        found = [ours, running.enter_context(_bare())]
        if plan.centrifugo is not None:
            found.append(running.enter_context(_centrifugo(plan.centrifugo, up, plan.folder)))
        yield up, found


@contextlib.contextmanager
def floor() -> Iterator[Target]:
    """Run picows with nothing above it; it answers connects and RPCs alone."""
    with child([sys.executable, "-m", "benchmarks.peers.floor"]) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["ws"]
        yield Target(
            name="bare picows, the floor",
            ws_url=f"ws://127.0.0.1:{port}/",
            publish_url="",
            api_key="",
            pids={"server": process.pid},
            verifies=False,
        )


@contextlib.contextmanager
def _bare() -> Iterator[Target]:
    with child([sys.executable, "-m", "benchmarks.peers.bare"]) as process:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield Target(
            name="bare websockets server",
            ws_url=f"ws://127.0.0.1:{ports['ws']}/",
            publish_url=f"http://127.0.0.1:{ports['http']}/api/publish",
            api_key="",
            pids={"server": process.pid},
            verifies=False,
        )


@contextlib.contextmanager
def _centrifugo(program: Path, up: Up, folder: Path) -> Iterator[Target]:
    """Run the real Centrifugo, with the embedded provider's keys and our backend behind its HTTP proxies."""
    secret, api_key, backend_port = secrets.token_hex(16), secrets.token_hex(16), free_port()
    port = free_port()
    own = Path(folder, f"centrifugo-{secrets.token_hex(4)}")
    own.mkdir(mode=0o700)
    environment = {
        "PORT": str(backend_port),
        "HOME": str(own),
        "PYTHONPATH": str(ROOT),
        "SUPABASE_URL": up.identity_url,
        "CADENZA_WS_URL": f"ws://127.0.0.1:{port}/connection/websocket",
        "CADENZA_API_KEY": api_key,
        "CADENZA_PROXY_SECRET": secret,
        "CADENZA_LIMITS": LIMITS_NEVER_MET,
    }
    made = centrifugo_config(CentrifugoOptions(port=port, internal_port=free_port()), environment)
    # Connecting is one of the things measured: nothing holds it back.
    config = msgspec.structs.replace(made, connection_rate_limit=0)
    environment["CADENZA_API_URL"] = config.api_url
    (own / "config.json").write_text(text(document(config)))
    serve = [str(Path(sys.executable).with_name("cadenza")), "backend", "serve", "--pace", "0"]
    with (
        _program([str(program), "-c", str(own / "config.json")], {"HOME": str(own)}, own / "gateway.log") as gateway,
        _program(serve, environment, own / "backend.log") as backend,
    ):
        gateway.wait_for_http(f"{config.internal_url}/health")
        backend.wait_for_http(f"http://127.0.0.1:{backend_port}/ready")
        yield Target(
            name="Centrifugo and our backend",
            ws_url=environment["CADENZA_WS_URL"],
            publish_url=f"{config.api_url}/publish",
            api_key=api_key,
            pids={"gateway": gateway.process.pid, "backend": backend.process.pid},
        )


@contextlib.contextmanager
def _program(command: list[str], environment: dict[str, str], log: Path) -> Iterator[Program]:
    program = Program(command, environment=environment, log=log)
    try:
        yield program
    finally:
        program.stop()
