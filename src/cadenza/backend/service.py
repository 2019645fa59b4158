"""The backend put together: venue, feed, services, router, handlers and HTTP application, with one start and one stop.

Above: ``stack``, tests, ``tools/methods_page.py``. Below: every part of this room.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from cadenza._version import __version__
from cadenza.backend.access import Gate
from cadenza.backend.app import App, Health
from cadenza.backend.config import BackendConfig
from cadenza.backend.feed import Feed
from cadenza.backend.handlers import Handlers
from cadenza.backend.jwks import GatewayKeys, KeySource
from cadenza.backend.levels import RaisedLevels
from cadenza.backend.limits import AttemptLimiter
from cadenza.backend.ports import IdentityProvider, Publisher, Sockets, TokenVerifier, Venue
from cadenza.backend.rates import Limits, MemoryCounts
from cadenza.backend.revocation import Revocations
from cadenza.backend.router import Router
from cadenza.backend.services.auth import AuthService
from cadenza.backend.services.factors import FactorService
from cadenza.backend.services.guard import Guard
from cadenza.backend.services.instrument import InstrumentService
from cadenza.backend.services.joining import JoiningService
from cadenza.backend.services.market import MarketService
from cadenza.backend.services.selection import Instruments
from cadenza.backend.services.system import SystemService
from cadenza.backend.services.venue import VenueService
from cadenza.backend.venues.paper import PaperVenue
from cadenza.schema import methods

__all__ = ["Backend"]


class Backend:
    """The whole backend.

    Args:
        config: Its settings.
        publisher: Where publications go; the caller starts and stops it.
        identity: The identity provider.
        verifier: Checks access tokens that travel in params.
        sockets: The gateway's connections, to close those of a session that ended.
        keys: The provider's, served to a gateway that fetches them here; None where it has them otherwise.
        publishing: What is wrong with publishing now, or nothing.
        venues: Whose markets; None is ``PAPER`` alone.
        clock: Seconds since the epoch.
        monotonic: Seconds that only grow.
        new_token: Makes unguessable short texts: this run's name, request ids.

    Attributes:
        handlers: Answers the gateway: its ``ProxyCaller`` by shape.
        app: The ASGI application.
        router: The methods.
        feed: What is published.
        levels: Which connections were raised by a second factor.
        revocations: Which sessions have ended; whoever learns of one tells it.
        venues: The venues; the simulated one can be paused and stepped.
    """

    def __init__(
        self,
        config: BackendConfig,
        *,
        publisher: Publisher,
        identity: IdentityProvider,
        verifier: TokenVerifier,
        sockets: Sockets,
        keys: KeySource | None = None,
        publishing: Callable[[], str] | None = None,
        venues: Sequence[Venue] | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        new_token: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        if venues is None:
            venues = (PaperVenue(config.paper, clock=clock, monotonic=monotonic, run=new_token()),)
        self.venues: tuple[Venue, ...] = tuple(venues)
        self.feed = Feed(self.venues, publisher, max_queue=config.publish_queue)
        self._publishing = publishing
        attempts = config.attempts
        limits = Limits(config.limits, MemoryCounts(monotonic=monotonic))
        gate = Gate(config.access)
        guard = Guard(
            verifier,
            takes_client=gate.takes_client,
            by_address=AttemptLimiter(
                burst=attempts.address_burst, refill_seconds=attempts.address_refill_seconds, monotonic=monotonic
            ),
            by_account=AttemptLimiter(
                burst=attempts.account_burst, refill_seconds=attempts.account_refill_seconds, monotonic=monotonic
            ),
        )
        system = SystemService(version=__version__, healthy=self._is_healthy, clock=clock)
        instruments = Instruments(self.venues)
        self.levels = RaisedLevels(clock=clock)
        self.router = _route(gate, limits, instruments, system, new_request_id=new_token)
        self.revocations = Revocations(
            sockets, monotonic=monotonic, token_lifetime_seconds=config.token_lifetime_seconds
        )
        auth = AuthService(identity, guard, self.revocations)
        _route_auth(self.router, auth, FactorService(identity, guard, self.levels))
        self.handlers = Handlers(
            self.router,
            JoiningService(instruments),
            self.levels,
            gate,
            limits=limits,
            revocations=self.revocations,
        )
        self._gateway_keys = None if keys is None else GatewayKeys(keys, monotonic=monotonic)
        self.app = App(
            config,
            self.handlers,
            parts=self.parts,
            clock=clock,
            on_sessions_ended=self.revocations.end,
            gateway_keys=self._gateway_keys,
        )

    def parts(self) -> tuple[Health, ...]:
        """The parts readiness depends on, as they are now."""
        if self._publishing is None:
            return tuple(self._own())
        return (*self._own(), Health("publisher", works=True, reason=self._publishing()))

    def _own(self) -> Iterator[Health]:
        for venue in self.venues:
            yield Health(f"venue:{venue.name}", works=venue.running)
        yield Health("feed", works=self.feed.running)

    async def drain(self) -> None:
        """Let nothing more happen on venues, and wait until what has happened was handed on to the gateway.

        How long that may take is the caller's to bound.
        """
        await self.revocations.settle()
        for venue in self.venues:
            await venue.stop()
        await self.feed.flush()

    async def start(self) -> None:
        """Start the feed, then the venues. What fails stops what had begun."""
        await self.revocations.start()
        await self.feed.start()
        try:
            for venue in self.venues:
                await venue.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the venues, then the feed; no task is left."""
        for venue in self.venues:
            await venue.stop()
        await self.feed.stop()
        await self.revocations.stop()
        if self._gateway_keys is not None:
            await self._gateway_keys.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def _is_healthy(self) -> bool:
        return all(part.works for part in self._own())


def _route(
    gate: Gate, limits: Limits, instruments: Instruments, system: SystemService, *, new_request_id: Callable[[], str]
) -> Router:
    """Every method that is served, and by what; those of signing in come by ``_route_auth``."""
    router = Router(methods.METHODS, gate, limits, new_request_id=new_request_id)
    venue, instrument, market = VenueService(instruments), InstrumentService(instruments), MarketService(instruments)
    router.add(methods.QUERY_SYSTEM_INFO, system.info)
    router.add(methods.QUERY_SYSTEM_CHECK, system.check)
    router.add(methods.QUERY_VENUE_LIST, venue.list)
    router.add(methods.QUERY_INSTRUMENT_LIST, instrument.list)
    router.add(methods.QUERY_ORDERBOOK_GET, market.order_book)
    router.add(methods.QUERY_ORDERBOOK_LIST, market.order_books)
    router.add(methods.QUERY_TICKER_LIST, market.tickers)
    router.add(methods.QUERY_KLINE_LIST, market.klines)
    return router


def _route_auth(router: Router, auth: AuthService, factors: FactorService) -> None:
    router.add(methods.COMMAND_AUTH_SIGNUP, auth.signup)
    router.add(methods.COMMAND_AUTH_LOGIN, auth.login)
    router.add(methods.COMMAND_AUTH_ANONYMOUS, auth.anonymous)
    router.add(methods.COMMAND_AUTH_REFRESH, auth.refresh)
    router.add(methods.COMMAND_AUTH_OTP_SEND, auth.send_otp)
    router.add(methods.COMMAND_AUTH_OTP_VERIFY, auth.verify_otp)
    router.add(methods.COMMAND_AUTH_RECOVER, auth.recover)
    router.add(methods.COMMAND_AUTH_OAUTH_START, auth.start_oauth)
    router.add(methods.COMMAND_AUTH_OAUTH_EXCHANGE, auth.exchange_oauth)
    router.add(methods.COMMAND_AUTH_IDTOKEN, auth.id_token)
    router.add(methods.COMMAND_AUTH_LOGOUT, auth.logout)
    router.add(methods.QUERY_AUTH_USER, auth.user)
    router.add(methods.COMMAND_AUTH_USER_UPDATE, auth.update_user)
    router.add(methods.COMMAND_AUTH_REAUTHENTICATE, auth.reauthenticate)
    router.add(methods.QUERY_AUTH_MFA_LIST, factors.list)
    router.add(methods.COMMAND_AUTH_MFA_ENROLL, factors.enroll)
    router.add(methods.COMMAND_AUTH_MFA_UNENROLL, factors.unenroll)
    router.add(methods.COMMAND_AUTH_MFA_CHALLENGE, factors.challenge)
    router.add(methods.COMMAND_AUTH_MFA_VERIFY, factors.verify)
    router.add(methods.COMMAND_AUTH_STEPUP, factors.stepup)
