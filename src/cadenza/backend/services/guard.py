"""Who may try, and whose token it is: what every auth method asks before the identity provider is asked.

Above: ``services.auth``, ``services.factors``. Below: ``ports``, ``address``, errors.
"""

import contextlib
from collections.abc import Callable, Hashable, Iterator
from typing import Protocol

from cadenza.backend.address import counted_as
from cadenza.backend.ports import Caller, TokenSubject, TokenVerifier
from cadenza.errors import (
    KeysUnavailableError,
    RpcError,
    TokenExpiredError,
    TokenFormatError,
    TokenInvalidError,
    TokenNotYetValidError,
)
from cadenza.schema.codes import Code

__all__ = ["Attempts", "Guard"]

#: Longer texts are no addresses (RFC 5321 section 4.5.3.1), and no key of a limiter should be that long.
_LONGEST_EMAIL = 320


class Attempts(Protocol):
    """Counts attempts by key; ``backend.limits`` has one."""

    def take(self, key: Hashable) -> float | None:
        """Use up an attempt; seconds to wait when there is none."""
        ...

    def give_back(self, key: Hashable) -> None:
        """Return an attempt that succeeded."""
        ...


class Guard:
    """Limits and ownership.

    Args:
        verifier: Checks the access tokens that come in params.
        takes_client: Whether tokens given to an OAuth client are taken.
        by_address: Limits attempts from one network address; addresses that are unknown are not limited.
        by_account: Limits attempts on one account, of each purpose.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        *,
        takes_client: Callable[[str | None], bool],
        by_address: Attempts,
        by_account: Attempts,
    ) -> None:
        self._verifier = verifier
        self._takes_client = takes_client
        self._by_address = by_address
        self._by_account = by_account

    def spend(self, caller: Caller, *, mail_to: str = "") -> None:
        """Use up an attempt for good: what is asked has its cost even when it succeeds, as a mail has."""
        for attempts, key in self._counted(caller, "mail", mail_to):
            _take(attempts, key)

    @contextlib.contextmanager
    def attempt(self, caller: Caller, *, purpose: str = "", account: str = "") -> Iterator[None]:
        """One attempt of the address and the account; given back unless the provider judged and refused it."""
        counted = self._counted(caller, purpose, account)
        for attempts, key in counted:
            _take(attempts, key)
        counts = False
        try:
            yield
        except RpcError as error:
            counts = not error.temporary
            raise
        finally:
            if not counts:
                for attempts, key in counted:
                    attempts.give_back(key)

    async def owner(self, access_token: str, caller: Caller) -> TokenSubject:
        """The token must be good, of an app that may act here, and its user the connection's, where that has one.

        Returns what the token says.
        """
        verified = await self._verified(access_token)
        if not self._takes_client(verified.claims.client_id):
            raise refused("The access token was given to another app, which may not act here.", Code.ACCESS_DENIED)
        if caller.user and verified.sub != caller.user:
            raise refused("The access token belongs to another user than this connection.", Code.ACCESS_DENIED)
        return verified

    def _counted(self, caller: Caller, purpose: str, account: str) -> tuple[tuple[Attempts, Hashable], ...]:
        address = counted_as(caller.address)
        by_address = ((self._by_address, address),) if address else ()
        name = account.strip().casefold()[:_LONGEST_EMAIL]
        return (*by_address, (self._by_account, (purpose, name))) if name else by_address

    async def _verified(self, access_token: str) -> TokenSubject:
        try:
            return await self._verifier.verify(access_token)
        except TokenExpiredError as error:
            raise refused("The access token has expired.", Code.TOKEN_EXPIRED) from error
        except (TokenFormatError, TokenNotYetValidError, TokenInvalidError) as error:
            raise refused("The access token is not valid.", Code.TOKEN_INVALID) from error
        except KeysUnavailableError as error:
            raise RpcError(
                "The identity provider's keys cannot be had now.", code=Code.SERVICE_UNAVAILABLE, temporary=True
            ) from error


def _take(attempts: Attempts, key: Hashable) -> None:
    wait = attempts.take(key)
    if wait is not None:
        raise RpcError(
            "Too many attempts; wait before the next.",
            code=Code.TOO_MANY_ATTEMPTS,
            temporary=True,
            retry_after_seconds=wait,
        )


def refused(message: str, code: Code) -> RpcError:
    """A refusal of the access token in params."""
    return RpcError(message, code=code, field="accessToken")
