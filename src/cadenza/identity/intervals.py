"""How soon a mail may be asked for again: an interval for each kind of mail and user, Supabase Auth's rule.

It alone would tell who is registered: whoever is, is told to wait, whoever is not, never. So addresses that are
nobody's wait too; of those a bounded number is remembered, in memory.

Above: ``code_mails``. Below: ``errors``. The clock is the users' rows'.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cadenza.identity import errors
from cadenza.identity.times import MICROSECONDS, instant

_MOST_STRANGERS: Final = 10_000


class Intervals:
    """Tells whoever comes too soon.

    Args:
        seconds: Between two mails of a kind.
        clock: Seconds since the epoch.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float]) -> None:
        self._interval = instant(seconds)
        self._clock = clock
        self._strangers: OrderedDict[tuple[str, str], int] = OrderedDict()

    def check(self, sent_at: int | None, *, by_text: bool = False) -> None:
        """Let a mail through, or a text message.

        Raises:
            RefusalError: The last one is too young; it says for how long still.
        """
        wait = 0 if sent_at is None else sent_at + self._interval - instant(self._clock())
        if wait > 0:
            too_soon = errors.text_too_soon if by_text else errors.confirmation_too_soon
            raise too_soon(wait / MICROSECONDS)

    def check_stranger(self, kind: str, address: str) -> None:
        """The same for an address that gets no mail, which counts as having got one."""
        key = (kind, address)
        self.check(self._strangers.get(key))
        self._strangers.pop(key, None)
        self._strangers[key] = instant(self._clock())
        while len(self._strangers) > _MOST_STRANGERS:
            self._strangers.popitem(last=False)
