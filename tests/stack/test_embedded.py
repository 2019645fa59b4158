from __future__ import annotations

import asyncio
import json
import socket
import stat
from pathlib import Path

import httpx
import pytest
from tests.identity.browsing import fields, walk

import cadenza
from cadenza.client import MemorySessionStore
from cadenza.errors import ConfigurationError, UsageError
from cadenza.schema.scalars import Venue
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

DEADLINE_SECONDS = 30


def settings_for(folder: Path, **options: object) -> StackSettings:
    ports = {"identity_port": 0, "gateway_port": 0, "backend_port": 0}
    return StackSettings(data_dir=folder / "data", **(ports | options))  # type: ignore[arg-type]


async def user_id(stack: EmbeddedStack) -> str:
    async with httpx.AsyncClient() as http:
        email, password = stack.ready_user
        reply = await http.post(
            f"{stack.identity_url}/token?grant_type=password", json={"email": email, "password": password}
        )
    assert reply.status_code == 200, reply.text
    return str(reply.json()["user"]["id"])


async def test_a_second_start_keeps_user_password_and_keys(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        async with asyncio.timeout(DEADLINE_SECONDS), EmbeddedStack(settings_for(tmp_path)) as stack:
            keys = sorted(str(key["kid"]) for key in stack.identity.public_keys)
            seen.append((stack.ready_user, stack.api_key, await user_id(stack), keys))
    assert seen[0] == seen[1]


async def test_no_proxy_of_the_environment_hears_of_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            EmbeddedStack(settings_for(tmp_path)) as stack,
            cadenza.connect(
                ws_url=stack.ws_url, supabase_url=stack.supabase_url, session_store=MemorySessionStore()
            ) as api,
        ):
            await api.auth.over_websocket.sign_in_with_password(*stack.ready_user)
            # And the provider asks its own test provider, with a code, by none.
            end = "http://127.0.0.1:53682/callback"
            back = await walk(f"{stack.identity_url}/authorize?provider=test&redirect_to={end}", until=end)
            assert fields(back)["access_token"]
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):  # nobody called
            proxy.accept()


async def test_everything_in_the_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), EmbeddedStack(settings_for(tmp_path)) as stack:
        open_to_others = [
            str(path.relative_to(tmp_path))
            for path in stack.data_dir.rglob("*")
            if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077 and path.suffix != ".lock"
        ]
    assert open_to_others == []


async def test_health_readiness_and_metrics_answer(tmp_path: Path) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), EmbeddedStack(settings_for(tmp_path)) as stack:
        gateway = stack.api_url.removesuffix("/api")
        async with httpx.AsyncClient() as http:
            health, ready = await http.get(f"{stack.backend_url}/health"), await http.get(f"{stack.backend_url}/ready")
            metrics = await http.get(f"{gateway}/metrics")
            gateway_health = await http.get(f"{gateway}/health")
    assert (health.status_code, ready.status_code, gateway_health.status_code) == (200, 200, 200)
    assert ready.json()["checks"]["venue:PAPER"]["status"] == "healthy"
    assert "centrifugo_node_num_clients" in metrics.text


@pytest.mark.parametrize("part", ["identity", "gateway", "backend"])
async def test_a_taken_port_names_port_and_option_and_leaves_nothing_behind(tmp_path: Path, part: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = asyncio.all_tasks()
        with pytest.raises(ConfigurationError) as refused:
            async with EmbeddedStack(settings_for(tmp_path, **{f"{part}_port": port})):
                pytest.fail("it started on a taken port")
        assert str(port) in refused.value.message
        assert refused.value.setting == f"--{part}-port"
        assert asyncio.all_tasks() == before
    # Nothing was made that a start on free ports would stumble over, and nothing is still locked.
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"layout.json", "stack.lock"}
    async with asyncio.timeout(DEADLINE_SECONDS), EmbeddedStack(settings_for(tmp_path)):
        pass


async def test_a_damaged_database_is_one_clear_error(tmp_path: Path) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), EmbeddedStack(settings_for(tmp_path)) as stack:
        database = stack.identity.config.database_path
    database.write_bytes(b"this was a database once " * 100)
    for leftover in database.parent.glob(database.name + "-*"):
        leftover.unlink()
    with pytest.raises(ConfigurationError) as refused:
        async with EmbeddedStack(settings_for(tmp_path)):
            pytest.fail("it started on a damaged database")
    assert str(database) in str(refused.value)


async def test_a_damaged_key_file_is_one_clear_error_without_its_content(tmp_path: Path) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), EmbeddedStack(settings_for(tmp_path)) as stack:
        keys = stack.identity.config.signing_keys_path
    private = json.loads(keys.read_text())["keys"][0]["d"]
    keys.write_text(keys.read_text()[:-20])
    with pytest.raises(ConfigurationError) as refused:
        async with EmbeddedStack(settings_for(tmp_path)):
            pytest.fail("it started on damaged keys")
    assert refused.value.setting == "--data-dir"
    assert keys.name in str(refused.value)
    assert private not in str(refused.value)


async def test_stopping_leaves_no_task_and_frees_the_ports(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with asyncio.timeout(DEADLINE_SECONDS):
        async with EmbeddedStack(settings_for(tmp_path)) as stack:
            ports = (stack.identity.port, stack.gateway.port)
            api = cadenza.connect(
                stack.ws_url, supabase_url=stack.supabase_url, session_store=MemorySessionStore(), environ={}
            )
            async with api:
                await api.auth.sign_in_with_password(*stack.ready_user)
                assert Venue.PAPER in await api.market.venues.list()
    assert asyncio.all_tasks() == before
    for port in ports:
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))


async def test_one_stack_object_is_entered_once_at_a_time(tmp_path: Path) -> None:
    stack = EmbeddedStack(settings_for(tmp_path))
    async with asyncio.timeout(DEADLINE_SECONDS), stack:
        with pytest.raises(UsageError):
            await stack.__aenter__()
