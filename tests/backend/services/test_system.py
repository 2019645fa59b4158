"""What the system says of itself, to anyone."""

from typing import Any

from cadenza import __version__


async def test_info_names_program_and_version_to_anyone(rpc: Any) -> None:
    answer = await rpc("query.system.info", user="")
    assert answer["data"]["name"] == "Cadenza"
    assert answer["data"]["version"] == __version__
    assert answer == await rpc("query.system.info")


async def test_check_is_healthy_only_while_all_parts_work(rpc: Any, backend: Any) -> None:
    assert (await rpc("query.system.check", user=""))["data"]["status"] == "degraded"
    async with backend:
        assert await rpc("query.system.check", user="") == {
            "data": {"status": "healthy", "timestamp": "2026-11-23T12:47:17.125Z", "version": __version__}
        }
        await backend.venues[0].stop()
        assert (await rpc("query.system.check"))["data"]["status"] == "degraded"
