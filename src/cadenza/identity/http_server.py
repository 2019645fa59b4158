"""An ASGI application on a socket, in this process's event loop, with uvicorn behind ``bounded_http``.

Signals stay with whoever runs the loop, and whoever starts it knows when it accepts connections.

Above: ``server``, ``stack``. Below: ``bounded_http``, uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Final  # ASGI's own types

import uvicorn

from cadenza.errors import ConfigurationError, UsageError
from cadenza.identity.bounded_http import BoundedHttp
from cadenza.identity.config import TlsFiles

# An encrypted key would otherwise ask for its passphrase on the terminal, in the middle of a start.
_NO_PASSPHRASE: Final = "-"  # noqa: S105
_Message = MutableMapping[str, Any]
Asgi = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class HttpBounds:
    """How much, and how long.

    Attributes:
        connections: Open at once; the next one is answered 503. ``None``: as many as there are files for.
        keep_alive_seconds: A connection that asks nothing more is closed after this.
        grace_seconds: Requests under way are waited for so long when it stops.
    """

    connections: int | None = None
    keep_alive_seconds: int = 5
    grace_seconds: int = 5


class HttpServer:
    """Serves one application.

    Args:
        app: The ASGI application.
        listener: A bound socket; it becomes this server's to close.
        name: Of its task.
        bounds: See there.
        tls: Speak TLS (1.2 or later) with these. ``None``: plain HTTP.

    Raises:
        ConfigurationError: Certificate and key cannot be used.
    """

    def __init__(
        self,
        app: Asgi,
        listener: socket.socket,
        *,
        name: str,
        bounds: HttpBounds = HttpBounds(),  # frozen
        tls: TlsFiles | None = None,
    ) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._name = name
        self._uvicorn = _QuietUvicorn(_configuration(app, bounds, tls))
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept connections.

        Raises:
            UsageError: The server ended at once.
        """
        self._serving = asyncio.create_task(self._uvicorn.serve(sockets=[self._listener]), name=self._name)
        accepting = asyncio.create_task(self._uvicorn.accepting.wait())
        await asyncio.wait([accepting, self._serving], return_when=asyncio.FIRST_COMPLETED)
        if self._serving.done():
            accepting.cancel()
            self._serving.result()
            raise UsageError("The HTTP server ended at once.")

    def hurry(self) -> None:
        """Have ``stop`` wait for no request, whether it waits already or is yet to be called."""
        self._uvicorn.force_exit = True

    async def stop(self) -> None:
        """Finish requests under way, for a bounded time. May be called twice."""
        if self._serving is not None:
            self._uvicorn.should_exit = True
            await asyncio.wait([self._serving])
            self._serving = None
        self._listener.close()


class _QuietUvicorn(uvicorn.Server):
    """uvicorn without its hands on the process's signals: whoever runs the loop decides when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


def _configuration(app: Asgi, bounds: HttpBounds, tls: TlsFiles | None) -> uvicorn.Config:
    configuration = uvicorn.Config(
        app,
        http=BoundedHttp,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=bounds.connections,
        timeout_keep_alive=bounds.keep_alive_seconds,
        timeout_graceful_shutdown=bounds.grace_seconds,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
        ssl_keyfile_password=None if tls is None else _NO_PASSPHRASE,
    )
    try:
        configuration.load()
    except (ssl.SSLError, OSError, ValueError) as error:
        raise _unusable(tls, error) from None
    return configuration


def _unusable(tls: TlsFiles | None, error: Exception) -> ConfigurationError:
    named = "" if tls is None else f" {tls.certificate} and {tls.key}"
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return ConfigurationError(
        f"The certificate and key{named} cannot be used: {reason}.",
        setting="--tls-cert and --tls-key",
        next_step="Give a certificate and the private key that belongs to it, in PEM and without a passphrase.",
    )
