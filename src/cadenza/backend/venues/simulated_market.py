"""One simulated instrument: participants trade on its book, and book, trades, ticker and bars follow from that.

Above: ``paper``. Below: ``published_book``, ``participants``, ``history``, ``bars``, ``events``. Nothing here waits or
reads a clock: the moment comes in with each step.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cadenza.backend.events import BarChanged, MarketEvent, TickerChanged, Traded
from cadenza.backend.venues.bars import Bar, BarSeries
from cadenza.backend.venues.book import Level
from cadenza.backend.venues.history import History
from cadenza.backend.venues.paper_instruments import PaperInstrument
from cadenza.backend.venues.participants import Fill, Participants
from cadenza.backend.venues.published_book import PublishedBook
from cadenza.backend.venues.randomness import stream
from cadenza.backend.venues.scale import Scale
from cadenza.schema.market import Kline, MarketTrade, OrderBookSnapshot, Ticker
from cadenza.schema.scalars import KlineInterval, OrderSide, Venue

_HOURS_A_DAY = 24
_BASIS_POINTS = 10_000
_PERCENT = Scale(digits=2)


class _Top(NamedTuple):
    """All that a ticker shows, besides the time."""

    last: Fill
    bids: list[Level]
    asks: list[Level]
    day_ago: int


class SimulatedMarket:
    """One instrument of ``PAPER``.

    Args:
        instrument: What is traded and how lively.
        seed: The venue's seed.
        run: This process's name, in ``seq`` and trade ids.
        start_ms: When live trading begins; its past ends there.
        bars_kept: Closed bars remembered per interval.
        bar_pause_ms: Least time between two publications of a forming bar.
    """

    def __init__(
        self, instrument: PaperInstrument, *, seed: int, run: str, start_ms: int, bars_kept: int, bar_pause_ms: int
    ) -> None:
        symbol, price = instrument.symbol, instrument.start_ticks
        self.instrument = instrument.contract()
        self._symbol = symbol
        self._price, self._quantity = instrument.price, instrument.quantity
        self._run = run
        self._book = PublishedBook(Venue.PAPER, symbol, price=instrument.price, quantity=instrument.quantity, run=run)
        rng = stream(seed, symbol, "flow")
        self._people = Participants(self._book.levels, fair=price, temper=instrument.temper, rng=rng)
        self._book.commit(start_ms)
        self._history = History(
            seed=seed, symbol=symbol, start_ms=start_ms, price=price, day_volume=instrument.day_lots
        )
        self._series = {
            interval: BarSeries(interval, self._history.bars(interval, 1)[0], keep=bars_kept)
            for interval in KlineInterval
        }
        self._bars_kept = bars_kept
        self._without_past = set(KlineInterval)
        self._bar_pause_ms = bar_pause_ms
        self._bars_public_ms = self._now_ms = start_ms
        self._next_close_ms = min(series.close_ms for series in self._series.values())
        self._trades = 0
        self._last = Fill(price, instrument.temper.typical_lots, taker_buys=True)
        self._hour_opens = deque(
            [bar.open for bar in self._history.bars(KlineInterval.HOUR_1, _HOURS_A_DAY + 1)], maxlen=_HOURS_A_DAY + 1
        )
        self._top = self._top_now()
        self._ticker = self._make_ticker(self._top)

    def step(self, now_ms: int) -> list[MarketEvent]:
        """Let the participants act once; returns what became public, in order."""
        self._now_ms = now_ms
        events: list[MarketEvent] = list(self._roll_bars())
        fills = self._people.act()
        if (change := self._book.commit(now_ms)) is not None:
            events.append(change)
        events.extend([self._trade(fill) for fill in fills])
        if (top := self._top_now()) != self._top:
            self._top, self._ticker = top, self._make_ticker(top)
            events.append(TickerChanged(ticker=self._ticker))
        if now_ms - self._bars_public_ms >= self._bar_pause_ms:
            events.extend(self._forming_bars())
        return events

    def order_book(self, depth: int | None = None) -> OrderBookSnapshot:
        """The book as it is now."""
        return self._book.snapshot(depth)

    def ticker(self) -> Ticker:
        """The ticker as last made public."""
        return self._ticker

    def klines(self, interval: KlineInterval, count: int) -> Kline:
        """The last ``count`` candles, oldest first, the last one forming."""
        return self._kline(interval, self._bars(interval, count), is_closed=False)

    def _trade(self, fill: Fill) -> Traded:
        self._last = fill
        self._trades += 1
        for series in self._series.values():
            series.trade(fill.price, fill.quantity)
        return Traded(
            trade=MarketTrade(
                venue=Venue.PAPER,
                symbol=self._symbol,
                instrument_id=f"{Venue.PAPER}:{self._symbol}",
                trade_id=f"{self._run}-{self._trades}",
                price=self._price.text(fill.price),
                quantity=self._quantity.text(fill.quantity),
                side=OrderSide.BUY if fill.taker_buys else OrderSide.SELL,
                timestamp=self._now_ms,
            )
        )

    def _roll_bars(self) -> Iterator[BarChanged]:
        """Close the bars whose time is over. Most steps close none."""
        if self._now_ms < self._next_close_ms:
            return
        for interval, series in self._series.items():
            if closed := series.roll(self._now_ms):
                yield BarChanged(kline=self._kline(interval, closed, is_closed=True))
                if interval is KlineInterval.HOUR_1:
                    self._hour_opens.extend(bar.open for bar in (*closed[1:], series.current))
        self._next_close_ms = min(series.close_ms for series in self._series.values())

    def _forming_bars(self) -> Iterator[BarChanged]:
        self._bars_public_ms = self._now_ms
        for interval, series in self._series.items():
            if series.dirty:
                series.dirty = False
                yield BarChanged(kline=self._kline(interval, [series.current], is_closed=False))

    def _bars(self, interval: KlineInterval, count: int) -> list[Bar]:
        """The made-up past is put before the live bars when an interval is first read."""
        series = self._series[interval]
        if interval in self._without_past:
            self._without_past.discard(interval)
            series.put_before(self._history.bars(interval, self._bars_kept + 1)[:-1])
        return series.last(count)

    def _kline(self, interval: KlineInterval, bars: Iterable[Bar], *, is_closed: bool) -> Kline:
        price, quantity = self._price.text, self._quantity.text
        return Kline(
            instrument_id=self.instrument.instrument_id,
            venue=Venue.PAPER,
            symbol=self._symbol,
            interval=interval,
            candles=tuple(
                (bar.open_ms, price(bar.open), price(bar.high), price(bar.low), price(bar.close), quantity(bar.volume))
                for bar in bars
            ),
            is_closed=is_closed,
            timestamp=self._now_ms,
        )

    def _top_now(self) -> _Top:
        levels = self._book.levels
        return _Top(self._last, levels.bids.levels(1), levels.asks.levels(1), self._hour_opens[0])

    def _make_ticker(self, top: _Top) -> Ticker:
        last, bids, asks, day_ago = top
        price, quantity = self._price.text, self._quantity.text
        return Ticker(
            instrument_id=self.instrument.instrument_id,
            venue=Venue.PAPER,
            symbol=self._symbol,
            last_price=price(last.price),
            last_quantity=quantity(last.quantity),
            bid_price=price(bids[0][0]) if bids else None,
            bid_quantity=quantity(bids[0][1]) if bids else None,
            ask_price=price(asks[0][0]) if asks else None,
            ask_quantity=quantity(asks[0][1]) if asks else None,
            price_change_percent=_PERCENT.text((last.price - day_ago) * _BASIS_POINTS // day_ago),
            timestamp=self._now_ms,
        )
