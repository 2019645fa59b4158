"""A client on the command line's session, which fails at once where the SDK would wait for better times.

Above: the verbs of a user. Below: the SDK. Importing it takes a moment, so verbs import this file when they run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable
from typing import Final, Protocol, TypeVar

from cadenza.cli.colours import Style
from cadenza.cli.errors import next_step
from cadenza.cli.exits import Exit, exit_for
from cadenza.cli.lines import is_terminal
from cadenza.cli.options import Store
from cadenza.cli.output import json_text, note
from cadenza.cli.whose import check_store, current_name, login_command, settle_profile
from cadenza.client import (
    Addresses,
    Client,
    Connected,
    Connecting,
    Disconnected,
    ErrorOccurred,
    SecondFactorRequest,
    StoredSession,
    connect,
)
from cadenza.client.auth.place import SessionPlace, place_of
from cadenza.client.settings import read_environment, resolve_addresses
from cadenza.errors import CadenzaError, SessionStoreError, SignInRequiredError, TransportError

__all__ = [
    "Api",
    "ConnectionNotes",
    "Teller",
    "known_addresses",
    "open_api",
    "open_for_sign_in",
    "place",
    "stored_session",
]

_T = TypeVar("_T")

#: How the transport names what a person calls otherwise.
_REASONS: Final = {
    "ConnectionRefusedError": "nothing listens there",
    "gaierror": "there is no such host",
    "InvalidStatus": "it does not speak WebSocket",
    "InvalidMessage": "it does not speak WebSocket",
    "SSLCertVerificationError": "its certificate is not trusted",
}


class Teller(Protocol):
    """Tells somebody how a connection fares that was made once."""

    def connecting(self, event: Connecting, /) -> None:
        """An attempt to make it again begins."""

    def connected(self, event: Connected, /) -> None:
        """It is made again."""

    def disconnected(self, event: Disconnected, /) -> None:
        """It is lost, or could not be made; the SDK goes on trying."""


class Api:
    """A client, and what it told of its connection.

    Args:
        as_json: Tell it in JSON.
        ws_url: The gateway, if given.
        supabase_url: The provider, if given.
        timeout: The client's one deadline, in seconds.
        profile: Whose session and addresses; one that exists, or that a sign-in is about to make.
        store: Where the session is kept, if given.

    Attributes:
        client: The SDK's client.
        teller: Who tells of the connection once there was one; on stderr, unless a live view takes it over.
    """

    def __init__(
        self,
        *,
        as_json: bool,
        ws_url: str | None,
        supabase_url: str | None,
        timeout: float,
        profile: str | None = None,
        store: Store | None = None,
    ) -> None:
        self.teller: Teller = ConnectionNotes(as_json=as_json)
        self.client: Client = connect(
            ws_url,
            supabase_url=supabase_url,
            session_store=None if store is None else store.value,
            profile=profile,
            deadline_seconds=timeout,
            second_factor=self._prove_second_factor if is_terminal() else None,
            events=self,
        )
        self._as_json = as_json
        self._has_connected = False
        self._has_told_unsaved = False
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

    async def _prove_second_factor(self, request: SecondFactorRequest) -> None:
        """A call wants it, and somebody sits there: ask, as often as a code is mistyped."""
        from cadenza.cli.prompts import Asker
        from cadenza.cli.second_factor import rise

        note(f"{request.method} wants a second factor.")
        await rise(self.client.auth.mfa, Asker())

    # The SDK's handlers

    def on_connecting(self, event: Connecting) -> None:
        """An attempt begins."""
        if self._has_connected:
            self.teller.connecting(event)

    def on_connected(self, event: Connected) -> None:
        """The gateway let us in."""
        if self._has_connected:
            self.teller.connected(event)
        self._has_connected = True

    def on_disconnected(self, event: Disconnected) -> None:
        """Tell that the connection is lost, if the SDK is going to mend it: otherwise an error follows."""
        if event.retry_in_seconds is not None:
            self.teller.disconnected(event)

    def on_error(self, event: ErrorOccurred) -> None:
        """An attempt to connect that found nobody, at the beginning, ends the command; an unsaved session is told."""
        if isinstance(event.error, SessionStoreError) and not self._has_told_unsaved:
            self._has_told_unsaved = True
            _tell_unsaved(event.error, as_json=self._as_json)
        if self._has_connected or self._unreachable.done() or not isinstance(event.error, TransportError):
            return
        reason = next((words for name, words in _REASONS.items() if name in event.error.message), event.error.message)
        self._unreachable.set_result(
            TransportError(f"The gateway at {self.client.addresses.ws_url} cannot be reached: {reason}.")
        )


def _tell_unsaved(error: SessionStoreError, *, as_json: bool) -> None:
    if as_json:
        note(json_text({"event": "unsaved", "message": error.message, "location": error.location}))
    else:
        note(f"cadenza: {error.message}", Style.WARNING, then=next_step(error))


class ConnectionNotes:
    """Tells of it on stderr, a line each."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def connecting(self, event: Connecting) -> None:
        """An attempt begins: the loss was told, and how it ends will be."""

    def connected(self, event: Connected) -> None:
        """Connected again."""
        self._note(f"Connected again ({event.client}).", {"event": "connected", "client": event.client})

    def disconnected(self, event: Disconnected) -> None:
        """Lost, for now."""
        self._note(
            f"Connection lost ({event.reason or event.code}); the SDK {event.next_step.value}.",
            {"event": "disconnected", "code": event.code, "reason": event.reason},
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
    profile: str | None = None,
    ws_url: str | None = None,
    supabase_url: str | None = None,
    timeout: float = 10.0,  # noqa: ASYNC109  # handed to the SDK, which has one deadline for everything
) -> AsyncIterator[Api]:
    """Open a client with a profile's session and the environment's settings; close it in the end.

    Raises:
        ConfigurationError: There is no such profile; the known ones are named.
        SignInRequiredError: Nobody is signed in; it names the command that mends it.
    """
    whose = settle_profile(profile).name
    api = Api(as_json=as_json, ws_url=ws_url, supabase_url=supabase_url, timeout=timeout, profile=whose)
    async with api.client:
        signed_in = api.client.auth.session is not None
        try:
            yield api
        except SignInRequiredError as error:
            stored = None if signed_in else await place(whose).store.load()
            if stored is None:
                raise SignInRequiredError(
                    error.message,
                    code=error.code,
                    reason=error.reason,
                    next_step=f"Sign in: {login_command(whose)}",
                ) from error
            here = api.client.addresses.ws_url
            raise SignInRequiredError(
                f"Nobody is signed in at {here}: the stored session belongs to {stored.ws_url}.",
                next_step=f"Sign in there with {login_command(whose)}, or unset CADENZA_WS_URL and SUPABASE_URL.",
            ) from error
        except CadenzaError as error:
            # Signing in with the current profile would not mend it, and cost that one its session.
            if exit_for(error) is Exit.SIGN_IN_REQUIRED:
                error.next_step = f"Sign in: {login_command(whose)}"
            raise


@contextlib.asynccontextmanager
async def open_for_sign_in(
    *,
    as_json: bool,
    profile: str | None = None,
    store: Store | None = None,
    ws_url: str | None = None,
    supabase_url: str | None = None,
    timeout: float = 10.0,  # noqa: ASYNC109  # as above
) -> AsyncIterator[Api]:
    """Open a client that is about to sign in: the profile may be new, and what is kept must be found again.

    Raises:
        ConfigurationError: The profile's name is nearly another's, or the next command would not find the session.
    """
    whose = settle_profile(profile, may_be_new=True).name
    check_store(store)
    api = Api(as_json=as_json, ws_url=ws_url, supabase_url=supabase_url, timeout=timeout, profile=whose, store=store)
    async with api.client:
        yield api
        if api.client.auth.session is not None and whose != current_name() and not as_json:
            note(f"cadenza: Other commands take it with --profile {whose}, or all: cadenza profile use {whose}")


def place(profile: str | None = None) -> SessionPlace:
    """Return where a profile's session is kept: where its last sign-in put it, unless the environment says otherwise.

    Raises:
        ConfigurationError: There is no such profile; the known ones are named.
    """
    return place_of(read_environment(os.environ), profile=settle_profile(profile).name)


def known_addresses(
    profile: str | None = None, *, ws_url: str | None = None, supabase_url: str | None = None
) -> Addresses:
    """Return where a profile's client would connect. Raises ``ConfigurationError``."""
    return resolve_addresses(
        ws_url=ws_url,
        supabase_url=supabase_url,
        environment=read_environment(os.environ),
        stored=place(profile).addresses,
    )


async def stored_session(profile: str | None = None) -> StoredSession:
    """Return the stored session as it stands, without a network.

    Raises:
        ConfigurationError: There is no such profile.
        SignInRequiredError: There is none.
        SessionStoreError: It cannot be read.
    """
    stored = await place(profile).store.load()
    if stored is None:
        raise SignInRequiredError(
            "Nobody is signed in.", next_step=f"Sign in: {login_command(settle_profile(profile).name)}"
        )
    return stored
