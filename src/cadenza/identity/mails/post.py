"""The post: mails composed and handed over, to an SMTP server or to the inbox.

A mail is counted inside the transaction that makes its code (``reserve``) and sent after it: no transaction waits for
a network. What could not be sent is undone by the rule that asked for it, so that the user can ask again.

Above: the rules. Below: ``composing``, ``smtp``, ``inbox``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, Protocol

from cadenza.identity import errors
from cadenza.identity.limits import RateLimiter
from cadenza.identity.mails.composing import Composer
from cadenza.identity.mails.letters import Letter, Mail

_LOG: Final = logging.getLogger(__name__)


class DeliveryError(Exception):
    """A mail could not be handed over; the message says where it stopped, and holds neither address nor secret."""


class Carrier(Protocol):
    """Who takes mails."""

    async def deliver(self, mail: Mail) -> None:
        """Take one.

        Raises:
            DeliveryError: It was not taken.
        """
        ...

    async def rehearse(self) -> None:
        """Do all that taking one would need, and take none.

        Raises:
            DeliveryError: One would not have been taken.
        """
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


class Post:
    """Sends mails.

    Args:
        composer: Makes them.
        carrier: Takes them.
        limit: Of mails of the whole provider; ``None`` where they are not counted.
    """

    def __init__(self, composer: Composer, carrier: Carrier, *, limit: RateLimiter | None) -> None:
        self._composer = composer
        self._carrier = carrier
        self._limit = limit

    def reserve(self) -> None:
        """Count a mail that is about to be sent. Runs inside the transaction that makes its code.

        Raises:
            RefusalError: Too many were sent.
        """
        if self._limit is not None:
            self._limit.take()

    async def send(self, letters: Sequence[Letter], *, what: str) -> None:
        """Compose and hand over.

        Args:
            letters: What they say.
            what: For the error: "confirmation", "recovery" and the like.

        Raises:
            RefusalError: One was not taken; those before it are on their way.
        """
        try:
            for letter in letters:
                await self._carrier.deliver(await self._composer.compose(letter))
        except DeliveryError as error:
            raise self._not_sent(error, what) from None

    async def rehearse(self, letter: Letter, *, what: str) -> None:
        """The work of ``send`` and its errors, without a mail: for an address that is nobody's, which must not show."""
        await self._composer.compose(letter)
        try:
            await self._carrier.rehearse()
        except DeliveryError as error:
            raise self._not_sent(error, what) from None

    def close(self) -> None:
        """Let the carrier go."""
        self._carrier.close()

    def _not_sent(self, error: DeliveryError, what: str) -> errors.RefusalError:
        _LOG.warning("a mail could not be sent: %s", error)
        return errors.mail_not_sent(what)
