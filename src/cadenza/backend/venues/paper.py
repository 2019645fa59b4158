"""``PAPER``: the simulated venue that is always there. All its markets in one task, each stepped in its turn.

Above: ``backend.service``, through ``ports.Venue``. Below: ``simulated_market``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from cadenza.backend.config import PaperConfig
from cadenza.backend.events import MarketEvent
from cadenza.backend.venues.paper_instruments import PAPER_INSTRUMENTS, PaperInstrument
from cadenza.backend.venues.simulated_market import SimulatedMarket
from cadenza.errors import ConfigurationError
from cadenza.schema.instruments import Instrument
from cadenza.schema.market import Kline, OrderBookSnapshot, Ticker
from cadenza.schema.scalars import KlineInterval, Venue

_logger = logging.getLogger("cadenza.backend")

#: A market that fell further behind than this (a laptop asleep, a busy loop) goes on from now instead of catching up.
_MOST_BEHIND_SECONDS = 0.05


def chosen(instruments: Sequence[PaperInstrument], symbols: Sequence[str]) -> list[PaperInstrument]:
    """The instruments with these symbols; all of them when no symbol is given.

    Raises:
        ConfigurationError: A symbol that none of them has.
    """
    known = {instrument.symbol: instrument for instrument in instruments}
    for symbol in symbols:
        if symbol not in known:
            raise ConfigurationError(f"PAPER has no {symbol!r}; it has {', '.join(known)}.", setting="symbols")
    return [known[symbol] for symbol in symbols or known]


class PaperVenue:
    """The simulated venue.

    Args:
        config: Seed and rates.
        clock: Seconds since the epoch; dates what happens.
        monotonic: Seconds that only grow; paces it.
        run: This process's name, in ``seq`` and trade ids.
        instruments: What is traded.
        sleep: Waits for the next step.
    """

    def __init__(
        self,
        config: PaperConfig,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        run: str,
        instruments: Sequence[PaperInstrument] = PAPER_INSTRUMENTS,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        now_ms = self._now_ms()
        self._markets = {
            instrument.symbol: SimulatedMarket(
                instrument,
                seed=config.seed,
                run=run,
                start_ms=now_ms,
                bars_kept=config.bars_kept,
                bar_pause_ms=int(1000 / config.bar_updates_per_second),
            )
            for instrument in chosen(instruments, config.symbols)
        }
        self._instruments = {symbol: market.instrument for symbol, market in self._markets.items()}
        steps_per_second = config.book_updates_per_second * len(self._markets)
        self._period_seconds = 1 / steps_per_second if steps_per_second else None
        self._sinks: list[Callable[[MarketEvent], None]] = []
        self._going = asyncio.Event()
        self._going.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> Venue:
        """Which venue this is."""
        return Venue.PAPER

    @property
    def running(self) -> bool:
        """Whether it is started and has not failed; a paused venue runs."""
        return self._task is not None and not self._task.done()

    def instruments(self) -> Mapping[str, Instrument]:
        """What is traded here, by symbol."""
        return self._instruments

    async def order_book(self, symbol: str, depth: int | None = None) -> OrderBookSnapshot:
        """The book as it is at one ``seq``. Never waits."""
        return self._markets[symbol].order_book(depth)

    async def ticker(self, symbol: str) -> Ticker:
        """Last trade and best prices. Never waits."""
        return self._markets[symbol].ticker()

    async def klines(self, symbol: str, interval: KlineInterval, count: int) -> Kline:
        """The last ``count`` candles. Never waits."""
        return self._markets[symbol].klines(interval, count)

    def listen(self, sink: Callable[[MarketEvent], None]) -> None:
        """Give each event, in order, to ``sink``."""
        self._sinks.append(sink)

    def step(self, symbol: str | None = None) -> None:
        """Let one market, or each of them, act once, now."""
        markets = self._markets.values() if symbol is None else (self._markets[symbol],)
        now_ms = self._now_ms()
        for market in markets:
            for event in market.step(now_ms):
                for sink in self._sinks:
                    sink(event)

    def pause(self) -> None:
        """Stop acting until ``resume``; everything can still be asked for."""
        self._going.clear()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    async def start(self) -> None:
        """Begin to act by itself."""
        if self._task is None:
            self._task = asyncio.create_task(self._act_for_ever(), name="cadenza-paper-venue")

    async def stop(self) -> None:
        """Stop; no task is left."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _act_for_ever(self) -> None:
        try:
            await self._act()
        except Exception:
            _logger.exception("the PAPER venue has failed and stands still")

    async def _act(self) -> None:
        """Step the markets in turn, evenly spread over time, some at once when the loop was late."""
        period = self._period_seconds
        if period is None:
            await asyncio.Event().wait()
            return
        symbols = list(self._markets)
        turn, due = 0, self._monotonic()
        while True:
            await self._going.wait()
            await self._sleep(max(0.0, due - self._monotonic()))
            now = self._monotonic()
            due = max(due, now - _MOST_BEHIND_SECONDS)
            while due <= now and self._going.is_set():
                self.step(symbols[turn])
                turn = (turn + 1) % len(symbols)
                due += period

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
