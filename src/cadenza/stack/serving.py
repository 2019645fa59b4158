"""An ASGI application on a port of this process's event loop, with uvicorn.

Above: ``stack.embedded``, ``stack.external``. Below: uvicorn. Signals stay with whoever runs the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import uvicorn

from cadenza.errors import ConfigurationError, UsageError
from cadenza.identity.bounded_http import BoundedHttp

_BACKLOG = 1024
_GRACE_SECONDS = 5

# ASGI's own type (asgi.readthedocs.io); its messages are open dictionaries.
_Message = MutableMapping[str, Any]
Asgi = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


class AsgiServer:
    """Serves one application.

    Args:
        app: The ASGI application.
        listener: A bound socket, from ``bind``; it becomes this server's to close.
    """

    def __init__(self, app: Asgi, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                app,
                http=BoundedHttp,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept connections."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="cadenza-backend-http")
        accepting = asyncio.create_task(self._server.accepting.wait())
        await asyncio.wait([accepting, self._serving], return_when=asyncio.FIRST_COMPLETED)
        if self._serving.done():
            accepting.cancel()
            self._serving.result()
            raise UsageError("The HTTP server ended at once.")

    async def stop(self) -> None:
        """Finish requests under way, for a bounded time. May be called twice."""
        if self._serving is not None:
            self._server.should_exit = True
            await asyncio.wait([self._serving])
            self._serving = None
        self._listener.close()


def bind(host: str, port: int, *, what: str, option: str) -> socket.socket:
    """Bind a TCP port, before anything else has been started.

    Raises:
        ConfigurationError: It is taken or may not be had; ``setting`` names the option that changes it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as refused:
        listener.close()
        reason = getattr(refused, "strerror", None) or str(refused)
        raise ConfigurationError(
            f"The {what} cannot listen on {host}:{port}: {reason}.",
            setting=option,
            next_step=f"Stop what uses that port, or choose another with {option}.",
        ) from refused
    return listener


def require_free(host: str, port: int, *, what: str, option: str) -> None:
    """Raise ``ConfigurationError`` as ``bind`` does, and let the port go again."""
    if port:
        bind(host, port, what=what, option=option).close()
