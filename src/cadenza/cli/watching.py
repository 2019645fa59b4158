"""Follows one channel with the SDK's typed readers and hands each item to a view.

Above: ``cli.watch``. Below: ``cli.session``, ``cli.views``, the SDK.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from cadenza.cli.session import Api, open_api
from cadenza.cli.suggest import did_you_mean
from cadenza.cli.views import View, view_for
from cadenza.client import Client, Watch
from cadenza.client.subscriptions import BookWatch, GapHandler
from cadenza.errors import CadenzaError, DeadlineExceededError, UsageError, ValidationError
from cadenza.schema import channels
from cadenza.schema.channels import ParsedChannel, parse_channel
from cadenza.schema.envelope import Event
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker
from cadenza.schema.scalars import KlineInterval, Venue

__all__ = ["Wish", "follow"]

_DEPTH = 10

_Reader = Watch[OrderBook] | Watch[Ticker] | Watch[Kline] | Watch[MarketTrade]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants to watch.

    Attributes:
        channel: The channel's name.
        count: Stop after so many items.
        seconds: Stop after so long.
        depth: Levels a side of a book.
        lines: A line each, even where a picture could be drawn.
        timeout: How long to wait for the gateway's acknowledgement.
        profile: Whose session; None for the current one.
    """

    channel: str
    count: int | None
    seconds: float | None
    depth: int | None
    lines: bool
    timeout: float
    profile: str | None = None


async def follow(wish: Wish, *, as_json: bool) -> None:
    """Show what comes until the wish is fulfilled.

    Raises:
        ValidationError: There is no such channel.
        DeadlineExceededError: Fewer than the wished number came in the wished time.
        CadenzaError: What the SDK raises; the subscription has ended.
    """
    parsed = _parsed(wish.channel)
    if wish.depth is not None and parsed.pattern is not channels.ORDERBOOK:
        raise ValidationError("Only an order book has a depth.", field="--depth", next_step="Leave out --depth.")
    async with open_api(as_json=as_json, profile=wish.profile, timeout=wish.timeout) as api:
        view = view_for(parsed, as_json=as_json, lines=wish.lines)
        reader = _reader(api.client, parsed, wish.depth or _DEPTH, view.missed)
        await api.do(reader.__aenter__())
        try:
            api.teller = view.teller
            async with view.running():
                if view.wants_history and parsed.pattern is channels.KLINE:
                    await _show_bars_so_far(api, parsed, view)
                seen = await _show(reader, view, wish)
        finally:
            await reader.__aexit__(None, None, None)
    if wish.count is not None and seen < wish.count:
        raise DeadlineExceededError(
            f"{seen} of {wish.count} came within {wish.seconds} s.", next_step="Allow more time with --for."
        )


async def _show_bars_so_far(api: Api, parsed: ParsedChannel, view: View) -> None:
    """Begin with the bars there are: one that has just begun to form says little alone."""
    interval, instrument = KlineInterval(parsed.params["interval"]), _instrument(parsed)
    with contextlib.suppress(CadenzaError):  # a picture without a past is one all the same
        for kline in await api.client.market.klines.list(interval=interval, instrument_ids=[instrument]):
            view.show(kline)


async def _show(reader: _Reader, view: View, wish: Wish) -> int:
    """Show items until the wished number or the wished time; return how many there were."""
    seen = 0
    limit = asyncio.timeout(wish.seconds)
    try:
        async with limit:
            async for item in reader:
                view.show(item, sequence=reader.sequence if isinstance(reader, BookWatch) else "")
                seen += 1
                if seen == wish.count:
                    break
    except TimeoutError:
        if not limit.expired():
            raise
    return seen


def _parsed(name: str) -> ParsedChannel:
    parsed = parse_channel(name)
    if parsed is None:
        examples = [pattern.example for pattern in channels.CHANNELS]
        raise ValidationError(
            f"There is no channel {name!r}.",
            next_step=did_you_mean(name, examples, otherwise="cadenza channels lists the patterns."),
        )
    if parsed.payload is Event:
        raise UsageError(
            f"Channels of the form {parsed.pattern.pattern} cannot be watched yet.",
            next_step="Watch a market channel: cadenza channels",
        )
    return parsed


def _instrument(parsed: ParsedChannel) -> str:
    return f"{parsed.params.get('venue')}:{parsed.params.get('symbol')}"


def _reader(client: Client, parsed: ParsedChannel, depth: int, on_gap: GapHandler) -> _Reader:
    """The SDK's reader for a channel."""
    market = client.market
    values = parsed.params
    instrument = _instrument(parsed)
    if parsed.pattern is channels.ORDERBOOK:
        return market.order_books.watch(instrument, depth=depth, on_gap=on_gap)
    if parsed.pattern is channels.TICKER:
        return market.tickers.watch(instrument, on_gap=on_gap)
    if parsed.pattern is channels.VENUE_TICKER:
        return market.tickers.watch_venue(Venue(values["venue"]), on_gap=on_gap)
    if parsed.pattern is channels.KLINE:
        return market.klines.watch(instrument, KlineInterval(values["interval"]), on_gap=on_gap)
    return market.trades.watch(instrument, on_gap=on_gap)
