"""At most two links: a user's, and an anonymous one for what needs no user.

Above: ``_client``. Below: ``link``. Made when first needed, closed when the identity changes.
"""

from __future__ import annotations

from collections.abc import Callable

from cadenza.client.link import Link
from cadenza.client.supervisor import TokenSource
from cadenza.errors import CadenzaError


class Links:
    """The links there are.

    Args:
        make: Makes one; None stands for anonymous.
    """

    def __init__(self, make: Callable[[TokenSource | None], Link]) -> None:
        self._make = make
        self._user: Link | None = None
        self._anonymous: Link | None = None

    @property
    def live(self) -> Link | None:
        """The user's link unless it has stopped for good."""
        return None if self._user is None or self._user.final_error is not None else self._user

    @property
    def client_id(self) -> str | None:
        """The id the gateway gave the connection in use; None while there is none."""
        for link in (self._user, self._anonymous):
            if link is not None and link.opened is not None:
                return link.opened.client
        return None

    def user(self, tokens: TokenSource) -> Link:
        """The user's link, also one that has stopped: whoever uses it hears why."""
        if self._user is None:
            self._user = self._make(tokens)
        return self._user

    def anonymous(self) -> Link:
        """The anonymous link; one that has stopped is made anew, as nothing depends on it."""
        if self._anonymous is None or self._anonymous.final_error is not None:
            self._anonymous = self._make(None)
        return self._anonymous

    async def drop_user(self, error: CadenzaError) -> None:
        """Close the user's link; who reads from it sees ``error``."""
        link, self._user = self._user, None
        if link is not None:
            await link.close(error)

    async def drop_anonymous(self, error: CadenzaError) -> None:
        """Close the anonymous link."""
        link, self._anonymous = self._anonymous, None
        if link is not None:
            await link.close(error)

    async def close(self, error: CadenzaError) -> None:
        """Close both."""
        await self.drop_user(error)
        await self.drop_anonymous(error)
