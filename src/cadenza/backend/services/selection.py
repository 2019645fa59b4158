"""Which instruments a request means: the filters that several methods share.

Above: the market services. Below: ``ports``, schema. Filters add up; one that names an instrument nobody has is an
error that says which field, rather than an answer that silently lacks it.
"""

from collections.abc import Iterable, Sequence

from cadenza.backend.ports import MarketVenue
from cadenza.errors import RpcError
from cadenza.schema.codes import Code

__all__ = ["Instruments", "Listed"]

Listed = tuple[MarketVenue, str]


class Instruments:
    """Finds instruments on the venues.

    Args:
        venues: In the order they are listed in.
    """

    def __init__(self, venues: Sequence[MarketVenue]) -> None:
        self._venues = tuple(venues)

    @property
    def venues(self) -> tuple[MarketVenue, ...]:
        """The venues, in order."""
        return self._venues

    def get(self, instrument_id: str, *, field: str) -> Listed:
        """One instrument by its id, ``VENUE:BASE/QUOTE``.

        Raises:
            RpcError: 18017, naming ``field``.
        """
        name, _, symbol = instrument_id.partition(":")
        for venue in self._venues:
            if venue.name == name and symbol in venue.instruments():
                return venue, symbol
        raise _not_found(instrument_id, field)

    def select(
        self,
        *,
        instrument_ids: Sequence[str] | None = None,
        venue: str | None = None,
        symbols: Sequence[str] | None = None,
    ) -> list[Listed]:
        """What all given filters allow; with none, everything.

        Order: that of ``instrument_ids`` where given, else that of the venues. Each instrument once.

        Raises:
            RpcError: 18017: an id or symbol that no venue has.
        """
        if instrument_ids is None:
            listed = [(where, symbol) for where in self._venues for symbol in where.instruments()]
        else:
            listed = [self.get(instrument_id, field="instrumentIds") for instrument_id in dict.fromkeys(instrument_ids)]
        self._check_symbols(symbols or ())
        return [
            (where, symbol)
            for where, symbol in listed
            if (venue is None or where.name == venue) and (symbols is None or symbol in symbols)
        ]

    def _check_symbols(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            if not any(symbol in venue.instruments() for venue in self._venues):
                raise _not_found(symbol, "symbols")


def _not_found(what: str, field: str) -> RpcError:
    return RpcError(f"There is no instrument {what[:80]!r} here.", code=Code.SYMBOL_NOT_FOUND, field=field)
