"""The one file that knows picows' private parts: what it relies on is still so."""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import picows
import pytest
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from cadenza.gateway import websocket
from cadenza.protocol.codes import Termination
from cadenza.protocol.proxy import Peer

ROOT = Path(__file__).resolve().parents[2]


def test_picows_is_the_version_whose_private_constructor_we_use() -> None:
    pinned = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["server"]
    assert f"picows=={version('picows')}" in pinned


async def test_protocol_takes_the_fifteen_arguments_in_our_order() -> None:
    with pytest.raises(TypeError, match="exactly 15 positional arguments"):
        WSProtocol()
    socket: Any = object()
    assert isinstance(websocket._make_protocol(socket, "", 65_536), WSProtocol)


def test_only_the_adapter_imports_picows() -> None:
    importing = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src").rglob("*.py")
        if "picows" in path.read_text() and "from picows" in path.read_text()
    ]
    assert importing == ["src/cadenza/gateway/websocket.py"]


def test_listener_has_no_dictionary_of_its_own() -> None:
    """An idle connection is to cost little memory."""
    assert not hasattr(websocket.ClientSocket.__new__(websocket.ClientSocket), "__dict__")
    assert picows.WSListener in websocket.ClientSocket.__mro__


async def test_transport_ignores_everything_once_the_socket_is_gone(
    make_gateway: Callable[..., Awaitable[Any]],
) -> None:
    gateway = await make_gateway()
    socket = websocket.ClientSocket(gateway.node, Peer())
    socket.send(b"x")
    socket.close(Termination(code=3000))
    socket.pause_reading()
    socket.resume_reading()
    socket.too_big()
