"""Keeps the embedded stack up until a signal, and says where it is.

Above: ``cli.up``. Below: ``stack.embedded``.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cadenza.cli.colours import Style
from cadenza.cli.loops import server_part
from cadenza.cli.output import json_text, note, say, show_pairs
from cadenza.cli.program import command
from cadenza.client.settings import DEFAULT_SUPABASE_URL, DEFAULT_WS_URL
from cadenza.stack.settings import StackSettings

if TYPE_CHECKING:
    from cadenza.stack.embedded import EmbeddedStack

__all__ = ["serve", "signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def serve(settings: StackSettings, *, as_json: bool) -> None:
    """Start the stack, announce it, and stop it at the first signal."""
    make = server_part(_load)
    note(f"Starting identity provider, gateway and backend; data in {settings.data_dir}")
    began = time.monotonic()
    with signals() as stop:
        try:
            async with make(settings) as stack:
                stop.running = True
                if as_json:
                    say(json_text(_announcement(stack)))
                else:
                    _announce(stack, time.monotonic() - began)
                await stop.asked.wait()
        except asyncio.CancelledError:
            if not stop.asked.is_set():
                raise
    note(f"Stopped; the data stays in {settings.data_dir}")


class _Stop:
    """The first signal asks a running stack to stop; one during start-up or while it stops does not wait."""

    def __init__(self, task: asyncio.Task[object] | None) -> None:
        self.asked = asyncio.Event()
        self.running = False
        self._task = task

    def __call__(self) -> None:
        if self._task is not None and (self.asked.is_set() or not self.running):
            self._task.cancel()
        self.asked.set()


@contextlib.contextmanager
def signals() -> Iterator[_Stop]:
    """Have the process's signals ask a server to stop."""
    loop = asyncio.get_running_loop()
    stop = _Stop(asyncio.current_task())
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _load() -> type[EmbeddedStack]:
    from cadenza.stack.embedded import EmbeddedStack

    return EmbeddedStack


def _announcement(stack: EmbeddedStack) -> dict[str, object]:
    """The same in JSON, without the password: what reads JSON may also keep it."""
    return {
        "identityUrl": stack.identity_url,
        "wsUrl": stack.ws_url,
        "apiUrl": stack.api_url,
        "backendUrl": stack.backend_url,
        "dataDir": str(stack.data_dir),
        "readyUser": {"email": stack.ready_user[0], "passwordFile": str(stack.ready_password_file)},
    }


def _announce(stack: EmbeddedStack, seconds: float) -> None:
    email, password = stack.ready_user
    say(f"Cadenza is up ({seconds:.1f} s). Ctrl-C stops it.\n", Style.STRONG)
    show_pairs(
        {
            "  identity provider": stack.identity_url,
            "  gateway": stack.ws_url,
            "  server API": stack.api_url,
            "  backend": stack.backend_url,
            "  ready user": email,
            # A log or a pipe is not the place for a password.
            "  password": password if sys.stdout.isatty() else f"in {stack.ready_password_file}",
        },
        strong=("  ready user", "  password"),
    )
    say("\nTry next, in another terminal:")
    for line in _next_commands(stack, email):
        say(f"  {line}", Style.TYPED)


def _next_commands(stack: EmbeddedStack, email: str) -> list[str]:
    login = ["login", "--email", email]
    # Only the first needs to be told where an unusual stack is: the stored session knows it afterwards.
    if stack.ws_url != DEFAULT_WS_URL:
        login += ["--ws-url", stack.ws_url]
    if stack.supabase_url != DEFAULT_SUPABASE_URL:
        login += ["--supabase-url", stack.supabase_url]
    return [
        command(*login),
        command("call", "query.ticker.list", '{"venue":"PAPER"}'),
        command("watch", "market:orderbook:PAPER:BTC/USDT"),
    ]
