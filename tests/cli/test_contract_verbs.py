"""`cadenza methods` and `cadenza channels`: the whole contract, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cadenza.schema.channels import CHANNELS, parse_channel
from cadenza.schema.methods import METHODS


def test_every_method_is_listed_with_who_may_call_it_and_what_it_takes(cadenza: Callable[..., Any]) -> None:
    ran = cadenza("methods")
    assert ran.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines()[1:]}
    assert rows.keys() == METHODS.keys()
    assert len(rows) >= 64
    assert rows["query.system.info"] == ["anonymous"]
    assert rows["query.orderbook.get"] == ["user", "[instrumentId],", "[depth]"]
    assert rows["command.trade_order.submit"][:3] == ["owner", "tradeOrder,", "tradingAccountId,"]


def test_json_gives_each_parameter_with_type_default_and_values(cadenza: Callable[..., Any]) -> None:
    (method,) = json.loads(cadenza("methods", "query.kline.list", "--json").out)
    assert method["kind"] == "query"
    assert method["access"] == "user"
    assert method["limit"] == "queries"
    parameters = {parameter["name"]: parameter for parameter in method["params"]}
    assert parameters["instrumentIds"] == {"name": "instrumentIds", "type": "instrument-id[]", "required": False}
    assert parameters["interval"]["type"] == "KlineInterval"
    assert {"1m", "1M"} <= set(parameters["interval"]["values"])
    (book,) = json.loads(cadenza("methods", "query.orderbook.get", "--json").out)
    assert {"name": "depth", "type": "integer", "required": False, "default": 10} in book["params"]


def test_json_of_all_methods_is_one_document(cadenza: Callable[..., Any]) -> None:
    assert {method["name"] for method in json.loads(cadenza("methods", "--json").out)} == set(METHODS)


def test_a_text_narrows_the_list(cadenza: Callable[..., Any]) -> None:
    names = [line.split()[0] for line in cadenza("methods", "ticker").out.splitlines()[1:]]
    assert names == [name for name in METHODS if "ticker" in name]


def test_a_whole_name_shows_each_parameter(cadenza: Callable[..., Any]) -> None:
    out = cadenza("methods", "query.orderbook.get").out
    assert "any signed-in user" in out
    assert "default 10" in out
    assert "counted with the caller's queries" in out
    assert "Takes no parameters." in cadenza("methods", "query.system.info").out


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("query.tickers.list", "query.ticker.list"),
        ("qurey.ticker.list", "query.ticker.list"),
        ("tiker", "query.ticker.list"),
        ("QUERY.TICKER.LIST", "query.ticker.list"),
        ("command.login", "command.auth.login"),
    ],
)
def test_a_name_that_is_nearly_right_is_suggested(cadenza: Callable[..., Any], given: str, meant: str) -> None:
    ran = cadenza("methods", given)
    assert ran.code == 2
    assert meant in ran.err
    assert ran.err.count("\n") == 1


def test_a_name_near_to_nothing_leads_to_the_list(cadenza: Callable[..., Any]) -> None:
    assert "cadenza methods lists them all" in cadenza("methods", "zzzz").err


def test_every_channel_pattern_is_listed_with_an_example_that_parses(cadenza: Callable[..., Any]) -> None:
    ran = cadenza("channels")
    assert ran.code == 0
    rows = [line.split() for line in ran.out.splitlines()[1:]]
    assert [row[0] for row in rows] == [channel.pattern for channel in CHANNELS]
    for pattern, access, carries, example in rows:
        parsed = parse_channel(example)
        assert parsed is not None
        assert parsed.pattern.pattern == pattern
        assert access in {"owner", "user"}
        assert carries[0].isupper()


def test_channels_as_json(cadenza: Callable[..., Any]) -> None:
    described = json.loads(cadenza("channels", "--json").out)
    assert {
        "pattern": "market:ticker:{venue}",
        "access": "user",
        "payload": "Ticker",
        "example": "market:ticker:PAPER",
    } in described
