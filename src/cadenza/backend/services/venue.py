"""The venues served here: ``query.venue.list``.

Above: ``backend.router``. Below: ``selection``, schema.
"""

from cadenza.backend.ports import Caller
from cadenza.backend.services.selection import Instruments
from cadenza.schema.scalars import Venue
from cadenza.schema.system import NoParams

__all__ = ["VenueService"]


class VenueService:
    """Serves the venue methods."""

    def __init__(self, instruments: Instruments) -> None:
        self._names = [venue.name for venue in instruments.venues]

    async def list(self, params: NoParams, caller: Caller) -> list[Venue]:  # noqa: ARG002 - a service method's shape
        """Which venues there are."""
        return self._names
