"""Channel names: to the letter or not at all; every pattern reads its own publications."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.errors import ProtocolError, ValidationError
from cadenza.schema.access import Access
from cadenza.schema.channels import (
    CHANNELS,
    INSTRUMENT,
    KLINE,
    ORDERBOOK,
    TICKER,
    TRADE,
    TRADING_ACCOUNT,
    VENUE_TICKER,
    ChannelPattern,
    format_channel,
    instrument_channel,
    kline_channel,
    orderbook_channel,
    parse_channel,
    ticker_channel,
    trade_channel,
    trading_account_channel,
)
from cadenza.schema.envelope import Event
from cadenza.schema.market import MarketTrade, OrderBook, Ticker
from cadenza.schema.scalars import KlineInterval, OrderBookType, OrderSide, UpdateType, Venue

ACCOUNT = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"

_assets = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,15}", fullmatch=True)
VALUES = {
    "accountId": st.uuids().map(str),
    "venue": st.sampled_from(Venue).map(str),
    "symbol": st.tuples(_assets, _assets).map("/".join),
    "interval": st.sampled_from(KlineInterval).map(str),
}


@st.composite
def channels(draw: st.DrawFn) -> tuple[ChannelPattern, dict[str, str]]:
    """A pattern and values for its parameters."""
    pattern = draw(st.sampled_from(CHANNELS))
    return pattern, {name: draw(VALUES[name]) for name in pattern.parameters}


@given(channels())
def test_a_name_that_was_formatted_parses_to_what_it_was_made_of(made: tuple[ChannelPattern, dict[str, str]]) -> None:
    pattern, params = made
    parsed = parse_channel(format_channel(pattern, **params))
    assert parsed is not None
    assert (parsed.pattern, parsed.params) == (pattern, params)
    assert (parsed.access, parsed.payload) == (pattern.access, pattern.payload)


@given(st.text())
def test_what_parses_is_formatted_the_same_again(name: str) -> None:
    parsed = parse_channel(name)
    assert parsed is None or format_channel(parsed.pattern, **parsed.params) == name


@given(channels(), st.data())
def test_a_name_with_one_character_more_or_less_is_another_name_or_none(
    made: tuple[ChannelPattern, dict[str, str]], data: st.DataObject
) -> None:
    name = format_channel(made[0], **made[1])
    at = data.draw(st.integers(0, len(name) - 1))
    for other in (name[:at] + name[at + 1 :], name[:at] + data.draw(st.characters()) + name[at:]):
        parsed = parse_channel(other)
        assert parsed is None or format_channel(parsed.pattern, **parsed.params) == other


@pytest.mark.parametrize(
    "name",
    [
        "market:orderBook:BINANCE:BTC/USDT",  # earlier generations of the contract
        "market:orderBook:PAPER:BTC/USDT",
        "market:OrderBook:PAPER:BTC/USDT",
        "Market:orderbook:PAPER:BTC/USDT",
        "MARKET:ORDERBOOK:PAPER:BTC/USDT",
        "market.orderBook",
        "trading:userData:" + ACCOUNT,
        "market:orderbook:paper:BTC/USDT",
        "market:orderbook:NOWHERE:BTC/USDT",
        "market:orderbook:PAPER:BTCUSDT",
        "market:orderbook:PAPER:BTC-USDT",
        "market:orderbook:PAPER:BTC/USDT/X",
        "market:orderbook:PAPER:BTC/",
        "market:orderbook:PAPER:",
        "market:orderbook:PAPER",
        "market:orderbook:PAPER:BTC/USDT ",
        " market:orderbook:PAPER:BTC/USDT",
        "market:orderbook:PAPER:BTC/USDT\n",
        "market:orderbook:PAPER:BTC/USD\u0422",  # a Cyrillic T
        "market:orderbook::BTC/USDT",
        "market:kline:PAPER:BTC/USDT",
        "market:kline:PAPER:BTC/USDT:7m",
        "market:kline:PAPER:BTC/USDT:1D",
        "market:ticker:*",
        "tradingAccount:acc-123",
        "tradingAccount:" + ACCOUNT.upper(),
        "tradingaccount:" + ACCOUNT,
        "$market:ticker:PAPER",
        "market:ticker:PAPER#user",
        "session:" + ACCOUNT,
        "market:orderbook:PAPER:" + "A" * 300 + "/B",
        "",
    ],
)
def test_any_other_spelling_is_no_channel(name: str) -> None:
    assert parse_channel(name) is None


def test_a_minute_and_a_month_are_two_channels() -> None:
    minute, month = (
        parse_channel(kline_channel(Venue.PAPER, "BTC/USDT", interval))
        for interval in (KlineInterval.MINUTE_1, KlineInterval.MONTH_1)
    )
    assert minute is not None
    assert month is not None
    assert minute.params["interval"] == "1m"
    assert month.params["interval"] == "1M"


def test_each_helper_writes_its_pattern() -> None:
    names = {
        trading_account_channel(ACCOUNT): TRADING_ACCOUNT,
        orderbook_channel("PAPER", "BTC/USDT"): ORDERBOOK,
        ticker_channel("PAPER", "BTC/USDT"): TICKER,
        ticker_channel("PAPER"): VENUE_TICKER,
        kline_channel("PAPER", "BTC/USDT", "1m"): KLINE,
        trade_channel("PAPER", "BTC/USDT"): TRADE,
        instrument_channel("PAPER"): INSTRUMENT,
    }
    assert set(names.values()) == set(CHANNELS)
    for name, pattern in names.items():
        assert pattern.match(name) is not None


@pytest.mark.parametrize("pattern", CHANNELS, ids=repr)
def test_each_example_is_of_its_own_pattern_alone(pattern: ChannelPattern) -> None:
    assert [other for other in CHANNELS if other.match(pattern.example) is not None] == [pattern]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"venue": "NOWHERE", "symbol": "BTC/USDT"}, "venue"),
        ({"venue": "PAPER", "symbol": "BTC"}, "symbol"),
        ({"venue": "PAPER"}, "symbol"),
        ({"venue": "PAPER", "symbol": "BTC/USDT", "interval": "1m"}, "interval"),
    ],
)
def test_a_name_is_not_written_from_wrong_parameters(params: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        format_channel(ORDERBOOK, **params)
    assert caught.value.field == field


def test_only_the_owner_joins_an_account_and_any_user_the_market() -> None:
    assert {pattern.access for pattern in CHANNELS if pattern is not TRADING_ACCOUNT} == {Access.USER}
    assert TRADING_ACCOUNT.access is Access.OWNER


BOOK = OrderBook(
    update_type=UpdateType.DIFF,
    venue=Venue.PAPER,
    symbol="BTC/USDT",
    order_book_type=OrderBookType.L2,
    columns=("price", "quantity"),
    bids=(("50000.00", "0"),),
    asks=(),
    timestamp=1632933600000,
)
TRADED = MarketTrade(
    venue=Venue.PAPER,
    symbol="BTC/USDT",
    instrument_id="PAPER:BTC/USDT",
    trade_id="r1-7",
    price="50000.00",
    quantity="0.5",
    side=OrderSide.BUY,
    timestamp=1632933600000,
)


def test_a_pattern_reads_its_own_publications() -> None:
    ticker = Ticker(venue=Venue.PAPER, symbol="BTC/USDT", timestamp=1632933600000)
    for pattern, payload in ((ORDERBOOK, BOOK), (TRADE, TRADED), (TICKER, ticker), (VENUE_TICKER, ticker)):
        assert pattern.decode(msgspec.json.encode(payload)) == payload


def test_an_event_channel_reads_the_event_that_its_envelope_names() -> None:
    payload = (
        b'{"type":"orderUpdate","event":"event.trade_order.updated","eventId":"e",'
        b'"timestamp":"2026-01-01T00:00:00Z","data":{"status":"FILLED"}}'
    )
    event = TRADING_ACCOUNT.decode(payload)
    assert isinstance(event, Event)
    assert type(event.data).__name__ == "TradeOrder"


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"null", b'{"venue":1}', b"\xff", b"[" * 5000])
@pytest.mark.parametrize("pattern", CHANNELS, ids=repr)
def test_what_is_no_publication_of_a_channel_raises_a_protocol_error(pattern: ChannelPattern, payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        pattern.decode(payload)
