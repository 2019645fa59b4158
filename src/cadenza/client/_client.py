"""``connect()`` and the client: the doors to everything.

Above: the user. Below: ``engine`` (what is behind the doors), ``auth.flows``, ``resources``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from cadenza.client.auth.flows import Auth
from cadenza.client.auth.stepping import SecondFactorCallback
from cadenza.client.auth.stores import SessionStore
from cadenza.client.connection import Connected, Connecting, Disconnected, ErrorOccurred
from cadenza.client.engine import Engine
from cadenza.client.events import Handler, Handlers
from cadenza.client.options import Options
from cadenza.client.resources import MarketResource, SystemResource
from cadenza.client.rpc import Page, read_params
from cadenza.client.settings import AUTH_PATH, Addresses, StoreKind, read_environment, store_kind
from cadenza.errors import ValidationError
from cadenza.schema.methods import METHODS, Method

P = TypeVar("P")
D = TypeVar("D")


class Client:
    """A client of Cadenza. Made by ``cadenza.connect()``, used in ``async with``.

    Attributes:
        auth: Sign-in and sign-out.
        market: Venues, instruments, order books, tickers, bars, trades.
        system: Who answers, and is it well.
    """

    def __init__(self, options: Options) -> None:
        self._engine = Engine(options)
        self.auth = Auth(self._engine)
        self.market = MarketResource(self._engine)
        self.system = SystemResource(self._engine)

    async def __aenter__(self) -> Self:
        """Settle the addresses and take up the stored session. Nothing is sent.

        Raises:
            ConfigurationError: An address is missing or not allowed.
            SessionStoreError: The stored session cannot be read.
            TokenFormatError: The access token that was given is none.
        """
        await self._engine.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    async def close(self) -> None:
        """Close connections and subscriptions. The session stays in its store. Safe to repeat, also in a handler."""
        await self._engine.close()

    async def reconnect(self) -> None:
        """Give up the user's connection, so that the next need makes a new one. After a final code this is the way on.

        Subscriptions on it end with ``ClosedError``.
        """
        await self._engine.reconnect()

    @property
    def client_id(self) -> str | None:
        """The id the gateway gave the connection; None while there is none. A new connection has a new id."""
        return self._engine.client_id

    @property
    def addresses(self) -> Addresses:
        """Where this client connects."""
        return self._engine.addresses

    @overload
    async def call(
        self, method: Method[P, D], params: P | None = None, /, *, deadline_seconds: float | None = None
    ) -> D: ...

    @overload
    async def call(
        self, method: str, params: Mapping[str, object] | None = None, /, *, deadline_seconds: float | None = None
    ) -> object: ...

    async def call(
        self,
        method: Method[Any, Any] | str,
        params: object = None,
        /,
        *,
        deadline_seconds: float | None = None,
    ) -> object:
        """Call any method of the contract, by its constant or by its name.

        Args:
            method: A constant of ``cadenza.schema.methods``, or a name such as ``query.ticker.list``.
            params: The constant's parameters; by name, a mapping in wire names. Nothing for a method that takes none.
            deadline_seconds: How long to wait for the answer; the client's own deadline if not given.

        Raises:
            ValidationError: The parameters do not fit the contract; nothing was sent.
            RpcError, AuthError: The backend refused.
            GatewayError: The gateway refused.
            TransportError: No connection, or no answer in time.
        """
        return (await self.call_page(method, params, deadline_seconds=deadline_seconds)).data

    async def call_page(
        self, method: Method[Any, D] | str, params: object = None, /, *, deadline_seconds: float | None = None
    ) -> Page[D]:
        """The same, with the place in the whole list beside the data."""
        known = _method(method)
        return await self._engine.call_page(known, _params(known, params), deadline_seconds=deadline_seconds)


def _method(method: Method[P, D] | str) -> Method[P, D]:
    if isinstance(method, Method):
        return method
    known = METHODS.get(method)
    if known is None:
        near = difflib.get_close_matches(method, METHODS, n=1, cutoff=0.0)[0]
        raise ValidationError(f"There is no method {method!r}.", field="method", next_step=f"Did you mean {near}?")
    return known


def _params(method: Method[P, D], params: object) -> P:
    if isinstance(params, method.params):
        return params
    if params is None or isinstance(params, Mapping):
        return read_params(method, dict(params or {}))
    raise ValidationError(
        f"{method.name} takes {method.params.__name__} or a mapping, not {type(params).__name__}.",
        next_step=f"Build a {method.params.__name__}.",
    )


def _store(given: SessionStore | str | None) -> SessionStore | StoreKind | None:
    return store_kind(given, setting="session_store") if isinstance(given, str) else given


def connect(
    ws_url: str | None = None,
    *,
    supabase_url: str | None = None,
    anon_key: str | None = None,
    access_token: str | None = None,
    session_store: SessionStore | str | None = None,
    profile: str | None = None,
    proxy: str | None = None,
    ca_file: str | Path | None = None,
    allow_insecure: bool = False,
    deadline_seconds: float = 10.0,
    second_factor: SecondFactorCallback | None = None,
    events: object = None,
    on_connecting: Handler[Connecting] | None = None,
    on_connected: Handler[Connected] | None = None,
    on_disconnected: Handler[Disconnected] | None = None,
    on_error: Handler[ErrorOccurred] | None = None,
    auth_path: str = AUTH_PATH,
    environ: Mapping[str, str] | None = None,
) -> Client:
    """Make a client. Nothing is sent: the first call or subscription connects.

    ::

        async with cadenza.connect() as api:
            await api.auth.sign_in_with_password(email, password)
            tickers = await api.market.tickers.list(venue=Venue.PAPER)

    Args:
        ws_url: The gateway. Otherwise ``CADENZA_WS_URL``, the stored session's, the embedded stack's.
        supabase_url: The identity provider. Otherwise ``SUPABASE_URL``, the stored session's, the embedded stack's.
        anon_key: The project's publishable key. Otherwise ``SUPABASE_PUBLISHABLE_KEY`` or ``SUPABASE_ANON_KEY``.
        access_token: A token had elsewhere, in place of a stored session. It is not refreshed and not stored.
        session_store: Where the session is kept: ``"keyring"`` (the system's), ``"file"`` (0600, in the data folder),
            ``"memory"``, ``"environment"``, or a store of one's own. Otherwise ``CADENZA_SESSION_STORE``, the
            environment if it holds a session, what the last sign-in used, the file. It is tried out before a sign-in,
            and no other is used in its place. ``"memory"`` is for a server, which should not keep its users' tokens.
        profile: Which of several sessions on this machine, each with its own addresses and store. Otherwise
            ``CADENZA_PROFILE``, or the one set as current.
        proxy: A proxy's address, for gateway and provider. By default the environment's (never for this machine);
            ``"direct"`` for none.
        ca_file: A PEM file with the certificate authority to trust in place of the system's.
        allow_insecure: Let tokens travel unencrypted beyond this machine.
        deadline_seconds: How long a call, a sign-in or a subscribe may take, unless it says otherwise.
        second_factor: Asked for the code when a call wants a second factor: takes a ``SecondFactorRequest`` and
            returns the code, a ``FactorCode``, or None. Session and connection then rise, and the call is repeated on
            the same connection, once; its deadline begins anew. Calls at the same time share the answer. A plain
            function runs in a thread, so ``lambda request: input("Code: ")`` will do.
        events: An object with any of the four handlers as methods, as for centrifuge-python.
        on_connecting: A connection attempt begins.
        on_connected: The gateway let us in; ``client`` is the connection's id.
        on_disconnected: The connection is lost, with code, reason, what comes next and when.
        on_error: Something failed, with what comes next and when.
        auth_path: Where the auth service stands at the provider; ``""`` for Supabase Auth without its gateway.
        environ: The environment, for a test.

    Raises:
        ConfigurationError: A setting is wrong, or a ``CADENZA_*`` variable is misspelt.
    """
    given = Handlers(
        on_connecting=on_connecting, on_connected=on_connected, on_disconnected=on_disconnected, on_error=on_error
    )
    return Client(
        Options(
            environment=read_environment(environ),
            ws_url=ws_url,
            supabase_url=supabase_url,
            auth_path=auth_path.rstrip("/"),
            anon_key=anon_key,
            access_token=access_token,
            session_store=_store(session_store),
            profile=profile,
            proxy=proxy,
            ca_file=None if ca_file is None else Path(ca_file),
            allow_insecure=allow_insecure,
            deadline_seconds=deadline_seconds,
            second_factor=second_factor,
            handlers=given.over(Handlers.of(events)),
        )
    )
