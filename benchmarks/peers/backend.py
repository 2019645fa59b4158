"""Our backend as a process of its own with the feed paused, for the real Centrifugo to stand in front of.

The same as ``python -m cadenza.stack.external``, whose pace cannot be set from the environment.
"""

from __future__ import annotations

import asyncio
import os
import signal

import uvloop

from cadenza.stack.external import ExternalBackend, external_settings_from_environment


async def _run() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = external_settings_from_environment(port=int(os.environ["PORT"]), book_updates_per_second=0.0)
    async with ExternalBackend(settings):
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(_run())
