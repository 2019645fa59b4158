"""Names that are nearly a variable of Supabase Auth's: an error each, with the right name; they would have no effect.

Above: ``reading``. Below: ``names``. Whoever writes ``SMTP_PASSWORD`` for ``SMTP_PASS`` or a provider's
``CLIENT_SECRET`` for its ``SECRET`` must not find out by mails or sign-ins that fail.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Final

from cadenza.errors import ConfigurationError
from cadenza.identity.environment.names import KNOWN_NAMES, OAUTH_FIELDS, OAUTH_PROVIDERS, PREFIX

_NEAR: Final = 0.85
#: Shorter words, of which one letter in the wrong place is more.
_NEAR_SHORT: Final = 0.8
#: Of other programs' variables: ``API_INTERNAL_URL`` is no misspelling.
_NEAR_BARE: Final = 0.9
#: The only name without the prefix that is Supabase Auth's alone.
_BARE: Final = "API_EXTERNAL_URL"
_KNOWN: Final = frozenset(known.removeprefix(PREFIX) for known in KNOWN_NAMES)


def refuse_name(name: str) -> None:
    """Refuse a ``GOTRUE_*`` name that is nearly another: a slip, or the last word spelt out.

    Raises:
        ConfigurationError: It is; ``next_step`` has the right name.
    """
    part = name.removeprefix(PREFIX)
    right = _nearest(part, _KNOWN, _NEAR) or _without_end_of_word(part)
    if right:
        raise _refused(name, PREFIX + right)


def refuse_provider(name: str, provider: str, *, is_one: bool) -> None:
    """Refuse ``GOTRUE_EXTERNAL_<provider>_<field>`` where the provider, or a known one's field, is misspelt.

    Args:
        name: The whole.
        provider: Its provider, which is none of Supabase Auth's.
        is_one: Whether it is switched on or off, so that somebody means a provider of that name.

    Raises:
        ConfigurationError: It is; ``next_step`` has the right name.
    """
    near = _nearest(provider, OAUTH_PROVIDERS, _NEAR_SHORT)
    if near:
        raise _refused(name, name.replace(f"_{provider}_", f"_{near}_", 1))
    owner = max((known for known in OAUTH_PROVIDERS if provider.startswith(f"{known}_")), key=len, default="")
    if owner and not is_one:
        start = f"{PREFIX}EXTERNAL_{owner}_"
        raise _refused(name, start + _field(name.removeprefix(start)))


def refuse_prefix(name: str) -> None:
    """Refuse a name whose beginning is misspelt, or written in small letters.

    Raises:
        ConfigurationError: It is; ``next_step`` has the right name.
    """
    upper = name.upper()
    head, _, part = upper.partition("_")
    if part in _KNOWN and _nearest(head, (PREFIX.rstrip("_"),), _NEAR_SHORT):
        raise _refused(name, PREFIX + part)
    if _nearest(upper, (_BARE,), _NEAR_BARE):
        raise _refused(name, _BARE)


def _nearest(word: str, known: Collection[str], cutoff: float) -> str:
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=cutoff)), "")


def _without_end_of_word(part: str) -> str:
    """What ``part`` spells out: ``SMTP_PASS`` of ``SMTP_PASSWORD``, but nothing of ``SITE_URL_OLD``."""
    known = {part[:length] for length in range(part.rfind("_") + 2, len(part))} & _KNOWN
    return max(known, key=len, default="")


def _field(wrong: str) -> str:
    """The field that is meant: the nearest, or else how it ends (``CLIENT_SECRET``: ``SECRET``)."""
    ends = (field for field in OAUTH_FIELDS if wrong.endswith(f"_{field}"))
    return _nearest(wrong, OAUTH_FIELDS, _NEAR_SHORT) or max(ends, key=len, default="ENABLED")


def _refused(name: str, right: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is no variable of Supabase Auth's.",
        setting=name,
        next_step=f"Did you mean {right}? Otherwise leave it out.",
    )
