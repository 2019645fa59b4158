"""How Supabase Auth writes values into its environment: Go's booleans and durations, lists with commas, rates.

Above: ``table``. Below: nothing. A value that cannot be read is never quoted: it may be a secret in the wrong place.
Source: Go's strconv and time packages, and envconfig 1.4, which Supabase Auth reads its environment with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from cadenza.identity.config import GivenKeys, Secret


class ValueRefusedError(Exception):
    """The text is not what the variable takes; the message ends a sentence that begins with the variable's name."""


_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_UNITS: Final[Mapping[str, float]] = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
}
_STEP: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_HOUR_SECONDS: Final = 3600.0
_ESCAPE: Final = "\\"


@dataclass(frozen=True)
class Rate:
    """So many at once, and so many back in an hour."""

    burst: int
    per_hour: float


def text(value: str) -> str:
    """As it stands."""
    return value


def secret(value: str) -> Secret:
    """As it stands, and not shown."""
    return Secret(value)


def yes_or_no(value: str) -> bool:
    """``true`` or ``false``, ``1`` or ``0``, and Go's other spellings."""
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ValueRefusedError("is neither true nor false")


def whole_number(value: str) -> int:
    """An integer that is not negative."""
    if not (value.isascii() and value.removeprefix("+").isdigit()):
        raise ValueRefusedError("is no whole number")
    return int(value)


def number(value: str) -> float:
    """A number that is not negative."""
    if not re.fullmatch(r"\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value, re.ASCII):
        raise ValueRefusedError("is no number")
    return float(value)


def seconds(value: str) -> float:
    """Go's duration, such as ``90s``, ``1h30m`` or ``1.5h``, in seconds."""
    if value.lstrip("+") == "0":
        return 0.0
    steps = list(_STEP.finditer(value.removeprefix("+")))
    if not steps or "".join(step.group() for step in steps) != value.removeprefix("+"):
        raise ValueRefusedError("is no duration such as 90s, 5m or 1h30m")
    return sum(float(step[1]) * _UNITS[step[2]] for step in steps)


def words(value: str) -> tuple[str, ...]:
    """A list with commas; blanks around an entry do not count."""
    return tuple(word.strip() for word in value.split(",") if word.strip())


def word_set(value: str) -> frozenset[str]:
    """A list with commas whose order does not matter."""
    return frozenset(words(value))


def pairs(value: str) -> dict[str, str]:
    """A list with commas of ``key:value``."""
    read: dict[str, str] = {}
    for entry in words(value):
        key, colon, said = entry.partition(":")
        if not colon:
            raise ValueRefusedError("is no list of pairs such as a:1,b:2")
        read[key.strip()] = said.strip()
    return read


def character_sets(value: str) -> tuple[str, ...]:
    r"""Sets of characters with colons between them; ``\:`` is a colon in a set."""
    sets: list[str] = []
    joining = False
    for part in value.split(":"):
        whole = f"{sets.pop()}:{part}" if joining else part
        joining = whole.endswith(_ESCAPE)
        sets.append(whole.removesuffix(_ESCAPE) if joining else whole)
    return tuple(entry for entry in sets if entry)


def rate(value: str) -> Rate:
    """So many an hour, or ``events/duration``: so many at once, and one back in each duration."""
    events, slash, duration = value.partition("/")
    if not slash:
        an_hour = number(events)
        return Rate(burst=int(an_hour), per_hour=an_hour)
    over = seconds(duration)
    if not over:
        raise ValueRefusedError("is no rate such as 30 or 10/1h")
    return Rate(burst=whole_number(events), per_hour=_HOUR_SECONDS / over)


def key_set(value: str) -> GivenKeys:
    """A JSON array of private JWKs."""
    try:
        jwks = msgspec.json.decode(value, type=tuple[dict[str, object], ...])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ValueRefusedError("is no JSON array of keys") from None
    return GivenKeys(jwks=jwks)


def phone_codes(value: str) -> dict[str, str]:
    """``number:code`` pairs; plus signs and blanks in a number do not count."""
    return {phone.removeprefix("+").replace(" ", ""): code for phone, code in pairs(value).items()}


#: What each reader takes, for the manual.
FORMS: Final[Mapping[Callable[[str], object], str]] = {
    text: "text",
    secret: "text",
    yes_or_no: "`true` or `false`",
    whole_number: "whole number",
    number: "number",
    seconds: "duration: `90s`, `1h30m`",
    words: "list with commas",
    word_set: "list with commas",
    character_sets: "sets with colons",
    rate: "`30` or `10/1h`",
    key_set: "JSON array of JWKs",
    phone_codes: "`number:code` with commas",
}
