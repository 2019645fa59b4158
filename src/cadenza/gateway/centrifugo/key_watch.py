"""Notices when the provider withdraws a key, which Centrifugo does not: it keeps what it has once fetched (row A2).

Above: ``stack.centrifugo_run``, which then sends SIGHUP. Below: httpx, ``tokens.keys``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from cadenza.errors import ProtocolError
from cadenza.tokens.fetch import MAX_BODY_BYTES
from cadenza.tokens.keys import VerificationKey, parse_key_set

if TYPE_CHECKING:
    import httpx

__all__ = ["KeyWatch", "fetch_keys"]

_OK: Final = 200


class KeyWatch:
    """Looks at a key set again and again.

    A set that cannot be had or read says nothing: the last one stands. So a withdrawal is only ever reported right
    after the set was there to be fetched; while it is not, Centrifugo without keys refuses everybody (row A1).

    Args:
        fetch: Gets the key set's document.
        withdrawn: Is called when a key that was there is gone, or is another under the same name.
        interval_seconds: Between two looks.
        sleep: Waits.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        *,
        withdrawn: Callable[[], None],
        interval_seconds: float,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._fetch = fetch
        self._withdrawn = withdrawn
        self._interval_seconds = interval_seconds
        self._sleep = sleep
        self._known: Mapping[str, VerificationKey] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await self._sleep(self._interval_seconds)

    async def look(self) -> None:
        """Look once."""
        import httpx

        try:
            found = parse_key_set(await self._fetch())
        except (httpx.HTTPError, httpx.InvalidURL, ProtocolError):
            return
        known, self._known = self._known, found
        if any(kid not in found or not key.is_same_as(found[kid]) for kid, key in known.items()):
            self._withdrawn()


def fetch_keys(
    url: str, client: httpx.AsyncClient, *, headers: Mapping[str, str] | None = None
) -> Callable[[], Awaitable[bytes]]:
    """Make the function that fetches a key set to look at. Nothing is believed for what it says: plain HTTP will do."""

    async def fetch() -> bytes:
        async with client.stream("GET", url, headers=headers, follow_redirects=False) as response:
            if response.status_code != _OK:
                raise ProtocolError(f"The key set was answered with {response.status_code}.")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise ProtocolError(f"The key set is longer than {MAX_BODY_BYTES} bytes.")
            return bytes(body)

    return fetch
