"""Makes the parts of a client from what ``connect()`` was told; nothing here keeps anything.

Above: ``engine``. Below: ``options``, ``settings``, the parts. Heavy libraries are imported when they are needed.
"""

from __future__ import annotations

from typing import Final

from cadenza._version import __version__
from cadenza.client.auth.pending import MemoryPendingFlows, PendingFlows
from cadenza.client.auth.pending_files import FilePendingFlows
from cadenza.client.auth.place import SessionPlace, choose_place
from cadenza.client.auth.provider import HttpSignIn
from cadenza.client.auth.stores import MemorySessionStore
from cadenza.client.auth.stores.locks import LEASE_SECONDS
from cadenza.client.options import Options
from cadenza.client.ports import Connection, ConnectionListener, TokenRenewal
from cadenza.client.profiles import Profiles
from cadenza.client.settings import Addresses, default_data_dir, resolve_addresses

PENDING_FOLDER: Final = "sign-ins"


def make_place(options: Options) -> SessionPlace:
    """Where the session is kept. It looks at files: call it in a thread."""
    if options.access_token is not None:
        return SessionPlace(MemorySessionStore(), why="an access token was given")
    return choose_place(
        given=options.session_store,
        profile=lambda: Profiles.of(options.environment).current(options.environment, given=options.profile),
        environment=options.environment,
        addresses=lambda known: addresses_of(options, known),
        # What is done under the lock is done by then, with time to spare.
        lease_seconds=max(LEASE_SECONDS, 3 * options.deadline_seconds),
        timing=options.timing,
    )


def addresses_of(options: Options, known: Addresses | None) -> Addresses:
    """Where to connect. Raises ``ConfigurationError``."""
    return resolve_addresses(
        ws_url=options.ws_url,
        supabase_url=options.supabase_url,
        environment=options.environment,
        stored=known,
        allow_insecure=options.allow_insecure,
    )


def anon_key_of(options: Options, place: SessionPlace, addresses: Addresses) -> str:
    """The project's publishable key, or empty."""
    return options.anon_key or options.environment.anon_key or place.anon_key(addresses.supabase_url) or ""


def make_pending_flows(options: Options, place: SessionPlace) -> PendingFlows:
    """Where sign-ins wait for a browser: beside the stored session, and in memory if that is."""
    clock = options.timing.clock
    if isinstance(place.store, MemorySessionStore):  # the environment's too
        return MemoryPendingFlows(clock)
    folder = default_data_dir(options.environment) if place.profile is None else place.profile.folder
    return FilePendingFlows(folder / PENDING_FOLDER, clock)


def make_provider(options: Options, addresses: Addresses, anon_key: str) -> HttpSignIn | None:
    """The identity provider, if its address is known."""
    if addresses.supabase_url is None:
        return None
    url = addresses.supabase_url + options.auth_path
    proxy, trust_environment = options.http_proxy(url)
    return HttpSignIn(
        url,
        anon_key=anon_key,
        deadline_seconds=options.deadline_seconds,
        proxy=proxy,
        trust_environment=trust_environment,
        ssl_context=options.ssl_context(url),
    )


def make_connection(
    options: Options, url: str, listener: ConnectionListener, renewal: TokenRenewal | None
) -> Connection:
    """A connection to the gateway."""
    from cadenza.client._centrifuge import CentrifugeConnection  # a fifth of a second to import: at first need

    return CentrifugeConnection(
        url,
        listener=listener,
        renewal=renewal,
        timeout_seconds=options.deadline_seconds,
        proxy=options.websocket_proxy(url),
        ssl_context=options.ssl_context(url),
        version=__version__,
    )
