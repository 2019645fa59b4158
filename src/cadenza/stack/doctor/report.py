"""What the doctor says of a link.

Above: everything in this folder. Below: msgspec.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from cadenza.errors import CadenzaError

__all__ = ["SIGN_IN", "Finding", "Link", "Verdict", "broken", "broken_by", "good", "skipped", "warning"]


#: How the steps name the command that signs in.
SIGN_IN: Final = "cadenza login"


class Link(enum.StrEnum):
    """The links, in the order in which they are looked at."""

    ENVIRONMENT = "environment"
    PROVIDER = "provider"
    KEYS = "keys"
    CLOCK = "clock"
    BROWSER = "browser"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a link's name
    GATEWAY = "gateway"
    CONNECTION = "connection"
    CALL = "call"
    SUBSCRIPTION = "subscription"
    PUBLICATION = "publication"
    SERVER_API = "server API"
    BACKEND = "backend"


class Verdict(enum.StrEnum):
    """How a link is."""

    GOOD = "good"
    WARNING = "warning"
    BROKEN = "broken"
    SKIPPED = "skipped"


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One link, looked at.

    Attributes:
        link: Which.
        verdict: How it is.
        message: What was seen, in a sentence; never a secret.
        next_step: The exact change that mends it; empty where nothing is to be done.
    """

    link: Link
    verdict: Verdict
    message: str
    next_step: str = ""


def good(link: Link, message: str) -> Finding:
    """It works."""
    return Finding(link=link, verdict=Verdict.GOOD, message=message)


def warning(link: Link, message: str, next_step: str) -> Finding:
    """It works, and something about it is going to hurt."""
    return Finding(link=link, verdict=Verdict.WARNING, message=message, next_step=next_step)


def broken(link: Link, message: str, next_step: str) -> Finding:
    """It does not work."""
    return Finding(link=link, verdict=Verdict.BROKEN, message=message, next_step=next_step)


def broken_by(link: Link, error: CadenzaError) -> Finding:
    """It does not work, and the SDK says why."""
    return broken(link, error.message, error.next_step)


def skipped(link: Link, because: str) -> Finding:
    """It could not be looked at."""
    return Finding(link=link, verdict=Verdict.SKIPPED, message=because)
