"""Typed calls: what is checked before sending, what is repeated, and what each refusal becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from cadenza.client.ports import MESSAGE_LIMIT_BYTES, Opened
from cadenza.client.rpc import Caller, encode_params, read_params
from cadenza.client.timing import Timing
from cadenza.errors import (
    CadenzaError,
    DeadlineExceededError,
    DisconnectedError,
    GatewayError,
    MessageTooBigError,
    ProtocolError,
    RateLimitedError,
    ValidationError,
)
from cadenza.schema import methods
from cadenza.schema.auth import LoginParams, SignupParams
from cadenza.schema.envelope import Pagination
from cadenza.schema.market import GetOrderBookParams, ListTickersParams
from cadenza.schema.orders import GetTradeOrderParams, SubmitTradeOrderParams, TradeOrder
from cadenza.schema.scalars import OrderStatus, QuantityRounding, Venue
from cadenza.schema.securities import DeleteSecuritiesParams
from cadenza.schema.system import NoParams, SystemInfo

if TYPE_CHECKING:
    from tests.client.conftest import FakeConnection


class Deaf:
    def dropped(self, cause: object) -> None: ...
    def failed(self, error: CadenzaError, retry_in_seconds: float | None) -> None: ...


class FakeLink:
    """A link that is always open."""

    def __init__(self, connection: FakeConnection) -> None:
        self.connection = connection
        self.renewals = 0
        self.can_renew = True
        self.waits: list[float] = []

    async def ready(self, deadline_seconds: float) -> Opened:
        self.waits.append(deadline_seconds)
        return Opened(client="c")

    async def renew(self) -> bool:
        self.renewals += 1
        return self.can_renew


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.step = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        self.now += self.step
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


@pytest.fixture
def link(fake_connection: type[FakeConnection]) -> FakeLink:
    return FakeLink(fake_connection(Deaf(), None))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def caller(clock: Clock) -> Caller:
    return Caller(Timing(monotonic=clock, sleep=clock.sleep, uniform=lambda _, most: most))


def lost(code: int = 3001) -> DisconnectedError:
    return DisconnectedError("The connection ended.", code=code, reason="", temporary=True)


async def test_an_answer_is_decoded_into_the_contracts_type(caller: Caller, link: FakeLink) -> None:
    link.connection.replies = [{"data": {"name": "Cadenza"}, "pagination": {"total": 3}}]
    page = await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
    assert page.data == SystemInfo(name="Cadenza")
    assert page.pagination == Pagination(total=3)
    assert link.connection.calls == [("query.system.info", {})]


async def test_params_go_in_wire_names_without_what_is_absent(caller: Caller, link: FakeLink) -> None:
    link.connection.replies = [{"data": []}]
    params = ListTickersParams(venue=Venue.PAPER, instrument_ids=("PAPER:BTC/USDT",))
    await caller.call(link, methods.QUERY_TICKER_LIST, params, 5)
    assert link.connection.calls == [("query.ticker.list", {"instrumentIds": ("PAPER:BTC/USDT",), "venue": "PAPER"})]


@pytest.mark.parametrize(
    "reply", [None, {}, {"data": None}, {"data": {"name": 5}}, [], "text", {"error": {"code": "x"}}]
)
async def test_an_answer_that_is_not_the_contracts_is_a_protocol_error(
    caller: Caller, link: FakeLink, reply: object
) -> None:
    link.connection.replies = [reply]
    with pytest.raises(ProtocolError):
        await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)


class TestParams:
    def test_a_value_outside_the_contract_names_its_field(self) -> None:
        with pytest.raises(ValidationError) as caught:
            encode_params(methods.QUERY_TICKER_LIST, ListTickersParams(symbols=("A/B", 5)))  # type: ignore[arg-type]
        assert caught.value.field == "symbols[1]"
        assert "nothing was sent" in str(caught.value)

    def test_a_short_password_is_named_and_not_shown(self) -> None:
        with pytest.raises(ValidationError) as caught:
            encode_params(methods.COMMAND_AUTH_SIGNUP, SignupParams(email="a@b.c", password="hunter2"))
        assert caught.value.field == "password"
        assert "hunter2" not in str(caught.value)

    def test_params_of_another_method_are_refused(self) -> None:
        with pytest.raises(ValidationError, match="takes NoParams"):
            encode_params(methods.QUERY_SYSTEM_INFO, GetOrderBookParams())  # type: ignore[misc]

    def test_a_mapping_is_read_by_wire_names(self) -> None:
        assert read_params(methods.QUERY_ORDERBOOK_GET, {"instrumentId": "X:Y/Z"}).instrument_id == "X:Y/Z"
        with pytest.raises(ValidationError) as caught:
            read_params(methods.COMMAND_AUTH_LOGIN, {"email": "a@b.c"})
        assert "password" in str(caught.value)


class TestRepeating:
    async def test_an_interrupted_query_is_repeated(self, caller: Caller, link: FakeLink) -> None:
        link.connection.replies = [lost(), lost(), {"data": {"name": "Cadenza"}}]
        assert (await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)).data.name == "Cadenza"

    async def test_an_interrupted_command_is_never_repeated(self, caller: Caller, link: FakeLink) -> None:
        link.connection.replies = [lost()]
        with pytest.raises(DisconnectedError):
            await caller.call(link, methods.COMMAND_AUTH_LOGIN, LoginParams(email="a@b.c", password="x"), 5)
        assert len(link.connection.calls) == 1

    async def test_a_query_is_repeated_only_within_its_deadline(
        self, caller: Caller, link: FakeLink, clock: Clock
    ) -> None:
        clock.step = 0.5
        link.connection.replies = [lost()] * 100
        with pytest.raises(DeadlineExceededError):
            await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
        assert len(link.connection.calls) < 10
        assert link.connection.deadlines == sorted(link.connection.deadlines, reverse=True)

    @pytest.mark.parametrize(
        "error",
        [GatewayError("token expired", code=109), GatewayError("Token expired", code=400)],
    )
    async def test_token_expired_refreshes_and_repeats_once(
        self, caller: Caller, link: FakeLink, error: GatewayError
    ) -> None:
        link.connection.replies = [error, {"data": {"name": "Cadenza"}}]
        await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
        assert link.renewals == 1
        link.connection.replies = [error, error]
        with pytest.raises(GatewayError):
            await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
        assert link.renewals == 2

    async def test_token_expired_without_a_newer_one_is_told(self, caller: Caller, link: FakeLink) -> None:
        link.can_renew = False
        link.connection.replies = [GatewayError("token expired", code=109)]
        with pytest.raises(GatewayError):
            await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)

    async def test_any_other_gateway_error_is_not_repeated(self, caller: Caller, link: FakeLink) -> None:
        link.connection.replies = [GatewayError("internal server error", code=100, temporary=True)]
        with pytest.raises(GatewayError):
            await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)


def too_many(retry_after: float | None, *, temporary: bool = True) -> dict[str, object]:
    error = {"code": 22020, "message": "Too many.", "temporary": temporary, "retryAfter": retry_after}
    return {"error": {name: value for name, value in error.items() if value is not None}}


ORDER = TradeOrder(venue="PAPER")
ACCOUNT = "00000000-0000-4000-8000-000000000001"
INFO = {"data": {"name": "Cadenza"}}


class TestTooMany:
    """Refused with 22020: nothing was done, and the answer says when the next call is free."""

    async def test_a_query_waits_as_long_as_it_was_told_and_is_repeated(
        self, caller: Caller, link: FakeLink, clock: Clock
    ) -> None:
        link.connection.replies = [too_many(1.5), INFO]
        assert (await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 10)).data.name == "Cadenza"
        [slept] = clock.slept
        assert 1.5 <= slept <= 3

    async def test_it_spreads_wider_each_time_but_never_past_its_deadline(
        self, caller: Caller, link: FakeLink, clock: Clock
    ) -> None:
        link.connection.replies = [too_many(0.1), too_many(0.1), too_many(0.1), INFO]
        await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 10)
        assert clock.slept == [0.2, 0.3, 0.5]
        clock.slept.clear()
        link.connection.replies = [too_many(4), INFO]
        await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
        assert clock.slept == [4.5]

    async def test_a_wait_beyond_the_deadline_is_told_at_once(
        self, caller: Caller, link: FakeLink, clock: Clock
    ) -> None:
        link.connection.replies = [too_many(5)]
        with pytest.raises(RateLimitedError) as refused:
            await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
        assert refused.value.retry_after_seconds == 5
        assert (refused.value.code, refused.value.temporary) == (22020, True)
        assert clock.slept == []

    async def test_a_backend_that_always_says_now_is_not_stormed(self, caller: Caller, link: FakeLink) -> None:
        link.connection.replies = [too_many(0)] * 1000
        with pytest.raises(RateLimitedError):
            await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
        assert len(link.connection.calls) < 20

    async def test_a_command_is_never_repeated_by_itself(self, caller: Caller, link: FakeLink, clock: Clock) -> None:
        link.connection.replies = [too_many(0.1)]
        with pytest.raises(RateLimitedError) as refused:
            await caller.call(link, methods.COMMAND_AUTH_LOGIN, LoginParams(email="a@b.c", password="x"), 5)
        assert refused.value.retry_after_seconds == 0.1
        link.connection.replies = [too_many(0.1)]
        with pytest.raises(RateLimitedError):
            await caller.call(
                link,
                methods.COMMAND_TRADE_ORDER_SUBMIT,
                SubmitTradeOrderParams(trade_order=ORDER, trading_account_id=ACCOUNT),
                5,
            )
        assert clock.slept == []
        assert len(link.connection.calls) == 2

    @pytest.mark.parametrize(
        "params",
        [
            SubmitTradeOrderParams(trade_order=ORDER, trading_account_id=ACCOUNT, idempotency_key="k"),
            SubmitTradeOrderParams(
                trade_order=TradeOrder(venue="PAPER", idempotency_key="k"), trading_account_id=ACCOUNT
            ),
            SubmitTradeOrderParams(
                trade_order=TradeOrder(venue="PAPER", client_order_id="k"), trading_account_id=ACCOUNT
            ),
        ],
        ids=["its own key", "the order's key", "the client's order id"],
    )
    async def test_a_command_with_an_idempotency_key_is(
        self, caller: Caller, link: FakeLink, clock: Clock, params: SubmitTradeOrderParams
    ) -> None:
        link.connection.replies = [too_many(0.1), {"data": {"venue": "PAPER"}}]
        await caller.call(link, methods.COMMAND_TRADE_ORDER_SUBMIT, params, 5)
        assert clock.slept == [0.2]
        assert link.connection.calls[0] == link.connection.calls[1]

    async def test_what_the_backend_calls_final_is_not_repeated(
        self, caller: Caller, link: FakeLink, clock: Clock
    ) -> None:
        link.connection.replies = [too_many(0.1, temporary=False)]
        with pytest.raises(RateLimitedError):
            await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
        assert clock.slept == []


class TestSize:
    """B5: what the gateway would close the connection over is not sent."""

    @pytest.mark.parametrize("character", ["x", "\u00e9", '"'])
    async def test_too_big_is_refused_before_sending(self, caller: Caller, link: FakeLink, character: str) -> None:
        params = LoginParams(email="a@b.c", password=character * 66_000)
        with pytest.raises(MessageTooBigError) as caught:
            await caller.call(link, methods.COMMAND_AUTH_LOGIN, params, 5)
        assert caught.value.limit_bytes == MESSAGE_LIMIT_BYTES
        assert link.connection.calls == []

    async def test_escapes_count_as_they_go_on_the_wire(self, caller: Caller, link: FakeLink) -> None:
        params = LoginParams(email="a@b.c", password="\u00e9" * 11_000)  # 22 kB in UTF-8, 66 kB escaped
        with pytest.raises(MessageTooBigError):
            await caller.call(link, methods.COMMAND_AUTH_LOGIN, params, 5)

    async def test_just_below_the_limit_is_sent(self, caller: Caller, link: FakeLink) -> None:
        link.connection.replies = [{"data": {"accessToken": "t"}}]
        params = LoginParams(email="a@b.c", password="x" * 65_000)
        await caller.call(link, methods.COMMAND_AUTH_LOGIN, params, 5)

    async def test_the_gateways_own_lower_limit_is_a_typed_error_and_not_repeated(
        self, caller: Caller, link: FakeLink
    ) -> None:
        link.connection.replies = [lost(1009)]
        with pytest.raises(MessageTooBigError):
            await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
        assert len(link.connection.calls) == 1


async def test_the_result_types_are_made_once(caller: Caller, link: FakeLink) -> None:
    link.connection.replies = [msgspec.to_builtins({"data": {"name": "x"}}) for _ in range(3)]
    for _ in range(3):
        await caller.call(link, methods.QUERY_SYSTEM_INFO, NoParams(), 5)
    assert list(caller._results) == ["query.system.info"]


async def test_a_method_without_data_answers_nothing(caller: Caller, link: FakeLink) -> None:
    link.connection.replies = [{}]
    page = await caller.call(link, methods.COMMAND_SECURITY_DELETE, DeleteSecuritiesParams(security_ids=()), 5)
    assert page.data is None


async def test_a_null_for_an_optional_field_of_an_answer_reads_as_absent(caller: Caller, link: FakeLink) -> None:
    link.connection.replies = [{"data": {"tradeOrderId": None, "quantityRounding": None, "status": "FILLED"}}]
    page = await caller.call(link, methods.QUERY_TRADE_ORDER_GET, GetTradeOrderParams(), 5)
    assert page.data.quantity_rounding == QuantityRounding.NONE
    assert page.data.status == OrderStatus.FILLED


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(ValidationError) as refused:
        read_params(methods.COMMAND_AUTH_LOGIN, {"email": "a@example.com"})
    assert refused.value.field == "password"
