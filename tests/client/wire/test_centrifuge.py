"""The adapter of centrifuge-python against the real gateway: a connection opens, drops, is refreshed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.client.wire.hearing import Rig

from cadenza.client._centrifuge import CentrifugeConnection
from cadenza.client.ports import LOST, TOO_BIG, Cause, ConnectFailedError, Plane
from cadenza.errors import (
    ConfigurationError,
    DisconnectedError,
    SignInRequiredError,
    TransportError,
)
from cadenza.protocol.proxy import Disconnect, RpcRequest, RpcResponse, RpcResult
from cadenza.tokens.signer import SigningKey

if TYPE_CHECKING:
    from tests.client.wire.conftest import World

Say = Callable[[object], RpcResponse]


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
