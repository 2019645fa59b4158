"""`cadenza call` against a real stack: parameters, answers, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cadenza.schema.methods import QUERY_ORDERBOOK_GET, QUERY_TICKER_LIST


def test_the_data_is_printed_indented(trader: Any) -> None:
    ran = trader("call", "query.ticker.list", '{"venue": "PAPER", "symbols": ["BTC/USDT"]}')
    assert ran.code == 0, ran.err
    assert ran.out.startswith('[\n  {\n    "instrumentId": "PAPER:BTC/USDT"')
    assert ran.err == ""


def test_json_is_the_answer_on_one_line_as_the_contract_has_it(trader: Any) -> None:
    ran = trader("call", "query.ticker.list", '{"venue": "PAPER"}', "--json")
    assert ran.out.count("\n") == 1
    result = QUERY_TICKER_LIST.decode_result(ran.out.encode())
    assert result.error is None
    assert "PAPER:BTC/USDT" in {ticker.instrument_id for ticker in result.data or ()}


def test_parameters_come_from_stdin(trader: Any) -> None:
    ran = trader("call", "query.orderbook.get", "-", "--json", stdin='{"instrumentId": "PAPER:BTC/USDT", "depth": 3}\n')
    book = QUERY_ORDERBOOK_GET.decode_result(ran.out.encode()).data
    assert book is not None
    assert len(book.bids) == len(book.asks) == 3


def test_parameters_come_from_a_file(trader: Any, tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text('{"instrumentId": "PAPER:BTC/USDT", "depth": 2}')
    assert len(json.loads(trader("call", "query.orderbook.get", f"@{file}").out)["bids"]) == 2


def test_a_method_for_anyone_needs_no_session(somebody: Any) -> None:
    ran = somebody("call", "query.system.info", environ={"CADENZA_WS_URL": somebody.stack.ws_url})
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["name"] == "Cadenza"


def test_a_method_for_users_asks_to_sign_in(somebody: Any) -> None:
    ran = somebody("call", "query.ticker.list", environ={"CADENZA_WS_URL": somebody.stack.ws_url})
    assert ran.code == 3
    assert ran.err == "cadenza: Nobody is signed in. Sign in: cadenza login\n"


@pytest.mark.parametrize(
    ("method", "parameters", "named"),
    [
        ("query.orderbook.get", '{"instrumentId": 5}', "instrumentId"),
        ("query.orderbook.get", '{"instrumentId": "PAPER:BTC/USDT", "depth": 0}', "depth"),
        ("query.ticker.list", '{"venue": "NOWHERE"}', "venue"),
        ("query.ticker.list", '{"symbols": ["BTC/USDT", 7]}', "symbols[1]"),
        ("query.kline.list", '{"interval": "1h", "venue": "PAPER", "symbols": {}}', "symbols"),
    ],
)
def test_a_bad_parameter_ends_with_2_and_is_named(trader: Any, method: str, parameters: str, named: str) -> None:
    ran = trader("call", method, parameters)
    assert ran.code == 2
    assert ran.out == ""
    assert named in ran.err
    assert ran.err.count("\n") == 1
    described = json.loads(trader("call", method, parameters, "--json").err)
    assert described["exitCode"] == 2
    assert described["error"]["field"] == named
    assert described["error"]["code"] == 22015


def test_what_is_not_json_ends_with_2_before_anything_is_sent(trader: Any) -> None:
    ran = trader("call", "query.ticker.list", "{venue: PAPER}")
    assert ran.code == 2
    assert "not JSON" in ran.err


def test_an_unknown_method_ends_with_2_and_the_nearest_is_suggested(trader: Any) -> None:
    ran = trader("call", "query.tickers.list")
    assert ran.code == 2
    assert "Did you mean query.ticker.list" in ran.err


def test_a_method_that_is_not_served_yet_says_so(trader: Any) -> None:
    ran = trader("call", "query.portfolio.list", "--json")
    assert ran.code == 1
    assert json.loads(ran.err)["error"]["code"] == 18016


def test_an_instrument_that_is_not_there_is_a_failure_and_no_mistake_of_the_command_line(trader: Any) -> None:
    ran = trader("call", "query.orderbook.get", '{"instrumentId": "PAPER:NO/PE"}')
    assert ran.code == 1
    assert "instrumentId" in ran.err


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ('{"email": "a@example.com", "password": "hunter2"}', "password"),
        ('{"credential": {"secretKey": "hunter2"}}', "credential.secretKey"),
        ('{"credentials": [{"secretPassphrase": "hunter2"}]}', "credentials.0.secretPassphrase"),
    ],
)
def test_a_secret_among_arguments_is_refused_and_not_repeated(somebody: Any, parameters: str, field: str) -> None:
    ran = somebody("call", "command.auth.login", parameters)
    assert ran.code == 2
    assert f"{field}: " in ran.err
    assert "Pipe the JSON" in ran.err
    assert "hunter2" not in ran.err


def test_tokens_in_an_answer_are_not_shown(somebody: Any) -> None:
    given = json.dumps({"email": somebody.stack.email, "password": somebody.stack.password})
    ran = somebody(
        "call", "command.auth.login", "-", "--json", stdin=given, environ={"CADENZA_WS_URL": somebody.stack.ws_url}
    )
    assert ran.code == 0, ran.err
    session = json.loads(ran.out)["data"]
    assert session["accessToken"] == session["refreshToken"] == "(not shown)"
    assert session["user"]["email"] == somebody.stack.email
    assert "eyJ" not in ran.out


def test_an_unreachable_gateway_is_said_at_once_and_not_at_the_deadline(somebody: Any) -> None:
    # The deadline is longer than the test may take: what ends the command is the refused connection.
    ran = somebody(
        *("call", "query.system.info", "--timeout", "300"),
        environ={"CADENZA_WS_URL": "ws://127.0.0.1:9/connection/websocket"},
    )
    assert ran.code == 5
    assert "ws://127.0.0.1:9/connection/websocket cannot be reached: nothing listens there" in ran.err
    assert "cadenza up" in ran.err
    assert ran.err.count("\n") == 1


def test_no_answer_in_time_is_temporary(trader: Any) -> None:
    ran = trader("call", "query.system.info", "--timeout", "0.001")
    assert ran.code == 5
    assert "--timeout" in ran.err
