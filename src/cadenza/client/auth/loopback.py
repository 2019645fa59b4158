"""Waits on this machine for a browser to come back: one address of three, one callback, a deadline, then it is gone.

Above: ``redirects``. Below: ``landing`` (what is believed and what is answered), asyncio. The ports are fixed, as a
provider's list may have to name them (row G1); the first that is free is taken. Nothing is logged.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final
from urllib.parse import urlsplit

from cadenza.client.auth import landing
from cadenza.errors import ConfigurationError, DeadlineExceededError

#: Cookies of everything else on 127.0.0.1 come along: browsers do not keep ports apart there.
_LARGEST_HEAD: Final = 32 * 1024
_MOST_CONNECTIONS: Final = 32
#: A browser sends its request in one go.
_HEAD_SECONDS: Final = 5.0


class Loopback:
    """A listener for one flow. Made by ``listen``; ``close`` frees its port.

    Args:
        redirect: The address without a query.
        state: The flow's.
        head_seconds: How long a client may take to send its request.
    """

    def __init__(self, redirect: str, state: str, *, head_seconds: float = _HEAD_SECONDS) -> None:
        parts = urlsplit(redirect)
        self.redirect = redirect
        self._port = parts.port or 0
        self._path = parts.path
        self._state = state
        self._head_seconds = head_seconds
        self._callback: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answered = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take the port. Raises ``OSError``."""
        self._server = await asyncio.start_server(
            self._accept, landing.HOST, self._port, limit=_LARGEST_HEAD, backlog=_MOST_CONNECTIONS
        )

    async def wait(self, timeout_seconds: float) -> str:
        """The address that the browser came back with.

        Raises:
            DeadlineExceededError: It did not.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                callback = await asyncio.shield(self._callback)
        except TimeoutError:
            raise DeadlineExceededError(
                f"The browser did not come back within {timeout_seconds:g} s.",
                next_step="Sign in again; where the browser is on another machine, paste the address it ends at.",
            ) from None
        with contextlib.suppress(TimeoutError):  # the page should reach the browser before the port is freed
            async with asyncio.timeout(self._head_seconds):
                await self._answered.wait()
        return callback

    async def close(self) -> None:
        """Free the port. Safe to repeat."""
        self._stop_listening()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)
        self._callback.cancel()

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._serving) >= _MOST_CONNECTIONS:
            writer.close()
            return
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        finally:
            self._serving.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):  # it hung up, or was too slow
            async with asyncio.timeout(self._head_seconds):
                answer = await self._judged(reader)
                writer.write(landing.encode(answer))
                await writer.drain()
                writer.write_eof()
                if answer.callback:
                    self._answered.set()

    async def _judged(self, reader: asyncio.StreamReader) -> landing.Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return landing.TOO_LARGE
        answer = landing.judge(head, port=self._port, path=self._path, state=self._state)
        if answer.callback and not self._callback.done():
            self._stop_listening()  # exactly one is served
            self._callback.set_result(answer.callback)
        elif answer.callback:
            return landing.ALREADY_SERVED
        return answer


async def listen(redirects: tuple[str, ...], state: str) -> Loopback:
    """Wait at the first of these addresses whose port is free.

    Raises:
        ConfigurationError: All ports are taken.
    """
    for redirect in redirects:
        loopback = Loopback(redirect, state)
        try:
            await loopback.open()
        except OSError:
            continue
        return loopback
    ports = ", ".join(str(urlsplit(redirect).port) for redirect in redirects)
    raise ConfigurationError(
        f"No browser can come back: the ports {ports} of this machine are all taken.",
        setting="ports",
        next_step="End the programs that hold them, or start the sign-in without listening and paste the address.",
    )
