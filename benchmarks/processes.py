"""Children that are measured: the stack as ``cadenza up`` runs it, the load generator, and the CPU of either.

Above: the suites. Below: subprocess, /proc (``ps`` where there is none).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from benchmarks.machine import AllCores, all_cores
from benchmarks.record import ROOT, Sample

from cadenza.schema.rates import Rate
from cadenza.tokens.signer import Signer, SigningKey

STOP_SECONDS = 20
#: A call is counted as for any caller, but one load generator may make as many as it can.
LIMITS_NEVER_MET = ",".join(f"{rate}=1000000000:1000000000" for rate in Rate)


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has used, all its threads, user and kernel."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        words = stat.read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    done = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    hours, minutes, seconds = ([0.0, 0.0] + [float(part) for part in done.stdout.strip().split(":")])[-3:]
    return 3600 * hours + 60 * minutes + seconds


@dataclass(frozen=True, kw_only=True)
class Up:
    """A running ``cadenza up``."""

    pid: int
    ws_url: str
    api_url: str
    api_key: str
    identity_url: str
    data_dir: Path
    email: str
    password: str

    def mint(self, count: int = 1, *, first: int = 0) -> list[str]:
        """Sign access tokens of distinct users with the provider's own key, as large as the provider's."""
        keys: list[dict[str, object]] = json.loads((self.data_dir / "identity" / "signing-keys.json").read_text())[
            "keys"
        ]
        signer = Signer(SigningKey.from_jwk(dict(keys[0])))
        now = int(time.time())
        return [signer.sign(_claims(self.identity_url, number, now)) for number in range(first, first + count)]


def _claims(issuer: str, number: int, now: int) -> dict[str, object]:
    session = f"fa0db7d6-0201-46bc-96ed-{number:012d}"
    return {
        "iss": issuer,
        "sub": f"369eaea3-b734-4f97-8596-{number:012d}",
        "aud": "authenticated",
        "exp": now + 3600,
        "iat": now,
        "email": f"user{number}@example.com",
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"email_verified": True},
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": now}],
        "session_id": session,
        "is_anonymous": False,
        "meta": {"session_id": session, "aal": "aal1", "role": "authenticated"},
    }


@contextlib.contextmanager
def running_up(data_dir: Path, *words: str, identity_port: int = 0) -> Iterator[Up]:
    """Run ``cadenza up`` on free ports until the block ends; it is up when it says so.

    A token is good for the next start only on the same ``identity_port``, which is in its issuer.
    """
    program = Path(sys.executable).with_name("cadenza")
    command = [str(program), "up", "--json", "--data-dir", str(data_dir)]
    command += ["--gateway-port", "0", "--backend-port", "0", "--identity-port", str(identity_port), *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CADENZA_", "SUPABASE_"))}
    environment["CADENZA_LIMITS"] = LIMITS_NEVER_MET
    with child(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        said: dict[str, Any] = json.loads(process.stdout.readline() or "{}")
        if not said:
            raise RuntimeError("`cadenza up` ended before it was up; run it alone to see why")
        yield Up(
            pid=process.pid,
            ws_url=said["wsUrl"],
            api_url=said["apiUrl"],
            api_key=(data_dir / "api-key").read_text().strip(),
            identity_url=said["identityUrl"],
            data_dir=data_dir,
            email=said["readyUser"]["email"],
            password=Path(said["readyUser"]["passwordFile"]).read_text().strip(),
        )


@contextlib.contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:  # noqa: ANN401 - Popen's own
    """Run a child that prints lines; SIGTERM ends it with the block."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, **options) as process:  # noqa: S603
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def generate(
    module: str,
    words: Sequence[str],
    *,
    pids: Mapping[str, int],
    environment: Mapping[str, str] | None = None,
    first: msgspec.Struct | None = None,
    errors_allowed: float = 0.0,
) -> Sample:
    """Run a load generator and read the servers' CPU where its window opens and closes; ``first`` is its first line.

    ``errors_allowed`` is a share of the operations; more than that is no measurement.
    The sample's value is CPU microseconds of all ``pids`` per operation; each one's stands in the details.
    """
    command = [sys.executable, "-m", module, *words, "--steps"]
    readings: list[_Reading] = []
    with child(command, stdin=subprocess.PIPE, env={**os.environ, **(environment or {})}) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if first is not None:
            process.stdin.write(msgspec.json.encode(first).decode() + "\n")
            process.stdin.flush()
        for line in process.stdout:
            if line.startswith("{"):
                result = msgspec.json.decode(line, type=dict[str, float | str])
                good, bad = float(result["operations"]), float(result["errors"])
                if not good or bad > errors_allowed * good:
                    raise RuntimeError(f"{good:.0f} operations, {bad:.0f} errors: nothing to measure")
                return _sample(result, *readings)
            readings.append(_Reading({name: cpu_seconds(pid) for name, pid in pids.items()}, all_cores()))
            process.stdin.write("\n")
            process.stdin.flush()
    raise RuntimeError(f"{module} {' '.join(words)} gave no result")


class _Reading(NamedTuple):
    servers: Mapping[str, float]
    machine: AllCores | None


def _sample(result: Mapping[str, float | str], before: _Reading, after: _Reading) -> Sample:
    numbers = {name: float(value) for name, value in result.items() if not isinstance(value, str)}
    used = {name: after.servers[name] - before.servers[name] for name in before.servers}
    details = {
        "rate": numbers["rate"],
        "p50_us": numbers["p50_us"],
        "p90_us": numbers["p90_us"],
        "p99_us": numbers["p99_us"],
        "connections": numbers["connections"],
        "payload_bytes": numbers["payload_bytes"],
        "server_percent": 100 * sum(used.values()) / numbers["seconds"],
        "load_generator_percent": numbers["cpu_percent"],
    }
    if before.machine is not None and after.machine is not None:
        ours = sum(used.values()) + numbers["cpu_percent"] / 100 * numbers["seconds"]
        details["others_percent"] = 100 * after.machine.busy_share(before.machine, ours)
    if numbers["errors"]:
        details["errors"] = numbers["errors"]
    if len(used) > 1:
        details |= {f"{name}_us": 1e6 * seconds / numbers["operations"] for name, seconds in used.items()}
    return Sample(value=1e6 * sum(used.values()) / numbers["operations"], details=details)
