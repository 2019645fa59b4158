"""What is traded: ``query.instrument.list``.

Above: ``backend.router``. Below: ``selection``, schema.
"""

from cadenza.backend.ports import Caller
from cadenza.backend.services.selection import Instruments
from cadenza.errors import RpcError
from cadenza.schema.codes import Code
from cadenza.schema.instruments import Instrument, ListInstrumentsParams

__all__ = ["InstrumentService"]

#: Page sizes of the contract's REST twin, which states them.
_DEFAULT_LIMIT, _MOST = 50, 1000


class InstrumentService:
    """Serves the instrument methods."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    async def list(self, params: ListInstrumentsParams, caller: Caller) -> list[Instrument]:  # noqa: ARG002 - a service method's shape
        """Instruments that pass all filters, in the venues' order, from ``offset`` on, at most ``limit``."""
        limit = _DEFAULT_LIMIT if params.limit is None else params.limit
        offset = params.offset or 0
        if not 1 <= limit <= _MOST:
            raise RpcError(f"limit must be 1 to {_MOST}.", code=Code.INVALID_ARGUMENT, field="limit")
        if offset < 0:
            raise RpcError("offset must not be negative.", code=Code.INVALID_ARGUMENT, field="offset")
        found = [
            instrument
            for venue, symbol in self._instruments.select(venue=params.venue, symbols=params.symbols)
            if _passes(instrument := venue.instruments()[symbol], params)
        ]
        return found[offset : offset + limit]


def _passes(instrument: Instrument, params: ListInstrumentsParams) -> bool:
    return (params.security_type is None or instrument.base_security_type == params.security_type) and (
        params.instrument_status is None or instrument.status == params.instrument_status
    )
