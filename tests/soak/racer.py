"""A process that refreshes when it is told to: ``racer.py DATA_DIR SUPABASE_URL AUTH_PATH``.

``refresh`` on a line of its own: it refreshes at once and says a digest of the refresh token it has then. ``user``: it
asks the provider who it is. ``asked``: how many refresh tokens it has sent so far. A minute passes between two rounds,
by its clocks, or the SDK would call it a storm (E6).
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from cadenza.client import Client
from cadenza.client.options import Options
from cadenza.client.settings import Environment
from cadenza.client.timing import Timing

passed = 0.0
asked = 0


def count_refreshes() -> None:
    """Whoever is not the first of a round sends nothing: the sibling's token is in the store."""
    stream = httpx.AsyncClient.stream

    def counted(self: httpx.AsyncClient, method: str, url: Any, **options: Any) -> Any:
        global asked  # noqa: PLW0603  # this program's count
        asked += dict(options.get("params") or {}).get("grant_type") == "refresh_token"
        return stream(self, method, url, **options)

    httpx.AsyncClient.stream = counted  # type: ignore[method-assign]  # as every client of this program has it


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
                if line == "asked":
                    answer = str(asked)
                elif line == "user":
                    answer = (await api.auth.user()).id or ""
                else:
                    answer = hashlib.sha256((await api.auth.refresh()).refresh_token.encode()).hexdigest()
            except Exception as error:  # noqa: BLE001 - the test is told
                answer = f"{type(error).__name__}: {error}"
            print(answer, flush=True)


count_refreshes()
asyncio.run(main(*sys.argv[1:]))
