"""The adapter of centrifuge-python against the real gateway: what each event becomes on our port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
import pytest

from cadenza.client._centrifuge import CentrifugeConnection
from cadenza.client.ports import LOST, TOO_BIG, Cause, ConnectFailedError, Plane, Subscribed
from cadenza.errors import (
    CadenzaError,
    ConfigurationError,
    DeadlineExceededError,
    DisconnectedError,
    GatewayError,
    ProtocolError,
    SignInRequiredError,
    SubscriptionError,
    TransportError,
)
from cadenza.protocol.codes import Termination
from cadenza.protocol.proxy import Disconnect, Error, RpcRequest, RpcResponse, RpcResult, SubscribeResponse
from cadenza.tokens.signer import SigningKey

if TYPE_CHECKING:
    from tests.client.wire.conftest import World

Say = Callable[[object], RpcResponse]


class Heard:
    """Writes down what the connection tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.drops: asyncio.Queue[Cause] = asyncio.Queue()
        self.failures: asyncio.Queue[tuple[CadenzaError, float | None]] = asyncio.Queue()

    def dropped(self, cause: Cause) -> None:
        self.drops.put_nowait(cause)

    def failed(self, error: CadenzaError, retry_in_seconds: float | None) -> None:
        self.failures.put_nowait((error, retry_in_seconds))


class Sink:
    """Takes a channel's messages; raises when a test wants it to."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Subscribed] = asyncio.Queue()
        self.publications: asyncio.Queue[tuple[object, int, Mapping[str, str]]] = asyncio.Queue()
        self.ends: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.poison: object = None

    def subscribed(self, answer: Subscribed) -> None:
        self.answers.put_nowait(answer)

    def publication(self, data: object, offset: int, tags: Mapping[str, str]) -> None:
        if self.poison is not None and data == self.poison:
            raise RuntimeError("a bug in the sink")
        self.publications.put_nowait((data, offset, tags))

    def unsubscribed(self, code: int, reason: str) -> None:
        self.ends.put_nowait((code, reason))


class Rig:
    def __init__(self, world: World) -> None:
        self.world = world
        self.heard = Heard()
        self.renewals: list[str] = []
        self.newer: Callable[[], str] = world.token
        self.connection = self.connect_to(world.url)

    def connect_to(self, url: str, *, anonymous: bool = False) -> CentrifugeConnection:
        return CentrifugeConnection(
            url, listener=self.heard, renewal=None if anonymous else self._renew, timeout_seconds=5
        )

    async def _renew(self, refused: str) -> str:
        self.renewals.append(refused)
        return self.newer()


@pytest.fixture
async def rig(world: World) -> AsyncIterator[Rig]:
    rig = Rig(world)
    yield rig
    await rig.connection.close()


class TestOpening:
    async def test_a_good_token_opens_and_names_the_client(self, rig: Rig, world: World) -> None:
        opened = await rig.connection.open(world.token())
        assert opened.client
        assert opened.version
        assert world.gateway.stats.accepted_connections == 1

    async def test_no_token_opens_anonymously(self, rig: Rig, world: World) -> None:
        connection = rig.connect_to(world.url, anonymous=True)
        assert (await connection.open("")).client
        await connection.close()

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("wrong key", Cause(code=3500, reason="invalid token")),
            ("expired", Cause(plane=Plane.CONNECT_ERROR, code=109, reason="token expired", temporary=True)),
            ("no subject", Cause(code=3507, reason="permission denied")),
        ],
    )
    async def test_a_bad_token_fails_with_the_gateways_code(
        self, rig: Rig, world: World, kind: str, expected: Cause
    ) -> None:
        token = {
            "wrong key": lambda: world.token(key=SigningKey.generate("ES256", kid=world.key.kid)),
            "expired": lambda: world.token(expires_in=-10),
            "no subject": lambda: world.token(""),
        }[kind]()
        with pytest.raises(ConnectFailedError) as caught:
            await rig.connection.open(token)
        assert caught.value.cause == expected
        assert rig.heard.drops.empty()

    async def test_after_an_expired_token_a_good_one_opens(self, rig: Rig, world: World) -> None:
        with pytest.raises(ConnectFailedError):
            await rig.connection.open(world.token(expires_in=-10))
        assert (await rig.connection.open(world.token())).client
        assert rig.renewals == []

    async def test_nobody_listening_is_a_lost_connection(self, rig: Rig) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            connection = rig.connect_to(f"ws://127.0.0.1:{unused.getsockname()[1]}/connection/websocket")
            with pytest.raises(ConnectFailedError) as caught:
                await connection.open("a.b.c")
        assert caught.value.cause.code == LOST
        await connection.close()

    async def test_a_server_that_hangs_up_is_a_lost_connection(self, rig: Rig) -> None:
        async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            connection = rig.connect_to(f"ws://127.0.0.1:{port}/connection/websocket")
            with pytest.raises(ConnectFailedError) as caught:
                await connection.open("a.b.c")
            assert caught.value.cause.code == LOST
            await connection.close()

    async def test_a_cancelled_attempt_leaves_nothing_open(self, rig: Rig, world: World) -> None:
        opening = asyncio.create_task(rig.connection.open(world.token()))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert (await rig.connection.open(world.token())).client

    def test_a_proxy_that_cannot_be_used_is_a_setting_at_fault(self, rig: Rig) -> None:
        with pytest.raises(ConfigurationError) as caught:
            CentrifugeConnection(
                "ws://127.0.0.1:1/", listener=rig.heard, renewal=None, timeout_seconds=1, proxy="ftp://u:secret@h:1"
            )
        assert caught.value.setting == "proxy"
        assert "secret" not in str(caught.value)


class TestDropping:
    async def test_a_shutdown_is_a_drop_with_its_code_and_no_reconnect_of_its_own(self, rig: Rig, world: World) -> None:
        await rig.connection.open(world.token())
        await world.restart()
        assert await rig.heard.drops.get() == Cause(code=3001, reason="shutdown")
        assert world.gateway.stats.accepted_sockets == 0
        assert (await rig.connection.open(world.token())).client

    @pytest.mark.parametrize("code", [3503, 4000, 4500, 4999])
    async def test_a_disconnect_is_a_drop_with_its_code(self, rig: Rig, world: World, code: int) -> None:
        await rig.connection.open(world.token())

        async def close(_request: RpcRequest) -> RpcResponse:
            return RpcResponse(disconnect=Disconnect(code=code, reason="go"))

        world.backend.methods["close"] = close
        with pytest.raises(DisconnectedError) as caught:
            await rig.connection.call("close", {}, 5)
        assert (caught.value.code, caught.value.reason) == (code, "go")
        assert await rig.heard.drops.get() == Cause(code=code, reason="go")

    async def test_a_message_too_big_is_told_apart_from_other_losses(self, rig: Rig, world: World) -> None:
        """B5."""
        await rig.connection.open(world.token())
        with pytest.raises(DisconnectedError) as caught:
            await rig.connection.call("echo", "x" * 70_000, 5)
        assert caught.value.code == TOO_BIG
        assert (await rig.heard.drops.get()).code == TOO_BIG

    async def test_closing_is_no_drop_and_fails_what_is_in_flight(self, rig: Rig, world: World) -> None:
        await rig.connection.open(world.token())
        arrived, gate = asyncio.Event(), asyncio.Event()

        async def slow(_request: RpcRequest) -> RpcResponse:
            arrived.set()
            await gate.wait()
            return RpcResponse()

        world.backend.methods["slow"] = slow
        call = asyncio.create_task(rig.connection.call("slow", {}, 5))
        await arrived.wait()
        await rig.connection.close()
        with pytest.raises(DisconnectedError):
            await call
        assert rig.heard.drops.empty()
        gate.set()


class TestRefreshing:
    async def test_a_token_at_its_end_is_refreshed_in_place(self, rig: Rig, world: World) -> None:
        token = world.token(expires_in=2)
        opened = await rig.connection.open(token)
        renewed = asyncio.Event()

        def newer() -> str:
            renewed.set()
            return world.token()

        rig.newer = newer
        await renewed.wait()
        world.backend.methods["who"] = self._who
        assert await rig.connection.call("who", {}, 5) == opened.client
        assert rig.renewals == [token]
        assert rig.heard.drops.empty()

    @staticmethod
    async def _who(request: RpcRequest) -> RpcResponse:
        return RpcResponse(result=RpcResult(data=msgspec.Raw(msgspec.json.encode(request.client))))

    async def test_a_renewal_that_fails_for_now_is_reported_and_the_connection_stays(
        self, rig: Rig, world: World
    ) -> None:
        """B4."""

        def away() -> str:
            raise TransportError("The identity provider cannot be reached.")

        rig.newer = away
        await rig.connection.open(world.token(expires_in=2))
        error, retry_in = await rig.heard.failures.get()
        assert isinstance(error, TransportError)
        assert error.message == "The identity provider cannot be reached."
        assert retry_in is not None
        assert rig.heard.drops.empty()

    async def test_a_session_that_is_over_ends_the_connection_as_expired(self, rig: Rig, world: World) -> None:
        def over() -> str:
            raise SignInRequiredError("The session is over.")

        rig.newer = over
        await rig.connection.open(world.token(expires_in=2))
        assert (await rig.heard.drops.get()).code == 3005


class TestCalling:
    async def test_a_call_carries_data_both_ways(self, rig: Rig, world: World, say: Say) -> None:
        async def echo(request: RpcRequest) -> RpcResponse:
            return say({"got": bytes(request.data).decode(), "user": request.user})

        world.backend.methods["echo"] = echo
        await rig.connection.open(world.token("ann"))
        assert await rig.connection.call("echo", {"a": [1, "é"]}, 5) == {"got": '{"a": [1, "\\u00e9"]}', "user": "ann"}

    async def test_a_gateway_error_is_typed(self, rig: Rig, world: World) -> None:
        async def refuse(_request: RpcRequest) -> RpcResponse:
            return RpcResponse(error=Error(code=111, message="too many requests", temporary=True))

        world.backend.methods["refuse"] = refuse
        await rig.connection.open(world.token())
        with pytest.raises(GatewayError) as caught:
            await rig.connection.call("refuse", {}, 5)
        assert (caught.value.code, caught.value.temporary) == (111, True)

    async def test_no_answer_in_time_is_a_deadline(self, rig: Rig, world: World) -> None:
        gate = asyncio.Event()

        async def slow(_request: RpcRequest) -> RpcResponse:
            await gate.wait()
            return RpcResponse()

        world.backend.methods["slow"] = slow
        await rig.connection.open(world.token())
        with pytest.raises(DeadlineExceededError):
            await rig.connection.call("slow", {}, 0.05)
        gate.set()


class TestChannels:
    async def test_publications_come_with_offset_and_tags_after_the_answer(self, rig: Rig, world: World) -> None:
        world.backend.snapshots["market:a"] = lambda: {"seq": "r:0"}
        sink = Sink()
        await rig.connection.open(world.token())
        await rig.connection.channel("market:a", sink).start()
        answer = await sink.answers.get()
        assert (answer.data, answer.lost) == ({"seq": "r:0"}, False)
        world.publish("market:a", {"n": 1}, seq="r:1")
        assert await sink.publications.get() == ({"n": 1}, 1, {"seq": "r:1"})

    async def test_a_subscription_may_be_started_before_there_is_a_connection(self, rig: Rig, world: World) -> None:
        sink = Sink()
        await rig.connection.channel("market:a", sink).start()
        await rig.connection.open(world.token())
        await sink.answers.get()

    async def test_a_terminal_code_and_a_new_token_recover_what_was_missed(self, rig: Rig, world: World) -> None:
        """The library treats 4500-4999 as the end; the same client connects again, and nothing is lost."""
        sink = Sink()
        await rig.connection.open(world.token())
        await rig.connection.channel("market:a", sink).start()
        await sink.answers.get()
        world.publish("market:a", 1)
        await sink.publications.get()
        world.gateway.node.disconnect("user-1", Termination(code=4500, reason="revoked"))
        assert (await rig.heard.drops.get()).code == 4500
        world.publish("market:a", 2)
        world.publish("market:a", 3)
        await rig.connection.open(world.token())
        assert not (await sink.answers.get()).lost
        assert [(await sink.publications.get())[:2] for _ in range(2)] == [(2, 2), (3, 3)]

    async def test_what_the_gateway_no_longer_has_is_said_to_be_lost(self, rig: Rig, world: World) -> None:
        sink = Sink()
        await rig.connection.open(world.token())
        await rig.connection.channel("short:a", sink).start()
        await sink.answers.get()
        world.publish("short:a", 1)
        await sink.publications.get()
        world.gateway.node.disconnect("user-1", Termination(code=4000, reason="away"))
        await rig.heard.drops.get()
        for n in range(2, 6):
            world.publish("short:a", n)
        await rig.connection.open(world.token())
        answer = await sink.answers.get()
        assert (answer.lost, answer.offset) == (True, 5)

    async def test_a_restart_brings_a_new_snapshot_and_what_came_since_the_position(
        self, rig: Rig, world: World
    ) -> None:
        snapshots = iter(range(100))
        world.backend.snapshots["market:a"] = lambda: next(snapshots)
        sink = Sink()
        await rig.connection.open(world.token())
        channel = rig.connection.channel("market:a", sink)
        await channel.start()
        assert (await sink.answers.get()).data == 0
        world.publish("market:a", "first")
        await sink.publications.get()
        restarting = asyncio.create_task(channel.restart())
        await restarting
        world.publish("market:a", "second")
        assert (await sink.answers.get()).data == 1
        assert (await sink.publications.get())[0] == "second"
        assert sink.ends.empty()

    async def test_a_refusal_ends_it_with_the_code(self, rig: Rig, world: World) -> None:
        sink = Sink()
        world.backend.refusals["market:no"] = SubscribeResponse(error=Error(code=103, message="permission denied"))
        await rig.connection.open(world.token())
        await rig.connection.channel("market:no", sink).start()
        assert await sink.ends.get() == (103, "permission denied")

    async def test_a_temporary_refusal_is_reported_and_tried_again(self, rig: Rig, world: World) -> None:
        sink = Sink()
        world.backend.refusals["market:busy"] = SubscribeResponse(
            error=Error(code=100, message="internal server error", temporary=True)
        )
        await rig.connection.open(world.token())
        await rig.connection.channel("market:busy", sink).start()
        error, _ = await rig.heard.failures.get()
        assert isinstance(error, SubscriptionError)
        assert (error.code, error.channel) == (100, "market:busy")
        del world.backend.refusals["market:busy"]
        await sink.answers.get()

    async def test_leaving_is_told_to_nobody_and_the_channel_can_be_joined_again(self, rig: Rig, world: World) -> None:
        sink = Sink()
        await rig.connection.open(world.token())
        channel = rig.connection.channel("market:a", sink)
        await channel.start()
        await sink.answers.get()
        await channel.stop()
        again = Sink()
        await rig.connection.channel("market:a", again).start()
        await again.answers.get()
        assert sink.ends.empty()

    async def test_a_sink_that_raises_loses_nothing_but_that_message(self, rig: Rig, world: World) -> None:
        """B2."""
        sink = Sink()
        sink.poison = "poison"
        await rig.connection.open(world.token())
        await rig.connection.channel("market:a", sink).start()
        await sink.answers.get()
        for data in ("before", "poison", "after"):
            world.publish("market:a", data)
        assert [(await sink.publications.get())[0] for _ in range(2)] == ["before", "after"]
        error, _ = await rig.heard.failures.get()
        assert isinstance(error, ProtocolError)
        assert rig.heard.drops.empty()
