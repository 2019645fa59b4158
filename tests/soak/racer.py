"""A process that refreshes when it is told to: ``racer.py DATA_DIR SUPABASE_URL AUTH_PATH``.

``refresh`` on a line of its own: it refreshes at once and says a digest of the refresh token it has then. ``user``: it
asks the provider who it is. A minute passes between two rounds, by its clocks, or the SDK would call it a storm (E6).
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from pathlib import Path

from cadenza.client import Client
from cadenza.client.options import Options
from cadenza.client.settings import Environment
from cadenza.client.timing import Timing

passed = 0.0


async def main(data_dir: str, supabase_url: str, auth_path: str) -> None:
    global passed  # noqa: PLW0603  # this program's clock
    timing = Timing(clock=lambda: time.time() + passed, monotonic=lambda: time.monotonic() + passed)
    options = Options(
        environment=Environment(data_dir=Path(data_dir)),
        ws_url="ws://127.0.0.1:9/connection/websocket",
        supabase_url=supabase_url,
        auth_path=auth_path,
        timing=timing,
    )
    async with Client(options) as api:
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            passed += 60
            try:
                if line == "user":
                    answer = (await api.auth.user()).id or ""
                else:
                    answer = hashlib.sha256((await api.auth.refresh()).refresh_token.encode()).hexdigest()
            except Exception as error:  # noqa: BLE001 - the test is told
                answer = f"{type(error).__name__}: {error}"
            print(answer, flush=True)


asyncio.run(main(*sys.argv[1:]))
