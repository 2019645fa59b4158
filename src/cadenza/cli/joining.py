"""Makes an account, with the confirmation that the provider may want of the address.

Above: ``cli.signup``. Below: ``cli.prompts``, ``cli.waiting``, the SDK's flows. A code is typed, or the mail's link is
followed anywhere and Enter pressed. Where nobody can do either, the sign-up stands and waits for the link.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from cadenza.cli.output import tell
from cadenza.cli.prompts import Asker, ask_email, ask_new_password
from cadenza.cli.waiting import ask_again, outcome
from cadenza.cli.ways import MAIL_SECONDS, flows_of
from cadenza.client import Auth, Session
from cadenza.client.auth.flows import OverWebSocket
from cadenza.errors import ValidationError

__all__ = ["Joining", "Wish"]

_CONFIRM: Final = "Its code; or follow its link in any browser, then press Enter: "


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the command line says.

    Attributes:
        email: The address.
        password_stdin: Whether the password comes from stdin.
        by_code: Whether there is to be no password.
        over_websocket: Whether the gateway is asked, rather than the provider itself.
        as_json: How to say what happens.
    """

    email: str | None
    password_stdin: bool
    by_code: bool
    over_websocket: bool
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class Joining:
    """Both kinds of joining.

    Attributes:
        auth: The client's.
        wish: What the command line says.
        asker: Asks.
    """

    auth: Auth
    wish: Wish
    asker: Asker

    async def ask_email(self) -> str:
        """The address. Raises ``ConfigurationError``."""
        return await ask_email(self.wish.email, os.environ, self.asker)

    async def sign_up(self, email: str) -> Session | None:
        """Make a new user and sign in. None: the address is still to be confirmed, and nobody can type the code.

        Raises:
            ConfigurationError: There is no password and nobody to ask.
            IdentityError: Refused.
        """
        if self.wish.by_code:
            return await self._by_code(email)
        password = await self._password()
        made = await self._flows.sign_up(email, password)
        if made.session is not None:
            return made.session

        async def redeem(answer: str) -> Session:
            if not answer:
                return await self._flows.sign_in_with_password(email, password)
            return await self._flows.verify_code(email, _typed(answer), type="signup")

        # The provider does not tell who is registered.
        self._tell_of_mail(f"{email}, unless it has an account already", email)
        return await ask_again(_CONFIRM, self.asker, redeem) if self.asker.has_codes else None

    async def upgrade(self, email: str) -> Session | None:
        """Give the anonymous user an address and a password. None: as above.

        Raises:
            ConfigurationError: There is no password and nobody to ask.
            IdentityError: Refused.
        """
        password = None if self.wish.by_code else await self._password()
        session = await self._flows.upgrade(email, password)
        if not session.is_anonymous:
            return session

        async def redeem(answer: str) -> Session:
            if answer:
                await self._flows.confirm_email_change(email, _typed(answer))
            session = await self.auth.refresh()
            if session.is_anonymous:
                raise ValidationError("The address is not confirmed yet.", next_step="Follow the link in the mail.")
            return session

        self._tell_of_mail(email, email)
        return await ask_again(_CONFIRM, self.asker, redeem) if self.asker.has_codes else None

    @property
    def _flows(self) -> Auth | OverWebSocket:
        return flows_of(self.auth, over_websocket=self.wish.over_websocket)

    async def _password(self) -> str:
        return await ask_new_password(os.environ, self.asker, from_stdin=self.wish.password_stdin)

    async def _by_code(self, email: str) -> Session:
        self.asker.require_codes()
        async with await self._flows.start_magic_link(email, listen=False) as pending:
            self._tell_of_mail(email, email)
            return await outcome(pending, "Its code, or its link, not followed: ", self.asker, seconds=MAIL_SECONDS)

    def _tell_of_mail(self, whom: str, email: str) -> None:
        tell(f"A mail is on its way to {whom}.", {"event": "mail", "to": email}, as_json=self.wish.as_json)


def _typed(answer: str) -> str:
    """A code as it was typed. Raises ``ValidationError`` for a link: sent as a code it would be refused."""
    if "://" in answer:
        raise ValidationError("That is the link.", next_step="Follow it in a browser, then press Enter here.")
    return answer
