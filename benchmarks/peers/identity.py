"""The identity provider in a process of its own: ``python -m benchmarks.peers.identity --folder F [--free-hash]``.

With ``--free-hash`` a password's hash costs next to nothing, so that what is left of a sign-in can be measured: argon2
takes a hundred times as long, and varies by more than all the rest. Prints its address and waits for SIGTERM.

Above: ``suites.identity``. Below: ``cadenza.identity``.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

import uvloop

from cadenza.identity import IdentityConfig, IdentityServer, PasswordHashing, RateLimits

_FREE = PasswordHashing(passes=1, memory_kib=8, lanes=1)


async def _serve(folder: Path, *, free_hash: bool) -> None:
    config = IdentityConfig(
        data_dir=folder,
        port=0,
        limits=RateLimits.off(),
        hashing=_FREE if free_hash else PasswordHashing(),
    )
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with IdentityServer(config) as server:
        print(server.url, flush=True)
        await ended.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--free-hash", action="store_true")
    arguments = parser.parse_args()
    uvloop.run(_serve(arguments.folder, free_hash=arguments.free_hash))


if __name__ == "__main__":
    main()
