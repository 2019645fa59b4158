"""The adapter of centrifuge-python against the real gateway: what calls and channels become on our port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest
from tests.client.wire.hearing import Rig, Sink

from cadenza.errors import (
    DeadlineExceededError,
    GatewayError,
    ProtocolError,
    SubscriptionError,
)
from cadenza.protocol.codes import Termination
from cadenza.protocol.proxy import Error, RpcRequest, RpcResponse, SubscribeResponse

if TYPE_CHECKING:
    from tests.client.wire.conftest import World

Say = Callable[[object], RpcResponse]


@pytest.fixture
async def rig(world: World) -> AsyncIterator[Rig]:
    rig = Rig(world)
    yield rig
    await rig.connection.close()


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
