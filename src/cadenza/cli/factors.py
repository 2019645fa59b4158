"""Adds, lists, proves and removes second factors for ``cadenza mfa``.

Above: ``cli.mfa``. Below: ``cli.second_factor`` asks for codes, ``cli.qr`` draws, the SDK's ``auth.mfa``. The secret of
a new factor goes to a terminal, or to a program that asked for JSON, and nowhere else.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from cadenza.cli.colours import Style, has_colour
from cadenza.cli.entering import show_signed_in
from cadenza.cli.output import json_text, note, say, show_table
from cadenza.cli.prompts import Asker, confirm
from cadenza.cli.qr import drawn
from cadenza.cli.second_factor import choose, rise
from cadenza.cli.session import Api, open_api
from cadenza.cli.waiting import ask_again
from cadenza.cli.ways import flows_of
from cadenza.client import SecondFactor, Session, TotpEnrollment
from cadenza.client.auth.mfa import Mfa
from cadenza.errors import (
    CadenzaError,
    ConfigurationError,
    IdentityError,
    SecondFactorRequiredError,
    SignInRequiredError,
)

__all__ = ["Factors", "on_factors"]

_T = TypeVar("_T")

_INSUFFICIENT: Final = "insufficient_aal"
#: Letters of the secret that are typed at once.
_GROUP: Final = 4
#: Google Authenticator's Key URI Format.
_DEFAULTS: Final = frozenset({("algorithm", "SHA1"), ("digits", "6"), ("period", "30")})


async def on_factors(
    work: Callable[[Factors], Awaitable[None]],
    asker: Asker,
    *,
    over_websocket: bool,
    profile: str | None,
    as_json: bool,
) -> None:
    """Do something about the second factors of whoever is signed in."""
    async with open_api(as_json=as_json, profile=profile) as api:
        mfa = flows_of(api.client.auth, over_websocket=over_websocket).mfa
        await api.do(work(Factors(api=api, mfa=mfa, asker=asker, as_json=as_json)))


@dataclass(frozen=True, kw_only=True)
class Factors:
    """The second factors of whoever is signed in.

    Attributes:
        api: The client.
        mfa: At the provider, or over the WebSocket.
        asker: Asks for codes.
        as_json: Whether a program reads the result.
    """

    api: Api
    mfa: Mfa
    asker: Asker
    as_json: bool

    async def show(self) -> None:
        """List them."""
        factors, level = await self.mfa.factors(), self._session.level
        if self.as_json:
            say(json_text({"level": level, "factors": [_described(one) for one in factors]}))
            return
        if not factors:
            say("No second factor. Add one: cadenza mfa enroll")
            return
        rows = [(one.name or "-", one.kind, _state(one), one.created_at[:10], one.id) for one in factors]
        show_table(("NAME", "KIND", "STATE", "ADDED", "ID"), rows, styles={"NAME": Style.TYPED})
        if level == "aal1" and any(one.verified for one in factors):
            note("This session has not seen one yet: cadenza mfa challenge")

    async def challenge(self, factor: str) -> None:
        """Prove one, so that the session rises."""
        await rise(self.mfa, self.asker, factor=factor)
        show_signed_in(self.api.client, self._session, as_json=self.as_json)

    async def enroll(self, name: str, *, issuer: str) -> None:
        """Add one, and prove it with its first code.

        Raises:
            ConfigurationError: Its secret could be shown to nobody, or nobody can be asked for the code.
            IdentityError: Refused; nothing of it stays.
        """
        self.asker.require_codes()
        if not self.as_json and not sys.stdout.isatty():
            raise ConfigurationError(
                "The secret of a second factor is shown at a terminal alone.",
                setting="stdout",
                next_step="Give --json to have it printed for a program.",
            )
        enrolled = await self._at_second_level(lambda: self.mfa.enroll(name, issuer=issuer))
        try:
            self._present(enrolled)
            await ask_again(
                "Code that the app shows now: ",
                self.asker,
                lambda code: self.mfa.verify(code, factor_id=enrolled.factor_id),
            )
        except BaseException:
            with contextlib.suppress(CadenzaError):  # it counts for nothing, and only its name would be in the way
                await self.mfa.unenroll(enrolled.factor_id)
            raise
        level = self._session.level
        if self.as_json:
            say(json_text({"factorId": enrolled.factor_id, "verified": True, "level": level}))
        else:
            say(f"{_called(enrolled.name)} is your second factor now, and this session has seen it ({level}).")

    async def remove(self, factor: str, *, yes: bool) -> None:
        """Remove one.

        Raises:
            ConfigurationError: There is none of that name, or nobody can be asked.
        """
        factors = await self.mfa.factors()
        one = await choose(factors, factor, self.asker)
        if not yes:
            await self._ask_whether_to_remove(one)
        await self._at_second_level(lambda: self.mfa.unenroll(one.id))
        if self.as_json:
            say(json_text({"removed": one.id, "name": one.name, "level": self._session.level}))
            return
        others = any(other.verified for other in factors if other.id != one.id)
        say(f"{_called(one.name)} is removed." + ("" if others else " There is no second factor any more."))

    async def _ask_whether_to_remove(self, one: SecondFactor) -> None:
        if not self.asker.is_person:
            raise ConfigurationError(
                f"{_called(one.name)} would be removed, and nobody can be asked whether that is meant.",
                setting="--yes",
                next_step="Give --yes if it is meant.",
            )
        await confirm(f"Remove {one.name or 'the authenticator app'}?", self.asker)

    async def _at_second_level(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do what may want a session at ``aal2``; ask for a code if it does."""
        try:
            return await work()
        except (IdentityError, SecondFactorRequiredError) as error:
            if isinstance(error, IdentityError) and error.error_code != _INSUFFICIENT:
                raise
        note("That wants a second factor first.")
        await rise(self.mfa, self.asker)
        return await work()

    @property
    def _session(self) -> Session:
        session = self.api.client.auth.session
        if session is None:
            raise SignInRequiredError("Nobody is signed in.")
        return session

    def _present(self, enrolled: TotpEnrollment) -> None:
        if self.as_json:
            described = {"factorId": enrolled.factor_id, "name": enrolled.name}
            say(json_text({**described, "uri": enrolled.uri, "secret": enrolled.secret}))
            return
        groups = [enrolled.secret[at : at + _GROUP] for at in range(0, len(enrolled.secret), _GROUP)]
        picture = _picture(enrolled.uri)
        # The code comes last: where the screen is low, it is what has to be seen whole.
        say(f"Type this secret into an authenticator app{', or scan the code' if picture else ''}:\n")
        say(f"  {' '.join(groups)}", Style.STRONG)
        sys.stdout.write("\n".join(["", *picture, ""]))
        sys.stdout.flush()


def _picture(uri: str) -> list[str]:
    """The lines of its QR code; none where the terminal would fold it or cannot show it."""
    short = _without_defaults(uri)
    plain = drawn(short, colour=False)
    try:
        "".join(plain).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return []
    if len(plain[0]) > shutil.get_terminal_size().columns:
        return []
    return drawn(short, colour=True) if has_colour(sys.stdout) else plain


def _without_defaults(uri: str) -> str:
    """The address without what every app takes for granted: the code is a size smaller then."""
    parts = urlsplit(uri)
    told = [pair for pair in parse_qsl(parts.query) if pair not in _DEFAULTS]
    return parts._replace(query=urlencode(told, quote_via=quote)).geturl()


def _described(factor: SecondFactor) -> dict[str, object]:
    return {
        "id": factor.id,
        "kind": factor.kind,
        "name": factor.name,
        "verified": factor.verified,
        "createdAt": factor.created_at,
    }


def _state(factor: SecondFactor) -> str:
    return "counts" if factor.verified else "not finished"


def _called(name: str) -> str:
    return name or "The authenticator app"
