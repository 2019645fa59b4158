"""A process that has its children refresh and die: ``victims.py DATA_DIR SUPABASE_URL AUTH_PATH``.

A line names the point at which the next child kills itself, or ``after N``: N milliseconds after it began; ``hang``: it
stops with the provider's answer in its hand, until the line ``go on``. The answer is how the child ended, or stopped.
Children are forked, so that each is a whole process and none has to import anything.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import filelock  # noqa: F401  # imported before the fork
import httpx
import platformdirs  # noqa: F401  # imported before the fork

import cadenza
import cadenza.client
from cadenza.client.auth.refreshing import Renewer
from cadenza.client.auth.stores import file as file_module
from cadenza.client.auth.stores.file import FileSessionStore


def die(*_: object, **__: object) -> Any:
    """As if the machine had lost its power: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def when_the_request_is_sent() -> None:
    stream = httpx.AsyncClient.stream

    async def trace(event: str, _: object) -> None:
        if event == "http11.send_request_body.complete":
            die()

    def traced(self: httpx.AsyncClient, *args: Any, **kwargs: Any) -> Any:
        return stream(self, *args, extensions={"trace": trace}, **kwargs)

    httpx.AsyncClient.stream = traced  # type: ignore[method-assign]  # a process that is about to die


def when_it_is_saved() -> None:
    save = FileSessionStore.save

    async def save_and_die(self: FileSessionStore, stored: Any) -> None:
        await save(self, stored)
        die()

    FileSessionStore.save = save_and_die  # type: ignore[method-assign]  # as above


def when_it_is_answered_hang() -> None:
    save = FileSessionStore.save

    async def hang_and_save(self: FileSessionStore, stored: Any) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        await save(self, stored)

    FileSessionStore.save = hang_and_save  # type: ignore[method-assign]  # as above


def replaced(owner: Any, name: str) -> Callable[[], None]:
    return lambda: setattr(owner, name, die)


#: In the order in which a refresh comes by them.
POINTS: dict[str, Callable[[], None]] = {
    "before the lock": replaced(FileSessionStore, "lock"),
    "under the lock": replaced(Renewer, "_renew"),
    "request sent": when_the_request_is_sent,
    "answered": replaced(FileSessionStore, "save"),
    "written, not renamed": replaced(FileSessionStore, "_require_lock"),
    "renamed": replaced(file_module, "_force_to_disk"),
    "saved": when_it_is_saved,
    "hang": when_it_is_answered_hang,
}


async def refresh(data_dir: str, supabase_url: str, auth_path: str) -> None:
    async with cadenza.connect(
        "ws://127.0.0.1:9/connection/websocket",
        supabase_url=supabase_url,
        auth_path=auth_path,
        environ={"CADENZA_DATA_DIR": data_dir},
    ) as api:
        await api.auth.refresh()


def victim(point: str) -> None:
    moment = point.removeprefix("after ")
    if moment == point:
        POINTS[point]()
    else:  # the signal's default is to end the process, whatever it does
        signal.setitimer(signal.ITIMER_REAL, float(moment) / 1000)
    asyncio.run(refresh(*sys.argv[1:]))


def ended(child: int) -> int:
    """How it ended; minus the signal's number if that was one, also one that only stopped it."""
    _, status = os.waitpid(child, os.WUNTRACED)
    return -os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)


def main() -> None:
    child = 0
    for line in sys.stdin:
        if line.strip() == "go on":
            os.kill(child, signal.SIGCONT)
            print(ended(child), flush=True)
            continue
        child = os.fork()
        if child == 0:
            try:
                victim(line.strip())
            except BaseException as error:  # noqa: BLE001 - the child must not go on as its parent
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(ended(child), flush=True)


if __name__ == "__main__":
    main()
