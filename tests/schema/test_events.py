"""Events: each has its kind; what a newer server sends is passed through."""

from __future__ import annotations

import msgspec
import pytest

from cadenza.errors import ProtocolError
from cadenza.schema.channels import CHANNELS, parse_channel
from cadenza.schema.envelope import Event
from cadenza.schema.events import EVENTS, INSTRUMENT_UPDATED, SUBSCRIPTION_UPDATED, TRADE_ORDER_UPDATED, decode_event
from cadenza.schema.instruments import Instrument
from cadenza.schema.orders import TradeOrder
from cadenza.schema.scalars import OrderStatus, Venue
from cadenza.schema.subscriptions import Subscription

WHEN = "2026-11-23T12:00:00.000Z"
ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def test_an_event_comes_out_as_it_went_in() -> None:
    order = TradeOrder(trade_order_id=ID, status=OrderStatus.FILLED, executed_price="50000.00")
    event = TRADE_ORDER_UPDATED.wrap(order, event_id=ID, timestamp=WHEN)
    wire = msgspec.json.encode(event)
    assert msgspec.json.decode(wire) == {
        "type": "orderUpdate",
        "event": "event.trade_order.updated",
        "eventId": ID,
        "timestamp": WHEN,
        "data": {"tradeOrderId": ID, "status": "FILLED", "executedPrice": "50000.00"},
    }
    assert decode_event(wire) == event


def test_a_list_of_entities_stays_a_list() -> None:
    instruments = (Instrument(venue=Venue.PAPER, symbol="BTC/USDT"), Instrument(venue=Venue.PAPER, symbol="ETH/USDT"))
    wire = msgspec.json.encode(INSTRUMENT_UPDATED.wrap(instruments, event_id=ID, timestamp=WHEN))
    assert decode_event(wire).data == instruments


def test_the_two_subscription_events_share_a_short_form_and_are_told_apart_by_name() -> None:
    one = Subscription(subscription_id=ID)
    several = msgspec.json.encode(SUBSCRIPTION_UPDATED.wrap((one,), event_id=ID, timestamp=WHEN))
    single = several.replace(b"event.subscription", b"event.trading_account.subscription").replace(b"[{", b"{")
    assert decode_event(several).data == (one,)
    assert decode_event(single.replace(b"}]", b"}")).data == one


def test_an_unknown_event_keeps_its_data_unopened() -> None:
    event = decode_event(
        b'{"type":"marginCall","event":"event.margin.called","eventId":"e","timestamp":"t","data":{"x":[1]}}'
    )
    assert event.event == "event.margin.called"
    assert isinstance(event.data, msgspec.Raw)
    assert bytes(event.data) == b'{"x":[1]}'


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b'{"type":"orderUpdate"}', "event"),
        (b'{"type":"t","event":"event.trade_order.updated","eventId":"e","timestamp":"t"}', "data"),
        (
            b'{"type":"t","event":"event.trade_order.updated","eventId":"e","timestamp":"t","data":{"status":"GONE"}}',
            "data.status",
        ),
        (b'{"type":"t","event":"event.else","timestamp":"t","data":1}', "eventId"),
    ],
)
def test_a_broken_envelope_names_the_field(payload: bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        decode_event(payload)


def test_every_event_has_a_channel_of_the_table_and_every_event_channel_has_events() -> None:
    patterns = {pattern.pattern: pattern for pattern in CHANNELS}
    for kind in EVENTS.values():
        assert (patterns[kind.channel].payload is Event) == kind.wrapped
    carrying = {kind.channel for kind in EVENTS.values() if kind.wrapped}
    assert {name for name, pattern in patterns.items() if pattern.payload is Event} == carrying
    assert all(parse_channel(pattern.example) is not None for pattern in CHANNELS)
