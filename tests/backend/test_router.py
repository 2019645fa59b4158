"""Whatever name and bytes arrive, the answer is an envelope of the contract, and nothing leaks."""

import json
import logging
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend import AccessConfig, Pace, RateLimits
from cadenza.backend.access import Gate
from cadenza.backend.ports import Caller
from cadenza.backend.rates import Limits, MemoryCounts
from cadenza.backend.router import Router
from cadenza.errors import RpcError
from cadenza.schema import methods
from cadenza.schema.access import Access
from cadenza.schema.auth import LoginParams, SignupParams
from cadenza.schema.codes import Code
from cadenza.schema.envelope import Result
from cadenza.schema.market import ListTickersParams, SaveTickersParams, Ticker
from cadenza.schema.methods import Method
from cadenza.schema.system import NoParams, SystemInfo

USER = Caller(user="ann", meta=b'{"session_id":"s1","role":"authenticated"}')
ROBOT = Caller(user="robot", meta=b'{"session_id":"s2","role":"service"}')
PING = Method("query.system.info", NoParams, SystemInfo, access=Access.ANONYMOUS)
LIST = Method("query.ticker.list", ListTickersParams, list[Ticker])
SAVE = Method("command.ticker.save", SaveTickersParams, list[Ticker], access=Access.SERVICE)
LOGIN = Method("command.auth.login", LoginParams, str, access=Access.ANONYMOUS)
SIGNUP = Method("command.auth.signup", SignupParams, str, access=Access.ANONYMOUS)
UNSERVED = Method("query.portfolio.list", NoParams, str)
UNSERVED_SAVE = Method("command.portfolio.save", NoParams, str, access=Access.SERVICE)
CONTRACT: dict[str, Method[Any, Any]] = {
    method.name: method for method in (PING, LIST, SAVE, LOGIN, SIGNUP, UNSERVED, UNSERVED_SAVE)
}
SERVED = CONTRACT.keys() - {UNSERVED.name, UNSERVED_SAVE.name}
GATE = Gate(AccessConfig())
NO_LIMITS = Limits(RateLimits.off(), MemoryCounts(monotonic=float))


class Service:
    """Answers, or does what it is told to do instead."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.raises: BaseException | None = None

    async def __call__(self, params: Any, caller: Caller) -> Any:
        self.seen.append((params, caller))
        if self.raises is not None:
            raise self.raises
        return []


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def router(service: Service) -> Router:
    router = Router(CONTRACT, GATE, NO_LIMITS, new_request_id=lambda: "request-7")
    for name in SERVED:
        router.add(CONTRACT[name], service)
    return router


async def call(router: Router, name: str, payload: bytes = b"{}", caller: Caller = USER) -> Any:
    answer = json.loads(await router.call(name, payload, caller))
    msgspec.convert(answer, Result[Any])
    return answer


async def code_of(router: Router, name: str, payload: bytes = b"{}", caller: Caller = USER) -> int:
    answer = await call(router, name, payload, caller)
    assert "data" not in answer
    return int(answer["error"]["code"])


async def test_a_served_method_answers_with_data_and_sees_typed_params_and_the_caller(
    router: Router, service: Service
) -> None:
    assert await call(router, "query.ticker.list", b'{"symbols":["BTC/USDT"]}') == {"data": []}
    assert service.seen == [(ListTickersParams(symbols=("BTC/USDT",)), USER)]


@pytest.mark.parametrize("payload", [b"", b"null", b"{}"], ids=["absent", "null", "empty"])
async def test_absent_params_are_an_empty_object(router: Router, payload: bytes) -> None:
    assert await call(router, "query.ticker.list", payload) == {"data": []}
    assert await code_of(router, "command.auth.login", payload) == 22015


@pytest.mark.parametrize(
    "name", ["", "query", "query.nope", "Query.Ticker.List", "query.ticker.list ", "event.x", "é" * 300]
)
async def test_an_unknown_method_is_19003(router: Router, name: str) -> None:
    for caller in (USER, Caller()):
        assert await code_of(router, name, caller=caller) == 19003


async def test_a_method_of_the_contract_that_is_not_served_is_18016(router: Router) -> None:
    answer = await call(router, "query.portfolio.list")
    assert answer["error"] == {"code": 18016, "message": "query.portfolio.list is not served yet.", "temporary": False}


async def test_an_anonymous_caller_is_told_to_sign_in_before_anything_else(router: Router, service: Service) -> None:
    for name in ("query.ticker.list", "command.ticker.save", "query.portfolio.list"):
        assert await code_of(router, name, b"not even json", Caller()) == 26001
    assert service.seen == []
    assert await call(router, "query.system.info", caller=Caller()) == {"data": []}


async def test_a_service_method_is_denied_to_users_before_params_are_read(router: Router) -> None:
    assert await code_of(router, "command.ticker.save", b"not json") == 26005
    assert await call(router, "command.ticker.save", b'{"tickers":[]}', ROBOT) == {"data": []}


async def test_the_rules_hold_for_what_is_not_served_too(router: Router) -> None:
    assert await code_of(router, "command.portfolio.save") == 26005
    assert await code_of(router, "command.portfolio.save", caller=ROBOT) == 18016


@pytest.mark.parametrize(
    ("name", "payload", "field"),
    [
        ("query.ticker.list", b'{"symbols":5}', "symbols"),
        ("query.ticker.list", b'{"symbols":["a",5]}', "symbols[1]"),
        ("query.ticker.list", b'{"venue":"MARS"}', "venue"),
        ("query.ticker.list", b'{"venue":"MARS` - at `$.symbols`"}', "venue"),
        ("query.ticker.list", b'{"instrumentIds":[null]}', "instrumentIds[0]"),
        ("command.auth.login", b'{"email":"a@b.c"}', "password"),
        ("command.auth.login", b'{"email":1,"password":"p"}', "email"),
        ("command.auth.signup", b'{"email":"a@b.c","password":"short"}', "password"),
        ("command.ticker.save", b'{"tickers":[{"venue":"PAPER","symbol":"A/B"}]}', "tickers[0].timestamp"),
        (
            "command.ticker.save",
            b'{"tickers":[{"venue":"PAPER","symbol":"A/B","timestamp":1,"lastPrice":"1e5"}]}',
            "tickers[0].lastPrice",
        ),
    ],
)
async def test_params_that_do_not_fit_are_22015_with_their_path_in_wire_names(
    router: Router, service: Service, name: str, payload: bytes, field: str
) -> None:
    answer = await call(router, name, payload, ROBOT)
    assert answer["error"]["code"] == 22015
    assert answer["error"]["field"] == field
    assert "- at `$.venue" not in answer["error"]["message"]
    assert service.seen == []


@pytest.mark.parametrize(
    "payload",
    [b"[]", b"5", b'"x"', b"{", b"\xff", b'{"symbols":["\xff"]}', b"[" * 100_000, b'{"symbols":' + b"[" * 100_000],
    ids=["array", "number", "text", "cut", "bytes", "not utf-8", "deep", "deep inside"],
)
async def test_params_that_are_no_object_are_22015(router: Router, service: Service, payload: bytes) -> None:
    answer = await call(router, "query.ticker.list", payload)
    assert answer["error"]["code"] == 22015
    assert len(answer["error"]["message"]) < 250
    assert service.seen == []


@given(payload=st.binary(max_size=80), name=st.sampled_from(sorted(CONTRACT)) | st.text(max_size=30))
async def test_no_bytes_and_no_name_can_make_it_raise(payload: bytes, name: str) -> None:
    router = Router(CONTRACT, GATE, NO_LIMITS, new_request_id=lambda: "r")
    router.add(LIST, Service())
    msgspec.json.decode(await router.call(name, payload, USER), type=Result[Any])


async def test_a_services_refusal_keeps_its_code_field_and_wait(router: Router, service: Service) -> None:
    service.raises = RpcError("Wait.", code=Code.TOO_MANY_ATTEMPTS, field="email", retry_after_seconds=1.00001)
    assert await call(router, "query.ticker.list") == {
        "error": {"code": 26008, "message": "Wait.", "temporary": True, "field": "email", "retryAfter": 1.001}
    }


async def test_too_many_calls_are_22020_before_anything_else_is_looked_at(service: Service) -> None:
    limits = Limits(RateLimits(changed={"queries": Pace(per_second=3, burst=2)}), MemoryCounts(monotonic=float))
    router = Router(CONTRACT, GATE, limits, new_request_id=lambda: "r")
    router.add(LIST, service)
    assert await call(router, "query.ticker.list") == {"data": []}
    assert await code_of(router, "query.nope") == 19003
    for name, payload in ((LIST.name, b"{}"), (LIST.name, b"not json"), (UNSERVED.name, b""), ("query.nope", b"")):
        assert (await call(router, name, payload))["error"] == {
            "code": 22020,
            "message": "Too many calls in a short time, of queries.",
            "temporary": True,
            "retryAfter": 0.334,
        }
    assert len(service.seen) == 1
    assert await code_of(router, LIST.name, caller=Caller()) == 26001  # somebody else, counted by themselves


async def test_an_unforeseen_failure_is_22000_with_an_id_and_one_log_entry(
    router: Router, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.raises = RuntimeError("the database said: password=hunter2")
    with caplog.at_level(logging.DEBUG, logger="cadenza"):
        answer = await call(router, "command.auth.login", b'{"email":"a@b.c","password":"my-very-own-secret"}')
    assert answer["error"]["code"] == 22000
    assert "request-7" in answer["error"]["message"]
    assert "hunter2" not in json.dumps(answer)
    [record] = caplog.records
    assert record.getMessage() == "command.auth.login failed, request request-7"
    assert record.exc_info is not None
    assert "my-very-own-secret" not in caplog.text


async def test_cancellation_passes_through(router: Router, service: Service) -> None:
    service.raises = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        await router.call("query.ticker.list", b"{}", USER)


def test_a_method_is_registered_once_and_only_if_the_contract_has_it(router: Router, service: Service) -> None:
    with pytest.raises(ValueError, match="served twice"):
        router.add(LIST, service)
    with pytest.raises(ValueError, match="not in the contract"):
        router.add(Method("query.own.invention", NoParams, str), service)
    with pytest.raises(ValueError, match="not in the contract"):
        router.add(Method("query.portfolio.list", NoParams, str), service)
    assert router.served == SERVED


def test_a_call_that_never_waits_is_done_in_one_step(router: Router) -> None:
    """The gateway steps a call eagerly; only one that suspends becomes a task."""
    coroutine = router.call("query.ticker.list", b"{}", USER)
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)
    assert done.value.value == b'{"data":[]}'


def test_the_contract_is_routed_whole(backend: Any) -> None:
    assert backend.router.served <= methods.METHODS.keys()
