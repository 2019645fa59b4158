"""Key sets: where a verifier gets public keys, and how long they are believed.

Above: ``verifier``; ``gateway``, ``backend`` and ``stack`` build one.
Below: ``keys`` reads documents, ``fetch`` gets them.

``RemoteKeySet`` follows one policy, in answer to rows A1, A2, A3, F1 and F2:

- Keys are believed for ten minutes, or for the provider's ``Cache-Control`` if that is less, counted from the request
  and never extended by use.
- One fetch at a time; whoever needs it waits for the same one. Cancelling a waiter does not cancel the fetch.
- A ``kid`` that is not in the set causes one fetch, then none for 30 seconds however many such tokens come.
- While the provider is down, keys that were good go on serving for a bounded time, and fetches back off. After that,
  and for keys never seen, the answer is ``KeysUnavailableError``: nothing is known, which is not "bad token".
- A document that cannot be read counts as the provider being down. A good one replaces all keys at once.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from cadenza.errors import ConfigurationError, KeysUnavailableError, TokenInvalidError
from cadenza.tokens.fetch import MAX_BODY_BYTES, FetchedKeys, http_fetch
from cadenza.tokens.keys import Jwk, KeyRejectedError, VerificationKey, parse_key, parse_key_set

__all__ = [
    "MAX_BODY_BYTES",
    "Believed",
    "FetchedKeys",
    "KeySet",
    "KeySetStatus",
    "RemoteKeySet",
    "StaticKeySet",
    "VerificationKey",
    "http_fetch",
]

#: No provider's answer is believed longer (row A2).
MAX_LIFETIME_SECONDS = 600.0
#: A provider that forbids keeping its answer is asked once a second, not once a token.
MIN_LIFETIME_SECONDS = 1.0
#: An access token lives an hour (Supabase's default). After an hour of outage none is left that old keys could serve,
#: and the provider has issued no new ones; a longer bound would only prolong the life of a withdrawn key.
STALE_IF_ERROR_SECONDS = 3600.0
#: Row A3.
UNKNOWN_KID_COOLDOWN_SECONDS = 30.0
FETCH_TIMEOUT_SECONDS = 5.0
#: After failed fetches: 1, 2, 4 ... seconds, at most this.
MAX_BACKOFF_SECONDS = 30.0


class Believed(NamedTuple):
    """Keys by ``kid``, to be used without asking anyone while since <= now < until (seconds since the epoch).

    A key set replaces it whole when it learns something; whoever reads it anew for each token never uses a key that
    has been withdrawn. An unchanged key is the same object from one to the next.
    """

    keys: Mapping[str, VerificationKey]
    since: float
    until: float


class KeySet(Protocol):
    """Where keys come from. The memory implementation is ``StaticKeySet``."""

    @property
    def believed(self) -> Believed:
        """The keys that can be believed without asking anyone, and until when."""
        ...

    async def find(self, kid: str) -> VerificationKey:
        """The key of that id.

        Raises:
            TokenInvalidError: The provider has no such key.
            KeysUnavailableError: That cannot be known now.
        """
        ...


class StaticKeySet:
    """Keys that never change while the process lives.

    Args:
        keys: Public JWKs. Empty is allowed: then only a legacy secret can verify.

    Raises:
        ConfigurationError: One of them cannot be used, or two share a ``kid``.
    """

    def __init__(self, keys: Iterable[Mapping[str, object]]) -> None:
        by_id: dict[str, VerificationKey] = {}
        for jwk in keys:
            try:
                key = parse_key(msgspec.convert(jwk, Jwk))
            except (KeyRejectedError, msgspec.ValidationError) as error:
                raise ConfigurationError(f"A key cannot be used: {error}.", setting="keys") from error
            if key.kid in by_id:
                raise ConfigurationError("Two keys have the same kid.", setting="keys")
            by_id[key.kid] = key
        self.believed = Believed(by_id, -math.inf, math.inf)

    async def find(self, kid: str) -> VerificationKey:
        """The key of that id. Raises TokenInvalidError."""
        key = self.believed.keys.get(kid)
        if key is None:
            raise _unknown_key()
        return key

    def __repr__(self) -> str:
        return f"StaticKeySet({len(self.believed.keys)} keys)"


class KeySetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator wants to know of a remote key set.

    Attributes:
        kids: The ids of the keys now held.
        fresh: Whether they are within their lifetime.
        loaded_at: When the document they come from was asked for, by the clock given; ``None`` before the first.
        fetches: Fetches started so far.
        failures: Fetches failed so far.
        failing_since: When the present row of failures began; ``None`` when the last fetch succeeded.
    """

    kids: tuple[str, ...]
    fresh: bool
    loaded_at: float | None
    fetches: int
    failures: int
    failing_since: float | None


class RemoteKeySet:
    """A provider's key set, cached by the policy of this module.

    Args:
        fetch: Gets the document; ``http_fetch`` makes one. Any exception counts as a failed fetch.
        clock: Seconds; the epoch clock, so that sleep of the machine counts.
        max_lifetime_seconds: Keys are believed at most this long.
        stale_if_error_seconds: And this much longer while fetching fails. 0: not at all.
        unknown_kid_cooldown_seconds: Between two fetches caused by unknown ``kid``s.
        fetch_timeout_seconds: A fetch that takes longer has failed.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[FetchedKeys]],
        *,
        clock: Callable[[], float],
        max_lifetime_seconds: float = MAX_LIFETIME_SECONDS,
        stale_if_error_seconds: float = STALE_IF_ERROR_SECONDS,
        unknown_kid_cooldown_seconds: float = UNKNOWN_KID_COOLDOWN_SECONDS,
        fetch_timeout_seconds: float = FETCH_TIMEOUT_SECONDS,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._max_lifetime = max_lifetime_seconds
        self._stale_if_error = stale_if_error_seconds
        self._cooldown = unknown_kid_cooldown_seconds
        self._timeout = fetch_timeout_seconds
        self.believed = Believed({}, -math.inf, -math.inf)
        self._loaded_at: float | None = None
        self._fresh_until = -math.inf
        self._unknown_at: float | None = None
        self._failed_at: float | None = None
        self._failing_since: float | None = None
        self._failures_in_row = 0
        self._last_error: Exception | None = None
        self._fetches = 0
        self._failures = 0
        self._flight: asyncio.Task[None] | None = None
        self._closed = False

    async def find(self, kid: str) -> VerificationKey:
        """The key of that id, fetching the set if need be.

        Raises:
            TokenInvalidError: The provider has no such key, as of at most 30 seconds ago.
            KeysUnavailableError: The provider cannot be asked.
        """
        now = self._clock()
        fresh = self._is_fresh(now)
        key = self.believed.keys.get(kid)
        if key is not None and (fresh or (self._serves(now) and self._is_known_down(now))):
            if not fresh and not self._backs_off(now):
                self._start()  # and nobody waits for it
            return key
        if not self._is_fetching():
            self._require_fetch_is_due(now, fresh=fresh)
            if fresh:
                self._unknown_at = now
        await self._join()
        return self._find_after_fetch(kid)

    def held(self) -> Mapping[str, VerificationKey]:
        """The keys last heard of, while they may serve at all: for whoever asks the provider first, but not for ever.

        Empty before the first fetch, and once an outage has lasted longer than its bound.
        """
        return self.believed.keys if self._is_within_bounds(self._clock()) else {}

    async def refresh(self) -> None:
        """Fetch the set now, whatever its age: at start-up, or after a rotation.

        Raises:
            KeysUnavailableError: It could not be had. Keys held before go on serving.
        """
        await self._join()
        if self._is_failing():
            raise self._unavailable()

    async def aclose(self) -> None:
        """End a fetch under way. No other is started."""
        self._closed = True
        if self._flight is not None and not self._flight.done():
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def status(self) -> KeySetStatus:
        """A snapshot for health and metrics."""
        return KeySetStatus(
            kids=tuple(self.believed.keys),
            fresh=self._is_fresh(self._clock()),
            loaded_at=self._loaded_at,
            fetches=self._fetches,
            failures=self._failures,
            failing_since=self._failing_since,
        )

    def __repr__(self) -> str:
        return f"RemoteKeySet({len(self.believed.keys)} keys)"

    # What the clock says

    def _is_fresh(self, now: float) -> bool:
        return self.believed.since <= now < self._fresh_until  # a clock set back makes keys stale

    def _serves(self, now: float) -> bool:
        """Whether stale keys may be used: only while fetching fails, and only for so long."""
        return self._failures_in_row > 0 and self._is_within_bounds(now)

    def _is_within_bounds(self, now: float) -> bool:
        return self.believed.since <= now < self._fresh_until + self._stale_if_error

    def _backs_off(self, now: float) -> bool:
        if not self._failures_in_row:
            return False
        return _elapsed(self._failed_at, now) < self._pause()

    def _is_known_down(self, now: float) -> bool:
        """Whether the provider failed so lately that waiting for the next attempt is not worth it."""
        if self._failed_at is None or self._failed_at < self._fresh_until:
            return self._backs_off(now)
        return _elapsed(self._failed_at, now) < self._pause() + MAX_BACKOFF_SECONDS

    def _pause(self) -> float:
        return min(MAX_BACKOFF_SECONDS, 2.0 ** min(self._failures_in_row - 1, 10))

    def _require_fetch_is_due(self, now: float, *, fresh: bool) -> None:
        if self._closed or self._backs_off(now):
            raise self._unavailable()
        if fresh and _elapsed(self._unknown_at, now) < self._cooldown:
            raise self._unavailable() if self._failures_in_row else _unknown_key()

    # Fetching

    def _is_failing(self) -> bool:
        return self._failures_in_row > 0 or self._loaded_at is None or self._closed

    def _is_fetching(self) -> bool:
        return self._flight is not None and not self._flight.done()

    def _start(self) -> asyncio.Task[None] | None:
        if not self._is_fetching() and not self._closed:
            self._flight = asyncio.get_running_loop().create_task(self._load(), name="cadenza.tokens.jwks")
        return self._flight

    async def _join(self) -> None:
        """Wait for the fetch under way, or for a new one. ``wait`` neither cancels it nor raises what it raised."""
        flight = self._start()
        if flight is not None:
            await asyncio.wait([flight])

    async def _load(self) -> None:
        self._fetches += 1
        asked_at = self._clock()
        try:
            async with asyncio.timeout(self._timeout):
                fetched = await self._fetch()
            loaded = parse_key_set(fetched.body)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in there, keys could not be had
            self._record_failure(error)
            return
        # An unchanged key stays the same object: what was verified with it is still good.
        keys = {kid: self._unchanged(key) for kid, key in loaded.items()}
        lifetime = self._max_lifetime if fetched.max_age is None else min(self._max_lifetime, fetched.max_age)
        self._loaded_at = asked_at
        self._fresh_until = asked_at + max(MIN_LIFETIME_SECONDS, lifetime)
        self.believed = Believed(keys, asked_at, self._fresh_until)
        self._failures_in_row = 0
        self._failing_since = None
        self._last_error = None

    def _record_failure(self, error: Exception) -> None:
        self._failures += 1
        self._failures_in_row += 1
        self._failed_at = self._clock()
        self._failing_since = self._failed_at if self._failing_since is None else self._failing_since
        self._last_error = error.with_traceback(None)
        # Until the next attempt is due there is nobody to ask, so old keys are believed, within their bound.
        retry_at = min(self._failed_at + self._pause(), self._fresh_until + self._stale_if_error)
        self.believed = self.believed._replace(until=max(self._fresh_until, retry_at))

    def _unchanged(self, key: VerificationKey) -> VerificationKey:
        held = self.believed.keys.get(key.kid)
        return held if held is not None and held.is_same_as(key) else key

    def _find_after_fetch(self, kid: str) -> VerificationKey:
        now = self._clock()
        failing = self._is_failing()
        key = self.believed.keys.get(kid)
        if key is not None and (not failing or self._is_fresh(now) or self._serves(now)):
            return key
        if failing:
            raise self._unavailable()
        # Whatever this fetch was for, it has answered for unknown ids too.
        self._unknown_at = self._loaded_at
        raise _unknown_key()

    def _unavailable(self) -> KeysUnavailableError:
        error = KeysUnavailableError("The identity provider's keys cannot be fetched now.")
        error.__cause__ = self._last_error
        return error


def _elapsed(since: float | None, now: float) -> float:
    """Seconds since then. A clock that was set back says nothing, so nothing is believed on its word."""
    if since is None or now < since:
        return math.inf
    return now - since


def _unknown_key() -> TokenInvalidError:
    return TokenInvalidError("The token's key is not in the provider's key set.")
