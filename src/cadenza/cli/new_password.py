"""Sets a new password, and gives what else the provider wants for that: a mailed code, the old one, a second factor.

Above: ``cli.password``, ``cli.recover``. Below: ``cli.prompts``, ``cli.second_factor``, the SDK's account flows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import msgspec

from cadenza.cli.errors import warn
from cadenza.cli.output import tell
from cadenza.cli.prompts import Asker, ask_new_password
from cadenza.cli.second_factor import rise
from cadenza.client import Auth
from cadenza.client.auth.flows import OverWebSocket
from cadenza.errors import AccessDeniedError, ConfigurationError, IdentityError
from cadenza.protocol.auth import ErrorCode
from cadenza.schema.codes import Code

__all__ = ["NewPassword"]

_MOST_ATTEMPTS: Final = 5
#: Another password may be taken.
_ANOTHER: Final = frozenset({ErrorCode.WEAK_PASSWORD, ErrorCode.SAME_PASSWORD})


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """What goes along with the new password."""

    nonce: str | None = None
    current: str | None = None

    def __repr__(self) -> str:
        return "<_Given>"


@dataclass(frozen=True, kw_only=True)
class NewPassword:
    """A password that is about to be.

    Attributes:
        asker: Asks.
        from_stdin: Whether it comes from stdin.
        as_json: How to say what happens.
    """

    asker: Asker
    from_stdin: bool
    as_json: bool

    def require(self) -> None:
        """Raise ``ConfigurationError`` if nobody can give it: before a mail is sent for nothing."""
        if not self.from_stdin and not self.asker.is_person:
            raise ConfigurationError(
                "No new password was given.", setting="--password-stdin", next_step="Pipe it into --password-stdin."
            )

    async def set(self, flows: Auth | OverWebSocket) -> None:
        """Ask for it and set it.

        Raises:
            ConfigurationError: There is none, or something else is missing and nobody can be asked.
            IdentityError: Refused.
        """
        self.require()
        password, given = await self._ask(), _Given()
        for _ in range(_MOST_ATTEMPTS):
            try:
                await flows.update_user(password=password, nonce=given.nonce, current_password=given.current)
            except AccessDeniedError as error:  # how the backend says it
                if error.code != Code.SECOND_FACTOR_REQUIRED or not self.asker.has_codes:
                    raise
                await rise(flows.mfa, self.asker)
            except IdentityError as error:
                if error.error_code in _ANOTHER and self.asker.is_person and not self.from_stdin:
                    warn(error)
                    password = await self._ask()
                else:
                    given = await self._more(error, flows, given)
            else:
                return
        await flows.update_user(password=password, nonce=given.nonce, current_password=given.current)

    async def _ask(self) -> str:
        # CADENZA_PASSWORD is the password there is.
        return await ask_new_password({}, self.asker, from_stdin=self.from_stdin)

    async def _more(self, error: IdentityError, flows: Auth | OverWebSocket, given: _Given) -> _Given:
        """Give what is missing; the error again where nobody can."""
        asker = self.asker
        match error.error_code:
            case ErrorCode.INSUFFICIENT_AAL if asker.has_codes:
                await rise(flows.mfa, asker)
                return given
            case ErrorCode.REAUTHENTICATION_NEEDED if asker.has_codes:
                await flows.reauthenticate()
                tell("A mail with a code is on its way.", {"event": "mail"}, as_json=self.as_json)
                return msgspec.structs.replace(given, nonce=await asker.code("Its code: "))
            case ErrorCode.REAUTHENTICATION_NOT_VALID if asker.may_ask_again:
                warn(error)
                return msgspec.structs.replace(given, nonce=await asker.code("Its code: "))
            case ErrorCode.CURRENT_PASSWORD_REQUIRED if not given.current and os.environ.get("CADENZA_PASSWORD"):
                return msgspec.structs.replace(given, current=os.environ["CADENZA_PASSWORD"])
            case ErrorCode.CURRENT_PASSWORD_REQUIRED | ErrorCode.CURRENT_PASSWORD_INVALID if asker.is_person:
                if error.error_code == ErrorCode.CURRENT_PASSWORD_INVALID:
                    warn(error)
                return msgspec.structs.replace(given, current=await asker.secret("Current password: "))
            case _:
                raise error
