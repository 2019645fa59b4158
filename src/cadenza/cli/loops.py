"""Runs a verb's coroutine to its end on a fresh event loop.

Above: the verbs. Below: asyncio, uvloop for the verbs that serve. Ctrl-C cancels the coroutine, so that sockets and
files are closed in order, and ends the command as interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, TypeVar

from cadenza.errors import ConfigurationError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

__all__ = ["run", "run_server", "server_part"]

_T = TypeVar("_T")

#: A peer that does not answer a close frame is not waited for any longer.
_GRACE_SECONDS = 1.0


def run(work: Coroutine[object, object, _T]) -> _T:
    """Run a client verb."""
    import asyncio

    with asyncio.Runner() as runner:
        return runner.run(_to_the_end(work))


async def _to_the_end(work: Coroutine[object, object, _T]) -> _T:
    """Await the work, then what it left behind.

    centrifuge-python 0.7 closes its socket in a task of its own after ``disconnect()`` has returned. A loop that ends
    before would cut that off: no close frame, and an unclosed socket.
    """
    import asyncio

    try:
        return await work
    finally:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left, timeout=_GRACE_SECONDS)


def run_server(work: Coroutine[object, object, _T]) -> _T:
    """Run a verb that serves, on the quicker loop."""
    import asyncio

    try:
        loop_factory = server_part(_quick_loop)
    except ConfigurationError:
        work.close()
        raise
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)


def _quick_loop() -> Callable[[], AbstractEventLoop]:
    import uvloop

    return uvloop.new_event_loop


def server_part(load: Callable[[], _T]) -> _T:
    """Import what needs the ``server`` extra.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    try:
        return load()
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "cadenza":
            raise
        raise ConfigurationError(
            f"The server's parts are not installed: {missing.name} is missing.",
            next_step="Install them: pip install 'cadenza[server,cli]'",
        ) from missing
