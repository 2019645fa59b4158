"""Picks the way to sign in: what the options say, else what the provider offers and this place allows (row G2).

Above: ``cli.login``. Below: ``cli.prompts``, the SDK. At a terminal the order is: a provider through a browser on this
machine, or with its address pasted; a mail with code and link; a password. Without one nothing is guessed.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import typer

from cadenza.cli.prompts import Asker, ask_choice
from cadenza.client import WaysIn
from cadenza.errors import ConfigurationError

__all__ = ["Choice", "Flags", "Way", "chosen", "nobody_to_ask", "offered", "pick", "refuse_closed"]

#: An operator's own providers, which are not in the provider's list.
_CUSTOM: Final = "custom:"


class Way(enum.Enum):
    """A way in; the value is the option that asks for it."""

    PASSWORD = "--password"  # noqa: S105  # an option
    CODE = "--code"
    MAGIC_LINK = "--magic-link"
    PROVIDER = "--provider"
    ANONYMOUS = "--anonymous"
    ID_TOKEN = "--id-token-stdin"  # noqa: S105  # an option


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A way, and where, if it is a provider's."""

    way: Way
    provider: str = ""


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What the command line says of the way."""

    password: bool = False
    password_stdin: bool = False
    code: bool = False
    magic_link: bool = False
    provider: str | None = None
    anonymous: bool = False
    id_token_stdin: bool = False


def chosen(flags: Flags, environ: Mapping[str, str]) -> Choice | None:
    """Return the way that options, or a password in the environment, ask for; None if they leave it open.

    Raises:
        typer.BadParameter: They contradict one another.
    """
    if flags.id_token_stdin and not flags.provider:
        raise typer.BadParameter("whose token it is must be said with --provider NAME", param_hint="--id-token-stdin")
    if flags.provider is not None and (not flags.provider or flags.provider.startswith("-")):
        raise typer.BadParameter("a provider's name is needed", param_hint="--provider")
    asked = {
        Way.PASSWORD: flags.password or flags.password_stdin,
        Way.CODE: flags.code,
        Way.MAGIC_LINK: flags.magic_link,
        Way.PROVIDER: flags.provider is not None and not flags.id_token_stdin,
        Way.ANONYMOUS: flags.anonymous,
        Way.ID_TOKEN: flags.id_token_stdin,
    }
    ways = [way for way, on in asked.items() if on]
    if len(ways) > 1:
        raise typer.BadParameter("these are several ways to sign in: give one", param_hint=[way.value for way in ways])
    if ways:
        return Choice(way=ways[0], provider=flags.provider or "")
    return Choice(way=Way.PASSWORD) if environ.get("CADENZA_PASSWORD") else None


def offered(ways: WaysIn | None, *, has_browser: bool) -> list[tuple[str, Choice]]:
    """Return what a person can choose from, the best first.

    Args:
        ways: What the provider offers; None where only the gateway is asked, which does not tell.
        has_browser: Whether a browser on this machine can be opened.
    """
    how = "in the browser" if has_browser else "in a browser elsewhere, whose last address is pasted here"
    providers = () if ways is None else ways.providers
    found = [(f"{name}, {how}", Choice(way=Way.PROVIDER, provider=name)) for name in providers]
    if ways is None or ways.email:
        found += [("a code or link by mail", Choice(way=Way.CODE)), ("a password", Choice(way=Way.PASSWORD))]
    if ways is not None and ways.anonymous:
        found.append(("without a name", Choice(way=Way.ANONYMOUS)))
    return found


async def pick(ways: WaysIn | None, asker: Asker, *, has_browser: bool) -> Choice:
    """Have a person choose among what is offered; nobody is asked where there is only one way.

    Raises:
        ConfigurationError: Nothing is offered.
    """
    found = offered(ways, has_browser=has_browser)
    if not found:
        raise ConfigurationError(
            "The provider offers no way to sign in that it tells of.",
            setting="--provider",
            next_step="Name a provider of its own with --provider NAME, or ask who runs it.",
        )
    if len(found) == 1:
        return found[0][1]
    return found[await ask_choice("How do you want to sign in?", [label for label, _ in found], asker)][1]


def nobody_to_ask() -> ConfigurationError:
    """The error for a sign-in that leaves everything open where there is no terminal."""
    return ConfigurationError(
        "How to sign in was not said, and there is no terminal to ask at.",
        next_step="Set CADENZA_EMAIL and CADENZA_PASSWORD, or give --password-stdin, --code with --code-stdin, "
        "--magic-link, --provider NAME, --id-token-stdin or --anonymous.",
    )


def refuse_closed(ways: WaysIn, name: str) -> None:
    """Raise ``ConfigurationError`` for a provider that is not open, before a browser is sent to a page that says so."""
    if name in ways.providers or name.startswith(_CUSTOM):
        return
    known = ", ".join(ways.providers)
    raise ConfigurationError(
        f"The provider {name} is not open here.",
        setting="--provider",
        next_step=f"Open: {known}." if known else "None is open; sign in with --code or --password.",
    )
