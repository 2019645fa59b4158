"""What is traded on ``PAPER``, as data.

Above: ``paper``. Below: ``participants`` (tempers), ``scale``, schema. Prices are where each market begins.
"""

import msgspec

from cadenza.backend.venues.participants import Temper
from cadenza.backend.venues.scale import Scale
from cadenza.schema.instruments import Instrument
from cadenza.schema.scalars import InstrumentStatus, InstrumentType, SecurityType, Venue


class PaperInstrument(msgspec.Struct, frozen=True, kw_only=True):
    """One spot market.

    Attributes:
        base: The asset traded.
        quote: The asset it is paid in.
        price: One unit is one tick.
        quantity: One unit is one lot.
        start_ticks: The price it begins at.
        temper: How lively it is.
        day_lots: A usual day's volume in its made-up past.
    """

    base: str
    quote: str
    price: Scale
    quantity: Scale
    start_ticks: int
    temper: Temper
    day_lots: int

    @property
    def symbol(self) -> str:
        """``BASE/QUOTE``."""
        return f"{self.base}/{self.quote}"

    def contract(self) -> Instrument:
        """As the contract describes an instrument."""
        return Instrument(
            instrument_id=f"{Venue.PAPER}:{self.symbol}",
            venue=Venue.PAPER,
            symbol=self.symbol,
            external_symbol=f"{self.base}{self.quote}",
            description=f"Simulated {self.base} against {self.quote}",
            instrument_type=InstrumentType.SPOT,
            status=InstrumentStatus.ACTIVE,
            base_asset=self.base,
            quote_asset=self.quote,
            base_security_type=SecurityType.CRYPTO,
            quote_security_type=SecurityType.CRYPTO,
            base_precision=self.quantity.digits,
            quote_precision=self.price.digits,
            lot_size=self.quantity.text(1),
            pip_size=self.price.text(1),
            min_quantity=self.quantity.text(1),
        )


def _usdt(base: str, *, start: str, price_digits: int, lot_digits: int, size: str, swing: int) -> PaperInstrument:
    """A market against USDT; ``size`` is the upper end of an ordinary order, ``swing`` in ticks."""
    price, quantity = Scale(digits=price_digits), Scale(digits=lot_digits)
    lots = quantity.units(size)
    return PaperInstrument(
        base=base,
        quote="USDT",
        price=price,
        quantity=quantity,
        start_ticks=price.units(start),
        temper=Temper(typical_lots=lots, swing=swing),
        day_lots=lots * 250_000,
    )


PAPER_INSTRUMENTS: tuple[PaperInstrument, ...] = (
    _usdt("BTC", start="97250.0", price_digits=1, lot_digits=5, size="0.40000", swing=6),
    _usdt("ETH", start="3410.00", price_digits=2, lot_digits=4, size="6.0000", swing=4),
    _usdt("SOL", start="188.00", price_digits=2, lot_digits=2, size="90.00", swing=2),
    _usdt("XRP", start="1.9500", price_digits=4, lot_digits=1, size="9000.0", swing=2),
    _usdt("DOGE", start="0.38000", price_digits=5, lot_digits=0, size="40000", swing=3),
    _usdt("ADA", start="0.9200", price_digits=4, lot_digits=1, size="15000.0", swing=1),
)
