"""Measure the embedded gateway: RPC, connects, fan-out, memory; CPU microseconds of the server process.

``python benchmarks/gateway.py [--only rpc] [--json FILE]``. Starts a gateway in a process of its own (``--serve``) and
``loadgen`` in another, one after the other for each row, and prints a table. Method: ``reference/performance.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
API_KEY = "benchmark"
ISSUER = "http://benchmark/auth/v1"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement."""

    name: str
    mode: str
    connections: int
    arguments: tuple[str, ...] = ()
    with_token: bool = False


ROWS = (
    Row(name="rpc, 1 connection", mode="rpc", connections=1),
    Row(name="rpc, 64 connections", mode="rpc", connections=64),
    Row(name="rpc, 256 connections", mode="rpc", connections=256),
    Row(name="rpc that waits, 64 connections", mode="rpc", connections=64, arguments=("--method", "wait")),
    Row(name="connect, no token", mode="connect", connections=32),
    Row(name="connect, token seen before", mode="connect", connections=32, with_token=True),
    Row(name="fan-out to 1000, 20/s", mode="fanout", connections=1000, arguments=("--rate", "20")),
    Row(name="fan-out to 1000, 100/s", mode="fanout", connections=1000, arguments=("--rate", "100")),
    Row(name="fan-out to 1000, closed loop", mode="fanout", connections=1000),
    Row(
        name="fan-out to 1000, history, closed loop", mode="fanout", connections=1000, arguments=("--channel", "kept:x")
    ),
    Row(name="idle, with token", mode="idle", connections=4000, with_token=True),
)


# The server process


async def serve() -> None:
    """Serve until standard input ends; each line read is answered with CPU seconds and resident bytes."""
    import msgspec

    from cadenza.gateway import GatewayConfig, GatewayServer, Namespace
    from cadenza.protocol.proxy import (
        Peer,
        RpcRequest,
        RpcResponse,
        RpcResult,
        SubscribeRequest,
        SubscribeResponse,
        SubscribeResult,
    )
    from cadenza.tokens.jwks import StaticKeySet
    from cadenza.tokens.signer import Signer, SigningKey
    from cadenza.tokens.verifier import Verifier

    class Echo:
        async def rpc(self, request: RpcRequest, peer: Peer, /) -> RpcResponse:
            del peer
            if request.method == "wait":
                await asyncio.sleep(0.001)
            return RpcResponse(result=RpcResult(data=request.data))

        async def subscribe(self, request: SubscribeRequest, peer: Peer, /) -> SubscribeResponse:
            del request, peer
            return SubscribeResponse(result=SubscribeResult())

    key = SigningKey.generate("ES256", kid="benchmark")
    now = int(time.time())
    token = Signer(key).sign(
        {"iss": ISSUER, "aud": "authenticated", "sub": "42", "exp": now + 3600, "iat": now, "meta": {"aal": "aal1"}}
    )
    keys = StaticKeySet([msgspec.convert(key.public_jwk(), dict)])
    allowed = Namespace(allow_subscribe_for_client=True, allow_subscribe_for_anonymous=True)
    kept = msgspec.structs.replace(allowed, history_size=100, history_ttl_seconds=60.0, force_recovery=True)
    server = GatewayServer(
        GatewayConfig(
            port=0,
            api_key=API_KEY,
            allow_anonymous_connect_without_token=True,
            namespaces={"bench": allowed, "kept": kept},
        ),
        verifier=Verifier(keys, issuer=ISSUER, audience="authenticated", clock=time.time),
        proxy=Echo(),
        clock=time.time,
    )
    await server.start()
    print(json.dumps({"port": server.port, "token": token}), flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"cpu": usage.ru_utime + usage.ru_stime, "rss": _resident_bytes()}), flush=True)
    await server.stop()


def _resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: the most there ever was, in bytes


# The measuring process


class Server:
    """The gateway's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        ready = self._read()
        self.port, self.token = int(ready["port"]), str(ready["token"])

    def usage(self) -> dict[str, float]:
        """CPU seconds and resident bytes."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write("\n")
        stdin.flush()
        return {name: float(value) for name, value in self._read().items()}

    def _read(self) -> dict[str, float | str]:
        stdout = self._process.stdout
        assert stdout is not None
        line: dict[str, float | str] = json.loads(stdout.readline())
        return line


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Start a gateway, and stop it."""
    command = [sys.executable, str(HERE / "gateway.py"), "--serve"]
    with subprocess.Popen(  # noqa: S603 - this very file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Server(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)


def measure(row: Row, seconds: float) -> dict[str, object]:
    """Measure one row on a fresh server."""
    with running_server() as server:
        base = f"127.0.0.1:{server.port}"
        command = [
            sys.executable,
            "-m",
            "benchmarks.loadgen",
            row.mode,
            "--steps",
            "--connections",
            str(row.connections),
        ]
        command += ["--url", f"ws://{base}/connection/websocket", "--api-url", f"http://{base}/api/publish"]
        command += ["--seconds", str(seconds), *row.arguments]
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "LOADGEN_API_KEY": API_KEY}
        if row.with_token:
            environment["LOADGEN_TOKEN"] = server.token
        before = after = server.usage()
        with subprocess.Popen(  # noqa: S603 - our own load generator
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as generator:
            assert generator.stdin is not None
            assert generator.stdout is not None
            for line in generator.stdout:
                word = line.strip()
                if word == "begin":
                    before = server.usage()
                elif word in {"end", "holding"}:
                    after = server.usage()
                else:
                    return {"name": row.name, **json.loads(line), **_cost(json.loads(line), before, after)}
                _step(generator.stdin)
    raise RuntimeError(f"no result for {row.name}")


def _step(stdin: IO[str]) -> None:
    stdin.write("\n")
    stdin.flush()


def _cost(result: dict[str, float], before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    operations = result["operations"]
    cpu = after["cpu"] - before["cpu"]
    cost = {"server_cpu_percent": round(100 * cpu / result["seconds"], 1)}
    if operations:
        cost["server_us_per_operation"] = round(1e6 * cpu / operations, 2)
    else:
        grown = after["rss"] - before["rss"]
        cost["server_kilobytes_per_connection"] = round(grown / 1024 / result["connections"], 1)
    return cost


def main() -> None:
    """Run the rows that are asked for, print a table, keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="part of a row's name")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    if arguments.serve:
        import uvloop

        uvloop.run(serve())
        return
    results = []
    print(f"{'row':40} {'rate/s':>9} {'p50 us':>8} {'p99 us':>9} {'server us/op':>13} {'server %':>9} {'loadgen %':>9}")
    for row in ROWS:
        if arguments.only in row.name:
            result = measure(row, arguments.seconds)
            results.append(result)
            cost = result.get("server_us_per_operation", f"{result.get('server_kilobytes_per_connection')} KB")
            print(
                f"{row.name:40} {result['rate']:>9} {result['p50_us']:>8} {result['p99_us']:>9} {cost:>13}"
                f" {result['server_cpu_percent']:>9} {result['cpu_percent']:>9}"
                + (f"  errors: {result['errors']}" if result["errors"] else "")
            )
    if arguments.json:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
        arguments.json.write_text(json.dumps({"machine": machine, "rows": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
