"""A client on the command line's session, which fails at once where the SDK would wait for better times.

Above: the verbs of a user. Below: the SDK. Importing it takes a moment, so verbs import this file when they run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar

from cadenza.cli.colours import Style
from cadenza.cli.output import json_text, note
from cadenza.client import Client, Connected, Disconnected, ErrorOccurred, SessionStore, StoredSession, connect
from cadenza.client.auth.place import place_of
from cadenza.client.settings import read_environment
from cadenza.errors import SignInRequiredError, TransportError

__all__ = ["Api", "open_api", "session_store", "stored_session"]

_T = TypeVar("_T")

#: How the transport names what a person calls otherwise.
_REASONS: Final = {
    "ConnectionRefusedError": "nothing listens there",
    "gaierror": "there is no such host",
    "InvalidStatus": "it does not speak WebSocket",
    "InvalidMessage": "it does not speak WebSocket",
    "SSLCertVerificationError": "its certificate is not trusted",
}


class Api:
    """A client, and what it told of its connection.

    Attributes:
        client: The SDK's client.
    """

    def __init__(self, *, as_json: bool, ws_url: str | None, supabase_url: str | None, timeout: float) -> None:
        self.client: Client = connect(ws_url, supabase_url=supabase_url, deadline_seconds=timeout, events=self)
        self._as_json = as_json
        self._has_connected = False
        self._unreachable: asyncio.Future[TransportError] = asyncio.get_running_loop().create_future()

    async def do(self, work: Awaitable[_T]) -> _T:
        """Await the client's work, but give up when its first attempt to connect finds nobody.

        Raises:
            TransportError: The gateway cannot be reached. The SDK would go on trying until the deadline; somebody at
                a terminal wants to know now.
            CadenzaError: What the work raises.
        """
        working = asyncio.ensure_future(work)
        try:
            either: set[asyncio.Future[object]] = {working, self._unreachable}  # type: ignore[arg-type]  # only waited
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and self._unreachable.done():
                raise self._unreachable.result()
            return await working
        finally:
            if not working.done():
                working.cancel()
                await asyncio.wait({working})

    # The SDK's handlers

    def on_connected(self, event: Connected) -> None:
        """The gateway let us in."""
        if self._has_connected:
            self._note(f"Connected again ({event.client}).", {"event": "connected", "client": event.client})
        self._has_connected = True

    def on_disconnected(self, event: Disconnected) -> None:
        """Tell that the connection is lost, if the SDK is going to mend it: otherwise an error follows."""
        if event.retry_in_seconds is not None:
            self._note(
                f"Connection lost ({event.reason or event.code}); the SDK {event.next_step.value}.",
                {"event": "disconnected", "code": event.code, "reason": event.reason},
            )

    def on_error(self, event: ErrorOccurred) -> None:
        """An attempt to connect that found nobody, at the beginning, ends the command."""
        if self._has_connected or self._unreachable.done() or not isinstance(event.error, TransportError):
            return
        reason = next((words for name, words in _REASONS.items() if name in event.error.message), event.error.message)
        self._unreachable.set_result(
            TransportError(f"The gateway at {self.client.addresses.ws_url} cannot be reached: {reason}.")
        )

    def _note(self, text: str, described: dict[str, object]) -> None:
        if self._as_json:
            note(json_text(described))
        else:
            note(f"cadenza: {text}", Style.WARNING)


@contextlib.asynccontextmanager
async def open_api(
    *,
    as_json: bool,
    ws_url: str | None = None,
    supabase_url: str | None = None,
    timeout: float = 10.0,  # noqa: ASYNC109  # handed to the SDK, which has one deadline for everything
) -> AsyncIterator[Api]:
    """Open a client with the stored session and the environment's settings; close it in the end."""
    api = Api(as_json=as_json, ws_url=ws_url, supabase_url=supabase_url, timeout=timeout)
    async with api.client:
        signed_in = api.client.auth.session is not None
        try:
            yield api
        except SignInRequiredError as error:
            stored = None if signed_in else await session_store().load()
            if stored is None:
                raise
            here = api.client.addresses.ws_url
            raise SignInRequiredError(
                f"Nobody is signed in at {here}: the stored session belongs to {stored.ws_url}.",
                next_step="Sign in there with cadenza login, or unset CADENZA_WS_URL and SUPABASE_URL.",
            ) from error


def session_store() -> SessionStore:
    """Return the store that every verb uses: the one the last sign-in used, unless the environment names another."""
    return place_of(read_environment(os.environ)).store


async def stored_session() -> StoredSession:
    """Return the stored session as it stands, without a network.

    Raises:
        SignInRequiredError: There is none.
        SessionStoreError: It cannot be read.
    """
    stored = await session_store().load()
    if stored is None:
        raise SignInRequiredError("Nobody is signed in.")
    return stored
