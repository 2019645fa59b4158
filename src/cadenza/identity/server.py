"""The provider as a running thing: keys, database, socket, HTTP server, in this process.

Above: ``stack``, ``cli``, tests. Below: ``parts``, ``keys``; uvicorn serves.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Self

from cadenza.errors import ConfigurationError, IdentityError, UsageError
from cadenza.identity.app import IdentityApp
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.http_server import HttpBounds, HttpServer
from cadenza.identity.keys import KeyRing, load_key_ring
from cadenza.identity.parts import Parts, assemble
from cadenza.identity.serving_file import write_serving
from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.codes import action_for

_BACKLOG: Final = 128
_BOUNDS: Final = HttpBounds(connections=512, keep_alive_seconds=30, grace_seconds=2)


class IdentityServer:
    """The embedded identity provider.

    Args:
        config: Where and how.
        clock: Seconds since the epoch.
        monotonic: Seconds that never jump.
        random_bytes: The source of ids, salts and refresh tokens.
        on_sessions_ended: Is told the ids of sessions that are gone: signed out, of a deleted user, of an old password.

    Use it as an async context manager, or call ``start`` and ``stop``.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        random_bytes: Callable[[int], bytes] = os.urandom,
        on_sessions_ended: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self._on_sessions_ended = on_sessions_ended
        self.config = config
        self._clock = clock
        self._monotonic = monotonic
        self._random_bytes = random_bytes
        self._keys: KeyRing | None = None
        self._parts: Parts | None = None
        self._http: HttpServer | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # Where it is

    @property
    def port(self) -> int:
        """The port listened on; the configured one until ``start``."""
        return self.config.port

    @property
    def url(self) -> str:
        """The service's address with its prefix: what ``SUPABASE_URL`` and ``/auth/v1`` make together."""
        return self.config.base_url

    @property
    def issuer(self) -> str:
        """The ``iss`` of its tokens."""
        return self.config.token_issuer

    @property
    def audience(self) -> str:
        """The ``aud`` of its tokens."""
        return self.config.audience

    @property
    def jwks_url(self) -> str:
        """Where its keys are published."""
        return f"{self.url}{endpoints.JWKS}"

    @property
    def public_keys(self) -> tuple[dict[str, object], ...]:
        """Its keys, for whoever verifies in this process.

        Raises:
            UsageError: It has not been started.
        """
        if self._keys is None:
            raise _not_started()
        return self._keys.public_keys

    @property
    def asgi_app(self) -> IdentityApp:
        """The application itself, for whoever calls it without a socket.

        Raises:
            UsageError: It has not been started.
        """
        return self._running.app

    # Its life

    async def start(self) -> None:
        """Load or make keys and database, then accept connections.

        Raises:
            ConfigurationError: The port is taken, or a file is broken, foreign, newer or open to others.
            UsageError: It runs already.
        """
        if self._parts is not None:
            raise UsageError("The identity provider runs already.")
        listener = _listen(self.config)
        try:
            self.config = dataclasses.replace(self.config, port=listener.getsockname()[1])
            await self._open()
            await self._serve(listener)
        except BaseException:
            listener.close()
            await self.stop()
            raise

    async def stop(self) -> None:
        """Finish what is under way, for a bounded time, and let everything go. May be called twice."""
        if self._http is not None:
            await self._http.stop()
        self._http = None
        if self._parts is not None:
            await self._parts.close()
        self._parts = None

    async def _open(self) -> None:
        self._keys = load_key_ring(self.config, random_bytes=self._random_bytes, clock=self._clock)
        self._parts = assemble(
            self.config,
            keys=self._keys,
            clock=self._clock,
            monotonic=self._monotonic,
            random_bytes=self._random_bytes,
            on_sessions_ended=self._on_sessions_ended,
        )
        await self._parts.store.open()
        write_serving(self.config)

    async def _serve(self, listener: socket.socket) -> None:
        self._http = HttpServer(
            self._running.app, listener, name="cadenza-identity-http", bounds=_BOUNDS, tls=self.config.tls
        )
        await self._http.start()

    @property
    def _running(self) -> Parts:
        if self._parts is None:
            raise _not_started()
        return self._parts

    # For the stack, in process

    async def ensure_user(self, email: str, password: str) -> bool:
        """Have a confirmed user of that address. ``False``: there was one, and its password stays as it is.

        Raises:
            IdentityError: Address or password are not acceptable.
            UsageError: The server has not been started.
        """
        with _as_identity_errors():
            return await self._running.users.ensure(email, password)

    async def confirm_email(self, email: str) -> bool:
        """Confirm an address, as the link of a mail would. ``False``: there is no such user."""
        return await self._running.users.confirm(email)

    async def issue_access_token(self, session_id: str, *, lifetime_seconds: int) -> str:
        """Another access token for a session that is open, signed as always, living as long as told.

        A lifetime that is not positive makes one that has expired already.

        Raises:
            IdentityError: There is no such session.
            UsageError: The server has not been started.
        """
        with _as_identity_errors():
            return await self._running.sessions.issue_access_token(session_id, lifetime_seconds=lifetime_seconds)


def _listen(config: IdentityConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    # The protocol is named, because asyncio turns Nagle's algorithm off only for sockets that say TCP: 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"The identity provider cannot listen on {config.host}:{config.port}: {error.strerror or error}.",
            setting="port",
            next_step="Stop what uses the port, or choose another one.",
        ) from error
    return listener


@contextlib.contextmanager
def _as_identity_errors() -> Iterator[None]:
    """A caller in this process gets what one over HTTP would."""
    try:
        yield
    except RefusalError as refusal:
        raise IdentityError(
            f"The identity provider refused: {refusal.message.rstrip('.')}.",
            status=refusal.status,
            error_code=refusal.error_code,
            retry_after_seconds=refusal.retry_after_seconds,
            next_step=action_for(refusal.status, refusal.error_code).value,
        ) from None


def _not_started() -> UsageError:
    return UsageError("The identity provider has not been started.")
