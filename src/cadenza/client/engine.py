"""What a client is made of: session, links, calls, subscriptions, events, wired together.

Above: ``_client`` (the doors), ``auth.flows`` and ``resources`` through their ports. Below: every part of the SDK, and
``parts``, which makes them.
Nothing is sent before there is need: the first call or subscription connects. A user's calls go over a connection with
their token; an anonymous one serves sign-in and what anyone may ask, and is closed when somebody signs in: a socket's
user cannot change.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import msgspec

from cadenza.client import parts
from cadenza.client.auth.browser import Surroundings
from cadenza.client.auth.pending import PendingFlows
from cadenza.client.auth.place import SessionPlace
from cadenza.client.auth.ports import SignIn
from cadenza.client.auth.provider import HttpSignIn
from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.socket import SocketSignIn
from cadenza.client.auth.state import AuthState
from cadenza.client.auth.stepping import StepUps
from cadenza.client.auth.tokens import TokenManager
from cadenza.client.connection import ErrorOccurred, NextStep
from cadenza.client.events import Dispatcher
from cadenza.client.hubs import BookHub, Hub
from cadenza.client.link import Link
from cadenza.client.links import Links
from cadenza.client.mailboxes import BookMailbox, Mailbox
from cadenza.client.options import Options
from cadenza.client.ports import Connection, ConnectionListener, TokenRenewal
from cadenza.client.rpc import Caller, Page
from cadenza.client.settings import Addresses
from cadenza.client.subscriptions import BookWatch, GapHandler, HubMaker, Watch
from cadenza.client.supervisor import TokenSource
from cadenza.client.timing import Timing
from cadenza.errors import (
    CadenzaError,
    ClockSkewError,
    ClosedError,
    ConfigurationError,
    SecondFactorRequiredError,
    SignInRequiredError,
    UsageError,
)
from cadenza.schema import methods
from cadenza.schema.access import Access
from cadenza.schema.auth import StepUp, StepUpParams
from cadenza.schema.methods import Method
from cadenza.tokens.claims import check_form

P = TypeVar("P")
D = TypeVar("D")
T = TypeVar("T")

#: These make a session, so they never go over a connection that has one.
_SIGN_IN_METHODS = frozenset(
    method.name
    for method in (
        methods.COMMAND_AUTH_ANONYMOUS,
        methods.COMMAND_AUTH_IDTOKEN,
        methods.COMMAND_AUTH_LOGIN,
        methods.COMMAND_AUTH_OAUTH_EXCHANGE,
        methods.COMMAND_AUTH_OAUTH_START,
        methods.COMMAND_AUTH_OTP_SEND,
        methods.COMMAND_AUTH_OTP_VERIFY,
        methods.COMMAND_AUTH_RECOVER,
        methods.COMMAND_AUTH_REFRESH,
        methods.COMMAND_AUTH_SIGNUP,
    )
)


class _Opened:
    """What a client has from ``async with`` on."""

    def __init__(
        self,
        place: SessionPlace,
        addresses: Addresses,
        tokens: TokenManager,
        direct: HttpSignIn | None,
        pending_flows: PendingFlows,
    ) -> None:
        self.place = place
        self.addresses = addresses
        self.tokens = tokens
        self.direct = direct
        self.pending_flows = pending_flows


class Engine:
    """Everything behind the doors.

    Args:
        options: What ``connect()`` was told.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._events = Dispatcher(options.handlers)
        self._links = Links(self._make_link)
        self._caller = Caller(options.timing)
        self._step_ups = StepUps(self, options.second_factor)
        self._state: _Opened | None = None
        self._closed = False

    async def open(self) -> None:
        """Settle the addresses and take up the stored session. Nothing is sent.

        Raises:
            ConfigurationError: An address is missing or not allowed.
            SessionStoreError: The stored session cannot be read.
            TokenFormatError: The access token that was given is none.
        """
        if self._state is not None or self._closed:
            raise UsageError("A client can be entered once.")
        options = self._options
        place = await asyncio.to_thread(parts.make_place, options)
        stored = await place.store.load()
        known = place.addresses
        if stored is not None:
            known = Addresses(ws_url=stored.ws_url, supabase_url=stored.supabase_url)
        addresses = parts.addresses_of(options, known)
        direct = parts.make_provider(options, addresses, parts.anon_key_of(options, place, addresses))
        check = functools.partial(check_form, issuer=options.environment.issuer, audience=options.environment.audience)
        tokens = TokenManager(
            store=place.store,
            refresher=self._refresh_over_websocket if direct is None else direct.refresh,
            check=check,
            listener=self,
            timing=options.timing,
        )
        self._state = _Opened(place, addresses, tokens, direct, parts.make_pending_flows(options, place))
        if options.access_token is not None:
            claims = check(options.access_token).claims
            session = Session.from_access_token(options.access_token)
            stored = self._stored(msgspec.structs.replace(session, user_id=claims.sub or ""))
        if stored is not None and (stored.ws_url, stored.supabase_url) == (addresses.ws_url, addresses.supabase_url):
            tokens.resume(stored)

    async def close(self) -> None:
        """Close connections and subscriptions; the session stays in its store."""
        if self._closed:
            return
        self._closed = True
        await self._step_ups.close()
        await self._links.close(ClosedError("The client was closed."))
        if self._state is not None:
            await self._state.tokens.close()
            if self._state.direct is not None:
                await self._state.direct.close()
        await self._events.close()

    async def reconnect(self) -> None:
        """Give up the user's connection, so that the next need makes a new one."""
        await self._links.drop_user(ClosedError("The connection was given up by reconnect()."))

    @property
    def client_id(self) -> str | None:
        """The id the gateway gave the connection; None while there is none."""
        return self._links.client_id

    @property
    def addresses(self) -> Addresses:
        """Where this client connects."""
        return self._open.addresses

    # Calls

    async def call(self, method: Method[P, D], params: P, /, *, deadline_seconds: float | None = None) -> D:
        """Call a method."""
        return (await self.call_page(method, params, deadline_seconds=deadline_seconds)).data

    async def call_page(self, method: Method[P, D], params: P, /, *, deadline_seconds: float | None = None) -> Page[D]:
        """The same, with the place in the whole list beside the data."""
        deadline = self._options.deadline_seconds if deadline_seconds is None else deadline_seconds
        try:
            return await self._caller.call(self._link_for(method), method, params, deadline)
        except SecondFactorRequiredError as refused:
            if method.access is Access.ANONYMOUS:  # about signing in: raising the session is its own business
                raise
            await self._step_ups.rise(method.name, refused)
        return await self._caller.call(self._link_for(method), method, params, deadline)

    # Subscriptions

    def watch(
        self,
        channel: str,
        *,
        make_hub: HubMaker[T],
        make_mailbox: Callable[[Hub[T]], Mailbox[T]],
        on_gap: GapHandler | None,
        heals: bool,
    ) -> Watch[T]:
        """Prepare a reader of a channel."""
        return Watch(
            channel,
            make_hub=make_hub,
            make_mailbox=make_mailbox,
            membership=self._user_link,
            deadline_seconds=self._options.deadline_seconds,
            on_gap=on_gap,
            heals=heals,
        )

    def watch_book(self, channel: str, *, depth: int | None, on_gap: GapHandler | None) -> BookWatch:
        """Prepare a reader of a book's channel."""

        def mailbox(hub: Hub[Any]) -> BookMailbox:
            if not isinstance(hub, BookHub):
                raise UsageError(f"{channel} is read as something else than a book already.")
            return BookMailbox(hub.assembly, depth)

        return BookWatch(
            channel,
            make_hub=functools.partial(BookHub, channel),
            make_mailbox=mailbox,
            membership=self._user_link,
            deadline_seconds=self._options.deadline_seconds,
            on_gap=on_gap,
            heals=True,
        )

    # For ``auth.flows``

    @property
    def session(self) -> Session | None:
        """The session as it is now."""
        return None if self._state is None else self._state.tokens.session

    def sign_in(self, *, over_websocket: bool | None = None) -> SignIn:
        """Who signs in: the provider or the backend. None: the provider if its address is known."""
        direct = self._open.direct
        if over_websocket is None:
            over_websocket = direct is None
        return SocketSignIn(self._call_for_sign_in) if over_websocket else self.provider()

    def provider(self) -> HttpSignIn:
        """The provider itself."""
        direct = self._open.direct
        if direct is None:
            raise ConfigurationError(
                "The identity provider's address is not known.",
                setting="SUPABASE_URL",
                next_step="Set SUPABASE_URL, or sign in over the WebSocket: api.auth.over_websocket.",
            )
        return direct

    @property
    def pending_flows(self) -> PendingFlows:
        """Where sign-ins wait for a browser: beside the stored session, and in memory if that is."""
        return self._open.pending_flows

    @property
    def surroundings(self) -> Surroundings:
        """Whether there is a browser."""
        return self._options.environment.surroundings

    @property
    def timing(self) -> Timing:
        """Clocks."""
        return self._options.timing

    async def renew_session(self, session: Session) -> None:
        """Keep it in place of the one there is; the connection stays."""
        await self._open.tokens.adopt(self._stored(session))

    async def step_up(self) -> StepUp | None:
        """Raise the user's open connection with the token as it is now; None if there is no connection."""
        live = self._links.live
        if live is None or live.opened is None:
            return None
        params = StepUpParams(access_token=await self.access_token())
        return (await self._caller.call(live, methods.COMMAND_AUTH_STEPUP, params, self._options.deadline_seconds)).data

    @property
    def state(self) -> AuthState:
        """Everything there is to know of the session."""
        return self._open.tokens.state

    def watch_state(self) -> AsyncIterator[AuthState]:
        """The state as it is, then each change."""
        return self._open.tokens.watch()

    @property
    def place(self) -> SessionPlace:
        """Where the session is kept, and who chose that."""
        return self._open.place

    async def prepare_sign_in(self) -> None:
        """Make sure that a session could be kept, before anybody types a password or opens a browser (G4)."""
        await self._open.place.try_out()

    async def begin_session(self, session: Session) -> None:
        """Keep it, and connect with it from now on."""
        opened = self._open
        await opened.tokens.adopt(self._stored(session))
        await self._links.drop_user(ClosedError("Somebody signed in anew."))
        await self._links.drop_anonymous(ClosedError("Somebody signed in."))
        anon_key = parts.anon_key_of(self._options, opened.place, opened.addresses)
        await opened.place.remember(opened.addresses, anon_key)

    async def end_session(self) -> None:
        """Forget it, and close its connection."""
        await self._open.tokens.forget()
        await self._links.drop_user(SignInRequiredError("Signed out."))

    async def access_token(self, *, refused: str | None = None) -> str:
        """The token as it is now, or another one than ``refused``."""
        tokens = self._open.tokens
        return await (tokens.access_token() if refused is None else tokens.renewed(refused))

    # SessionListener

    def session_refreshed(self, session: Session) -> None:
        """The connection asks for it when its own token ends."""

    def refresh_failed(self, error: CadenzaError, retry_in_seconds: float) -> None:
        """Tell the user."""
        self._events.report(
            ErrorOccurred(
                code=error.code or 0, error=error, next_step=NextStep.RETRY, retry_in_seconds=retry_in_seconds
            )
        )

    def clock_is_wrong(self, error: ClockSkewError) -> None:
        """Tell the user."""
        self._events.report(ErrorOccurred(code=0, error=error, next_step=NextStep.NOTHING))

    def session_over(self, error: SignInRequiredError) -> None:
        """Tell the user."""
        self._events.report(ErrorOccurred(code=error.code or 0, error=error, next_step=NextStep.SIGN_IN))

    # Wiring

    @property
    def _open(self) -> _Opened:
        if self._closed:
            raise ClosedError("The client was closed.")
        if self._state is None:
            raise UsageError("Enter the client first: async with cadenza.connect() as api.")
        return self._state

    async def _refresh_over_websocket(self, refresh_token: str) -> Session:
        before = self.session
        fresh = await SocketSignIn(self._call_for_sign_in).refresh(refresh_token)
        # The backend does not say it on a refresh, and it is no reason to ask the provider once more.
        return msgspec.structs.replace(fresh, has_second_factor=before is not None and before.has_second_factor)

    def _stored(self, session: Session) -> StoredSession:
        addresses = self._open.addresses
        return StoredSession(ws_url=addresses.ws_url, supabase_url=addresses.supabase_url, session=session)

    def _make_link(self, tokens: TokenSource | None) -> Link:
        return Link(
            make=self._make_connection,
            tokens=tokens,
            report=self._events.report,
            timing=self._options.timing,
            deadline_seconds=self._options.deadline_seconds,
        )

    def _make_connection(self, listener: ConnectionListener, renewal: TokenRenewal | None) -> Connection:
        return parts.make_connection(self._options, self._open.addresses.ws_url, listener, renewal)

    async def _user_link(self) -> Link:
        tokens = self._open.tokens
        tokens.require_session()
        return self._links.user(tokens)

    def _link_for(self, method: Method[P, D]) -> Link:
        tokens = self._open.tokens
        if method.access is Access.ANONYMOUS and (tokens.session is None or self._links.live is None):
            return self._links.anonymous()
        tokens.require_session()
        return self._links.user(tokens)

    async def _call_for_sign_in(self, method: Method[P, D], params: P, /) -> D:
        """An auth method needs no user's connection, and what makes a session must not go over one."""
        tokens = self._open.tokens
        live = self._links.live
        link = self._links.anonymous() if live is None or method.name in _SIGN_IN_METHODS else live
        try:
            return (await self._caller.call(link, method, params, self._options.deadline_seconds)).data
        finally:
            if tokens.session is not None and link is not live:
                await self._links.drop_anonymous(ClosedError("The anonymous connection is no longer needed."))
