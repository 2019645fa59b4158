"""Signs in, one function a way. Each says on stderr what a person has to do now.

Above: ``cli.login``. Below: ``cli.prompts``, ``cli.waiting``, ``cli.browsing``, the SDK's flows, which stand at the
provider and, the same, over the WebSocket.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from cadenza.cli.browsing import Browsing, through_browser
from cadenza.cli.output import tell
from cadenza.cli.picking import Choice, Way, nobody_to_ask, pick, refuse_closed
from cadenza.cli.prompts import Asker, ask_email, ask_password
from cadenza.cli.waiting import outcome
from cadenza.client import Auth, PendingSignIn, Session
from cadenza.client.auth.flows import OverWebSocket
from cadenza.errors import AccessDeniedError, ConfigurationError

__all__ = ["MAIL_SECONDS", "Ways", "flows_of"]

#: A mail takes its time, and so do people.
MAIL_SECONDS: Final = 900.0


@dataclass(frozen=True, kw_only=True)
class Ways:
    """What a way needs.

    Attributes:
        auth: The client's sign-in.
        over_websocket: Whether the gateway is asked, rather than the provider itself.
        email: Who signs in, if the options say so.
        password_stdin: Whether the password comes from stdin.
        here: Asking, and browsers.
    """

    auth: Auth
    over_websocket: bool
    email: str | None
    password_stdin: bool
    here: Browsing

    async def sign_in(self, choice: Choice | None) -> Session:
        """Sign in by that way, or by the one that a person picks.

        Raises:
            ConfigurationError: Something is missing, and nobody can be asked for it.
            IdentityError: Refused.
        """
        choice = choice or await self._picked()
        match choice.way:
            case Way.PASSWORD:
                return await self._password()
            case Way.CODE:
                return await self._mail(await self._address(), listen=False)
            case Way.MAGIC_LINK:
                return await self._mail(await self._address(), listen=True)
            case Way.PROVIDER:
                return await self._provider(choice.provider)
            case Way.ANONYMOUS:
                return await self._flows.sign_in_anonymously()
            case Way.ID_TOKEN:
                return await self._id_token(choice.provider)

    @property
    def _flows(self) -> Auth | OverWebSocket:
        return flows_of(self.auth, over_websocket=self.over_websocket)

    @property
    def _asker(self) -> Asker:
        return self.here.asker

    async def _picked(self) -> Choice:
        if not self._asker.is_person:
            raise nobody_to_ask()
        if self.email or os.environ.get("CADENZA_EMAIL"):
            return Choice(way=Way.PASSWORD)  # Enter alone there asks for a mail
        ways = None if self.over_websocket else await self.auth.ways_in()
        return await pick(ways, self._asker, has_browser=not self.here.why_not)

    async def _address(self) -> str:
        return await ask_email(self.email, os.environ, self._asker)

    async def _password(self) -> Session:
        email = await self._address()
        question = f"Password of {email} (Enter alone: a code by mail): "
        password = await ask_password(question, os.environ, self._asker, from_stdin=self.password_stdin)
        if not password:
            return await self._mail(email, listen=False)
        return await self._flows.sign_in_with_password(email, password)

    async def _mail(self, email: str, *, listen: bool) -> Session:
        if not listen:
            self._asker.require_codes()  # before a mail is sent for nothing
        pending = await self._mailed(email, listen=listen)
        followed = "Follow its link in a browser on this machine; or paste link or code: "
        question = followed if listen else "Its code, or its link, not followed: "
        async with pending:
            tell(f"A mail is on its way to {email}.", {"event": "mail", "to": email}, as_json=self.here.as_json)
            return await outcome(pending, question, self._asker, seconds=self.here.seconds or MAIL_SECONDS)

    async def _mailed(self, email: str, *, listen: bool) -> PendingSignIn:
        try:
            return await self._flows.start_magic_link(email, create_user=False, listen=listen)
        except AccessDeniedError as error:  # how the backend says that it would have to make an account
            step = "If the address has no account yet: cadenza signup"
            raise AccessDeniedError(error.message, code=error.code, next_step=step) from error

    async def _provider(self, name: str) -> Session:
        if not self.over_websocket:
            refuse_closed(await self.auth.ways_in(), name)
        flows = self._flows
        return await through_browser(lambda listen: flows.start_provider_sign_in(name, listen=listen), self.here)

    async def _id_token(self, provider: str) -> Session:
        token = (await self._asker.piped()).strip()
        if not token:
            raise ConfigurationError(
                "No ID token was given.", setting="--id-token-stdin", next_step="Pipe it in, on one line."
            )
        return await self._flows.sign_in_with_id_token(provider, token)


def flows_of(auth: Auth, *, over_websocket: bool) -> Auth | OverWebSocket:
    """Whom to ask: the provider, or the backend through the gateway."""
    return auth.over_websocket if over_websocket else auth
