"""Wrong secrets of an account: guessing gets slower the longer it goes on, and its owner is not locked out by it.

Two counts. The first is of an account *from one address*: a few mistakes are free, then each makes that address wait
twice as long. The second is of an account from wherever: a guesser with many addresses meets it, at a much higher
number and with a short longest wait, because the owner may meet it too. An address from which the account was signed
in to before is spared the second one.

Whether there is such an account makes no difference: what is not told apart elsewhere is not told apart here.

Above: ``limits``, the grants. Below: ``config``, ``errors``. The clock comes in and must not jump (monotonic).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from cadenza.identity.config import AttemptLimits
from cadenza.identity.errors import too_many_requests

#: Longer than any address of mail; what somebody sends instead costs no more memory than that.
_LONGEST_ACCOUNT: Final = 320
#: 2 to the power of this is longer than any wait that is configured.
_MOST_DOUBLINGS: Final = 30


@dataclass(frozen=True)
class _Count:
    failures: int
    last: float
    blocked_until: float


class Attempts:
    """Counts wrong secrets, by account and address and by account alone.

    Args:
        config: How many are free, and how long one waits after.
        monotonic: Seconds.
    """

    def __init__(self, config: AttemptLimits, *, monotonic: Callable[[], float]) -> None:
        self._config = config
        self._monotonic = monotonic
        self._pairs: OrderedDict[Hashable, _Count] = OrderedDict()
        self._accounts: OrderedDict[Hashable, _Count] = OrderedDict()
        self._known: OrderedDict[Hashable, None] = OrderedDict()

    def check(self, account: str, address: str) -> None:
        """Let an attempt through, before the secret is looked at.

        Args:
            account: What the caller says who it is: an address of mail, a number, a user's id. Case does not matter.
            address: Where the request comes from.

        Raises:
            RefusalError: Too many were wrong; ``retry_after_seconds`` says when the next is looked at.
        """
        name = _name(account)
        pair = (name, address)
        blocked = [self._blocked_until(self._pairs, pair)]
        if pair not in self._known:
            blocked.append(self._blocked_until(self._accounts, name))
        wait = max(blocked) - self._monotonic()
        if wait > 0:
            raise too_many_requests(float(math.ceil(wait)))

    def failed(self, account: str, address: str) -> None:
        """Count a wrong secret."""
        config = self._config
        name = _name(account)
        self._count(self._pairs, (name, address), config.free_from_one_address, config.longest_wait_seconds)
        self._count(self._accounts, name, config.free_in_all, config.longest_wait_in_all_seconds)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the mistakes of this address, and know it from now on. Those of others stay counted."""
        pair = (_name(account), address)
        self._pairs.pop(pair, None)
        self._known.pop(pair, None)
        self._known[pair] = None
        _bound(self._known, self._config.remembered)

    def _blocked_until(self, counts: OrderedDict[Hashable, _Count], key: Hashable) -> float:
        count = counts.get(key)
        return -math.inf if count is None else count.blocked_until

    def _count(self, counts: OrderedDict[Hashable, _Count], key: Hashable, free: int | None, longest: float) -> None:
        if free is None:
            return
        now = self._monotonic()
        before = counts.pop(key, None)
        if before is None or now - before.last >= self._config.forgotten_after_seconds:
            before = _Count(0, now, now)
        failures = before.failures + 1
        doublings = min(failures - free - 1, _MOST_DOUBLINGS)
        wait = min(longest, 2.0**doublings) if failures > free else 0.0
        counts[key] = _Count(failures, now, now + wait)
        _bound(counts, self._config.remembered)


def _name(account: str) -> str:
    return account[:_LONGEST_ACCOUNT].strip().lower()


def _bound(kept: OrderedDict[Hashable, _Count] | OrderedDict[Hashable, None], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
