"""The identity provider's hot paths: documents, refresh, password sign-in; beside the real Supabase Auth if given.

Supabase Auth's work is done by PostgreSQL as much as by itself; its CPU here is its own process's alone. The rates are
of the whole, and are what the two are compared by. Both keep what they have answered: PostgreSQL runs as it is
delivered, with ``fsync``, and Supabase Auth keeps as many connections to it as there are clients.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.processes import child, generate
from benchmarks.record import Row, Sample, row
from tests.support.programs import Program, free_port
from tests.support.real import POOL, find_postgres, run_postgres

from cadenza.tokens.signer import SigningKey

OURS = "cadenza"
FREE_HASH = "cadenza, hash left out"
REAL = "Supabase Auth"
#: CPU microseconds of the server's process.
_DOCUMENT_US, _GRANT_US = 150.0, 3000.0
_JWKS = "/.well-known/jwks.json"
_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class _Case:
    name: str
    mode: str
    path: str
    servers: tuple[str, ...]
    at_most: float | None
    connections: int = 16


_CASES = (
    _Case("key set", "documents", _JWKS, (OURS, REAL), _DOCUMENT_US),
    _Case("discovery", "documents", _DISCOVERY, (OURS, REAL), _DOCUMENT_US),
    _Case("refresh", "refreshes", "", (OURS, REAL), _GRANT_US),
    _Case("password sign-in", "sign-ins", "", (FREE_HASH,), _GRANT_US),
    _Case("password sign-in", "sign-ins", "", (OURS, REAL), None, connections=4),
)


def run(plan: Plan) -> list[Row]:
    """Measure."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    with contextlib.ExitStack() as running:
        servers = {
            OURS: running.enter_context(_ours(plan.folder / "identity")),
            FREE_HASH: running.enter_context(_ours(plan.folder / "identity-free", "--free-hash")),
        }
        if plan.supabase_auth is not None:
            servers[REAL] = running.enter_context(_real(plan.supabase_auth, plan.folder))
        for _ in range(plan.rounds):
            for case in _CASES:
                for name in case.servers:
                    if name in servers:
                        sample = _measure(plan, case, *servers[name])
                        samples.setdefault((case.name, name), []).append(sample)
    targets = {(case.name, name): case.at_most for case in _CASES for name in case.servers if name != REAL}
    return [
        row(
            "identity",
            f"{name}, {server}",
            taken,
            unit="us CPU",
            load=plan.load("closed loop, 16 connections, 4 where passwords are hashed"),
            at_most=targets.get((name, server)),
        )
        for (name, server), taken in samples.items()
    ]


def _measure(plan: Plan, case: _Case, url: str, pid: int) -> Sample:
    words = [case.mode, "--url", url, "--method", case.path, "--connections", str(case.connections)]
    words += ["--seconds", str(plan.seconds), "--warm-up", str(plan.warm_up_seconds)]
    return generate("benchmarks.loadgen", words, pids={"server": pid})


@contextlib.contextmanager
def _ours(folder: Path, *words: str) -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "benchmarks.peers.identity", "--folder", str(folder), *words]
    with child(command, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the provider ended before it was up; run it alone to see why")
        yield url, process.pid


@contextlib.contextmanager
def _real(program: Path, folder: Path) -> Iterator[tuple[str, int]]:
    programs = find_postgres()
    if programs is None:
        raise RuntimeError("Supabase Auth needs PostgreSQL (initdb), and there is none")
    with run_postgres(programs, durable=True) as cluster:
        port = free_port()
        environment = {
            "PATH": os.defpath,
            "PORT": str(port),
            "API_EXTERNAL_URL": f"http://127.0.0.1:{port}",
            "DB_NAMESPACE": "auth",
            "DATABASE_URL": cluster.make_auth_database(),
            "GOTRUE_API_HOST": "127.0.0.1",
            "GOTRUE_DB_DRIVER": "postgres",
            **POOL,
            "GOTRUE_SITE_URL": "http://127.0.0.1:3000",
            "GOTRUE_JWT_SECRET": os.urandom(32).hex(),
            "GOTRUE_JWT_KEYS": _key_set(),
            "GOTRUE_JWT_AUD": "authenticated",
            "GOTRUE_MAILER_AUTOCONFIRM": "true",
        }
        subprocess.run([str(program), "migrate"], env=environment, cwd="/", check=True, capture_output=True)  # noqa: S603
        # It takes half a minute to end by itself, and its database is thrown away.
        real = Program(
            [str(program), "serve"],
            environment=environment,
            log=folder / "supabase-auth.log",
            stop_signal=signal.SIGKILL,
            cwd="/",
        )
        try:
            real.wait_for_http(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}", real.process.pid
        finally:
            real.stop()


def _key_set() -> str:
    return json.dumps([SigningKey.generate("ES256").private_jwk()])
