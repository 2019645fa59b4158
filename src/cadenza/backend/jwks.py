"""The key set that the gateway is pointed at: the provider's keys, from a memory that outlives the provider's outages.

Centrifugo takes "cannot fetch" for "bad token" and logs everybody out for good (row A1), and fetches once for each
unknown ``kid``, whoever sends it (row A3). Pointed here it always gets an answer in less than the second it waits, and
however often it asks, the provider hears of it twice a minute. Whoever watches over a gateway asks for more, with the
secret that both share: a withdrawn key is to be gone within seconds (row A2).

Above: ``app``. Below: ``tokens.jwks``, through a port; its policy says how long keys outlive an outage.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

import msgspec

from cadenza.errors import KeysUnavailableError

__all__ = ["STALE", "UNREACHABLE", "GatewayKeys", "KeySource", "PublishableKey"]

#: Supabase announces a key long before it signs with it; a provider that does not is seen to within this time.
RECHECK_SECONDS: Final = 30.0
#: While nothing is held, everybody waits for the provider; and who may ask for a look at it has a reason: it is asked
#: soon, but not once a request.
RETRY_SECONDS: Final = 1.0
#: Centrifugo gives a fetch one second, and tries twice.
WAIT_SECONDS: Final = 0.5


#: What can be wrong with the keys.
UNREACHABLE: Final = "unreachable"
STALE: Final = "stale"


class PublishableKey(Protocol):
    """A public key that can be shown; ``tokens.keys.VerificationKey`` is one."""

    def public_jwk(self) -> dict[str, str]:
        """As a JWKS has it."""
        ...


class KeySource(Protocol):
    """Where keys come from; ``tokens.jwks.RemoteKeySet`` is one."""

    def held(self) -> Mapping[str, PublishableKey]:
        """The keys last heard of, while they may serve at all."""
        ...

    async def refresh(self) -> None:
        """Ask the provider now. Raises KeysUnavailableError."""
        ...


class _Document(NamedTuple):
    keys: Mapping[str, PublishableKey]
    body: bytes


class GatewayKeys:
    """The document, as fresh as the provider allows.

    Args:
        keys: The provider's.
        monotonic: Seconds that only grow.
        recheck_seconds: The provider is asked at most this often, and only when the gateway asks.
        wait_seconds: How long one request waits for it; what is held is served then.
    """

    def __init__(
        self,
        keys: KeySource,
        *,
        monotonic: Callable[[], float],
        recheck_seconds: float = RECHECK_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._keys = keys
        self._monotonic = monotonic
        self._recheck_seconds = recheck_seconds
        self._wait_seconds = wait_seconds
        self._asked_at = -math.inf
        self._asking: asyncio.Task[None] | None = None
        self._document = _Document({}, b"")
        self._failed = False

    @property
    def trouble(self) -> str:
        """What is wrong: there is no key to serve, or those there are outlive an outage; or nothing."""
        if not self._keys.held():
            return UNREACHABLE
        return STALE if self._failed else ""

    async def document(self, *, fresh: bool = False) -> bytes | None:
        """The JWKS (RFC 7517 section 5); None while no key may be believed.

        That is so before the provider was ever reached, and when it is away longer than its keys may outlive it.

        Args:
            fresh: Ask the provider now: for whoever watches for a withdrawal, never for a stranger.
        """
        await self._recheck(fresh=fresh)
        keys = self._keys.held()
        if not keys:
            return None
        if keys is not self._document.keys:
            shown = [key.public_jwk() for key in keys.values()]
            self._document = _Document(keys, msgspec.json.encode({"keys": shown}))
        return self._document.body

    async def aclose(self) -> None:
        """Ask no more."""
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _recheck(self, *, fresh: bool) -> None:
        """Ask the provider if it is time, and wait a moment for what it says: a new key may be why we are asked."""
        if self._asking is None or self._asking.done():
            now = self._monotonic()
            pause = RETRY_SECONDS if fresh or not self._keys.held() else self._recheck_seconds
            if now - self._asked_at < pause:
                return
            self._asked_at = now
            self._asking = asyncio.create_task(self._ask(), name="cadenza.backend.jwks")
        await asyncio.wait([self._asking], timeout=self._wait_seconds)

    async def _ask(self) -> None:
        try:
            await self._keys.refresh()
        except KeysUnavailableError:
            self._failed = True  # and the gateway is served what is held
        else:
            self._failed = False
