"""Methods: parameters and results come out as they went in; what does not read names its field."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.schema.strategies import integers, json_values, text, values_of

from cadenza.errors import ProtocolError
from cadenza.schema.envelope import ErrorBody, Pagination, Result
from cadenza.schema.market import GetOrderBookParams, Kline, OrderBook, Ticker
from cadenza.schema.method import Kind, Method, encode_error
from cadenza.schema.methods import (
    COMMAND_CREDENTIAL_CREATE,
    COMMAND_QUOTE_RFQ,
    COMMAND_SECURITY_DELETE,
    COMMAND_TRADE_ORDER_SUBMIT,
    METHODS,
    QUERY_KLINE_LIST,
    QUERY_ORDERBOOK_GET,
    QUERY_ORDERBOOK_LIST,
    QUERY_SYSTEM_INFO,
    QUERY_TICKER_LIST,
    QUERY_TRADE_ORDER_LIST,
)
from cadenza.schema.orders import SubmitTradeOrderParams, TradeOrder
from cadenza.schema.reading import UNREADABLE, misfit
from cadenza.schema.scalars import OrderSide, OrderType, QuantityRounding, Venue
from cadenza.schema.system import NoParams, SystemInfo

#: A method of each noun: parameters with nesting, enums, defaults, bounds, patterns, free-form members.
SAMPLED = [
    "query.system.info",
    "query.instrument.list",
    "query.orderbook.get",
    "query.kline.list",
    "command.ticker.save",
    "command.kline.save",
    "command.orderbook.save",
    "command.quote.rfq",
    "command.trading_account.connect",
    "command.credential.create",
    "command.trade_order.submit",
    "query.trade_order.list",
    "command.portfolio.save",
    "command.subscription.create",
    "command.fermata.wallet.transfer",
    "command.auth.signup",
    "command.auth.logout",
]


@pytest.mark.parametrize("name", SAMPLED)
@settings(max_examples=30)
@given(data=st.data())
def test_parameters_come_out_as_they_went_in(name: str, data: st.DataObject) -> None:
    method = METHODS[name]
    params = data.draw(values_of(method.params))
    assert method.decode_params(method.encode_params(params)) == params


@pytest.mark.parametrize(
    "name", ["query.ticker.list", "query.orderbook.list", "query.kline.list", "query.auth.user", "command.quote.rfq"]
)
@settings(max_examples=30)
@given(data=st.data())
def test_results_come_out_as_they_went_in(name: str, data: st.DataObject) -> None:
    method = METHODS[name]
    value = data.draw(values_of(method.data))
    assert method.decode_result(method.encode_result(value)) == Result(data=value)


@given(st.builds(ErrorBody, code=integers, message=text, temporary=st.none() | st.booleans(), field=st.none() | text))
def test_a_refusal_comes_out_as_it_went_in(error: ErrorBody) -> None:
    assert QUERY_TICKER_LIST.decode_result(encode_error(error)) == Result(error=error)


@given(
    st.builds(
        Pagination,
        offset=st.none() | integers,
        limit=st.none() | integers,
        total=st.none() | integers,
        cursor=st.none() | text,
        has_next=st.none() | st.booleans(),
    )
)
def test_a_page_comes_out_with_its_place_in_the_list(page: Pagination) -> None:
    wire = QUERY_TRADE_ORDER_LIST.encode_result([TradeOrder(venue="PAPER")], page)
    assert QUERY_TRADE_ORDER_LIST.decode_result(wire) == Result(data=[TradeOrder(venue="PAPER")], pagination=page)


@given(st.binary(max_size=200))
def test_garbage_raises_only_what_is_documented(payload: bytes) -> None:
    for name in SAMPLED:
        method = METHODS[name]
        with contextlib.suppress(*UNREADABLE):
            method.decode_params(payload)
        with contextlib.suppress(ProtocolError):
            method.decode_result(payload)


def _field_refused(method: Method[Any, Any], payload: bytes) -> str | None:
    try:
        method.decode_params(payload)
    except UNREADABLE as error:
        return misfit(error).field
    return None


@given(
    st.dictionaries(
        st.sampled_from(["venue", "symbols", "instrumentIds", "depth", "interval", "tradeOrder"]), json_values
    )
)
def test_any_json_is_read_or_refused_with_the_name_of_a_parameter(payload: dict[str, Any]) -> None:
    wire = msgspec.json.encode(payload)
    for method in (QUERY_ORDERBOOK_LIST, QUERY_KLINE_LIST, COMMAND_TRADE_ORDER_SUBMIT):
        field = _field_refused(method, wire)
        assert field is None or re.split(r"[.\[]", field)[0] in {*payload, "tradingAccountId", "tradeOrder"}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_reads_and_writes(name: str) -> None:
    method: Method[Any, Any] = METHODS[name]
    assert method.name == name
    assert method.kind is Kind(name.split(".", maxsplit=1)[0])
    assert method.summary.endswith(".")
    assert method.decode_result(b"{}") == Result()
    assert method.decode_result(b'{"error":{"code":22016,"message":"no"}}').error == ErrorBody(code=22016, message="no")
    optional_only = not any(field.required for field in msgspec.structs.fields(method.params))
    if optional_only:
        assert method.decode_params(b"") == method.params()
    else:
        with pytest.raises(msgspec.ValidationError, match="missing required field"):
            method.decode_params(b"")


def test_absent_parameters_read_as_none_given() -> None:
    assert QUERY_SYSTEM_INFO.decode_params(b"") == NoParams()
    assert QUERY_SYSTEM_INFO.decode_params(msgspec.Raw(b"")) == NoParams()
    assert QUERY_ORDERBOOK_GET.decode_params(b"{}") == GetOrderBookParams(depth=10)


def test_a_method_without_data_answers_an_envelope_without_data() -> None:
    """The contract's ``RpcDeleteSecuritiesResult`` has no ``data``, not one that is null."""
    assert COMMAND_SECURITY_DELETE.encode_result(None) == b"{}"
    assert COMMAND_SECURITY_DELETE.decode_result(COMMAND_SECURITY_DELETE.encode_result(None)) == Result()


def test_unknown_members_are_ignored_and_unset_ones_not_written() -> None:
    wire = b'{"name":"Cadenza","answers":42}'
    assert QUERY_SYSTEM_INFO.decode_result(b'{"data":%b,"trace":1}' % wire).data == SystemInfo(name="Cadenza")
    assert QUERY_SYSTEM_INFO.encode_result(SystemInfo(name="Cadenza")) == b'{"data":{"name":"Cadenza"}}'
    assert QUERY_ORDERBOOK_GET.encode_params(GetOrderBookParams()) == b"{}"


def test_what_the_contracts_own_client_sends_unset_is_read() -> None:
    submit = COMMAND_TRADE_ORDER_SUBMIT.decode_params(
        b'{"tradingAccountId":"a","awaitClosed":false,'
        b'"tradeOrder":{"quantityRounding":"","orderType":null,"timeInForce":null,"status":null,"orderSide":"BUY"}}'
    )
    assert submit == SubmitTradeOrderParams(trading_account_id="a", trade_order=TradeOrder(order_side=OrderSide.BUY))
    rfq = COMMAND_QUOTE_RFQ.decode_params(
        b'{"dealerAccountId":"d","orderSide":"BUY","ttl":10,"expireAt":"2026-01-01T00:00:00+00:00"}'
    )
    assert (rfq.ttl, rfq.expire_at) == (10, "2026-01-01T00:00:00+00:00")


def test_null_for_an_optional_parameter_reads_as_absent() -> None:
    assert QUERY_ORDERBOOK_LIST.decode_params(b'{"venue":null,"symbols":null,"depth":null}').depth == 10
    submit = COMMAND_TRADE_ORDER_SUBMIT.decode_params(
        b'{"tradingAccountId":"a","awaitClosed":null,"tradeOrder":{"quantityRounding":null,"orderType":"LIMIT"}}'
    )
    assert submit.await_closed is False
    assert submit.trade_order.quantity_rounding is QuantityRounding.NONE
    assert submit.trade_order.order_type is OrderType.LIMIT


def test_null_for_a_required_parameter_is_refused_unless_the_contract_allows_it() -> None:
    with pytest.raises(msgspec.ValidationError):
        COMMAND_TRADE_ORDER_SUBMIT.decode_params(b'{"tradingAccountId":null,"awaitClosed":null,"tradeOrder":{}}')
    created = COMMAND_CREDENTIAL_CREATE.decode_params(
        b'{"tradingAccountId":"a","venue":"PAPER","credentialType":null,"apiKey":null}'
    )
    assert created.credential_type is None
    with pytest.raises(msgspec.ValidationError, match="credentialType"):
        COMMAND_CREDENTIAL_CREATE.decode_params(b'{"tradingAccountId":"a","venue":"PAPER"}')


@pytest.mark.parametrize(
    ("method", "payload", "field"),
    [
        (QUERY_TICKER_LIST, b'{"venue":"NOWHERE"}', "venue"),
        (QUERY_TICKER_LIST, b'{"symbols":["BTC/USDT",7]}', "symbols[1]"),
        (QUERY_TICKER_LIST, b'{"symbols":"BTC/USDT"}', "symbols"),
        (QUERY_KLINE_LIST, b'{"interval":"1D"}', "interval"),
        (QUERY_ORDERBOOK_GET, b'{"depth":"10"}', "depth"),
        (QUERY_ORDERBOOK_GET, b'{"depth":1.5}', "depth"),
        (QUERY_ORDERBOOK_GET, b'{"depth":true}', "depth"),
        (QUERY_ORDERBOOK_GET, b'{"depth":1e999}', "depth"),
        (COMMAND_TRADE_ORDER_SUBMIT, b'{"tradeOrder":{}}', "tradingAccountId"),
        (COMMAND_TRADE_ORDER_SUBMIT, b'{"tradeOrder":{"orderSide":"HOLD"}}', "tradeOrder.orderSide"),
        (COMMAND_TRADE_ORDER_SUBMIT, b'{"tradeOrder":{"fees":[{},{"asset":1}]}}', "tradeOrder.fees[1].asset"),
        (COMMAND_QUOTE_RFQ, b'{"dealerAccountId":"d","orderSide":"BUY","ttl":301}', "ttl"),
        (COMMAND_QUOTE_RFQ, b'{"dealerAccountId":"d","orderSide":"BUY","quantity":"-1"}', "quantity"),
        (QUERY_TICKER_LIST, b"[]", ""),
        (QUERY_TICKER_LIST, b"null", ""),
        (QUERY_TICKER_LIST, b'{"venue":', ""),
        (QUERY_TICKER_LIST, b'{"venue":"\xff"}', ""),
        (QUERY_TICKER_LIST, b'{"x":' + b"[" * 9000 + b"]" * 9000 + b"}", ""),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(method: Method[Any, Any], payload: bytes, field: str) -> None:
    with pytest.raises(UNREADABLE) as caught:
        method.decode_params(payload)
    said = misfit(caught.value)
    assert (said.field, said.code) == (field, 22015)
    assert said.message.endswith(".")


def test_a_refusal_repeats_nothing_of_the_payload_but_the_unknown_enum_value_cut_short() -> None:
    secret = "hunter2hunter2"
    for payload in (
        b'{"email":"a@b.c","password":["%b"]}',
        b'{"email":"a@b.c","password":"%b","metadata":1}',
        b'{"email":"a@b.c","password":"%b"',
        b'{"email":"a@b.c","password":"%b\xff"}',
    ):
        with pytest.raises(UNREADABLE) as caught:
            METHODS["command.auth.signup"].decode_params(payload.replace(b"%b", secret.encode()))
        assert secret not in misfit(caught.value).message
    with pytest.raises(msgspec.ValidationError) as enum:
        QUERY_TICKER_LIST.decode_params(b'{"venue":"' + b"X" * 9000 + b'"}')
    assert len(misfit(enum.value).message) < 300
    assert misfit(enum.value).field == "venue"


def test_an_answer_that_does_not_fit_is_a_protocol_error_that_names_the_field_and_holds_no_payload() -> None:
    with pytest.raises(ProtocolError, match=r"data\[0\]\.venue") as caught:
        QUERY_TICKER_LIST.decode_result(b'{"data":[{"venue":7,"symbol":"BTC/USDT","timestamp":1}]}')
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_books_and_bars_keep_their_shape() -> None:
    book = (
        b'{"updateType":"SNAPSHOT","venue":"PAPER","symbol":"BTC/USDT","orderBookType":"L2",'
        b'"columns":["price","quantity"],"bids":[%b],"asks":[],"timestamp":1632933600000}'
    )
    read = msgspec.json.decode(book.replace(b"%b", b'["1","2"]'), type=OrderBook)
    assert read.bids == (("1", "2"),)
    assert read.venue is Venue.PAPER
    for row in (b'["1"]', b'["1","2","3","4","5"]', b'["1",2]', b'"1"', b"null"):
        with pytest.raises(msgspec.ValidationError, match=r"bids\[0\]"):
            msgspec.json.decode(book.replace(b"%b", row), type=OrderBook)
    kline = b'{"venue":"PAPER","symbol":"BTC/USDT","interval":"1M","candles":[%b],"isClosed":false,"timestamp":1}'
    candle = msgspec.json.decode(kline.replace(b"%b", b'[1,"1","2","0.5","1.5",null]'), type=Kline).candles[0]
    assert candle == (1, "1", "2", "0.5", "1.5", None)
    for bar in (b'[1,"1","2","0.5","1.5"]', b'[1,"1","2","0.5","1.5","9",0]', b'["1","1","2","0.5","1.5","9"]'):
        with pytest.raises(msgspec.ValidationError, match=r"candles\[0\]"):
            msgspec.json.decode(kline.replace(b"%b", bar), type=Kline)


@pytest.mark.parametrize("price", ["1e5", "+1", ".5", "1.", "", " 1", "1\n", "\u0661", "NaN", "1,5", "--1"])
def test_a_price_that_is_no_decimal_of_the_contract_is_refused(price: str) -> None:
    wire = msgspec.json.encode({"venue": "PAPER", "symbol": "BTC/USDT", "timestamp": 1, "lastPrice": price})
    with pytest.raises(msgspec.ValidationError, match="lastPrice"):
        msgspec.json.decode(wire, type=Ticker)
