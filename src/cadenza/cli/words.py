"""What may stand where help shows METHOD, CHANNEL, PROFILE and the like: the words a shell offers at the Tab key.

Above: ``cli.completing``. Below: the contract's tables, the profiles' folder; each imported when it is asked for. A
verb that takes one of these need only name its metavar so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

__all__ = ["FILES", "FOLDERS", "PAPER_SYMBOLS", "PROVIDERS", "words_for"]

#: The metavars of paths, which a shell completes by itself.
FILES: Final = "FILE"
FOLDERS: Final = "FOLDER"

#: What is traded on ``PAPER``: a table of its own, for the venue's takes a third of a second to load. A test compares.
PAPER_SYMBOLS: Final = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ADA/USDT")

#: The embedded provider's presets and its test provider; compared by a test too.
PROVIDERS: Final = ("apple", "azure", "discord", "github", "gitlab", "google", "keycloak", "test")

_Words = Sequence[tuple[str, str]]


def words_for(metavar: str, typed: str) -> _Words:
    """Return the words that may stand for a metavar, each with its help; none where no table says.

    Args:
        metavar: As help shows it; ``METHOD|CHANNEL`` for either.
        typed: What is there of the word already.
    """
    known = [_KNOWN[one] for one in metavar.split("|") if one in _KNOWN]
    return [word for words in known for word in words(typed)]


def _methods(_: str) -> _Words:
    from cadenza.schema.methods import METHODS

    return [(name, method.access.value) for name, method in METHODS.items()]


def _channels(typed: str) -> _Words:
    """A segment at a time: after ``market:orderbook:`` the venues, after the venue its symbols."""
    from cadenza.schema.channels import CHANNELS

    *done, _ = typed.split(":")
    found: dict[str, str] = {}
    for channel in CHANNELS:
        segments = channel.pattern.split(":")
        if len(segments) <= len(done) or not all(
            word in _segment(part, done) for part, word in zip(segments, done, strict=False)
        ):
            continue
        more = ":" if len(segments) > len(done) + 1 else ""
        for word in _segment(segments[len(done)], done):
            found.setdefault(":".join([*done, word]) + more, "" if more else channel.access.value)
    return list(found.items())


def _segment(part: str, done: Sequence[str]) -> Sequence[str]:
    """The words of one part of a channel's name, given those before it."""
    if not part.startswith("{"):
        return (part,)
    from cadenza.schema.market_enums import KlineInterval, Venue

    if part == "{venue}":
        return tuple(venue.value for venue in Venue)
    if part == "{interval}":
        return tuple(interval.value for interval in KlineInterval)
    return PAPER_SYMBOLS if part == "{symbol}" and Venue.PAPER in done else ()


def _profiles(_: str) -> _Words:
    from cadenza.client.profiles import Profiles
    from cadenza.client.settings import read_environment

    return [(profile.name, profile.read().ws_url or "") for profile in Profiles.of(read_environment()).all()]


_KNOWN: Final[Mapping[str, Callable[[str], _Words]]] = {
    "METHOD": _methods,
    "TEXT": _methods,
    "CHANNEL": _channels,
    "PROFILE": _profiles,
    "PROVIDER": lambda _: [(name, "") for name in PROVIDERS],
}
