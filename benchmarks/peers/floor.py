"""The floor: the library under our gateway, picows on uvloop, with as good as nothing above it.

Each frame is decoded with msgspec and answered with constant data in the same turn; no token, no rights, no types, no
limits, no coroutine. What ours costs beyond this is ours; what this costs, the machine and the sockets take.
``python -m benchmarks.peers.floor`` prints its port as JSON and serves until SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import signal

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

_INFO = (
    b'{"data":{"name":"Floor","version":"0.1.0","description":"Typed RPC and live market data over one authenticated'
    b' WebSocket.","documentation":"docs/reference/methods.md"}}'
)
_CONNECTED = b'{"id":1,"connect":{"client":"x","version":"floor","ping":25,"pong":true}}'


class _Command(msgspec.Struct):
    id: int = 0
    connect: object = None
    rpc: object = None


_decode = msgspec.json.Decoder(_Command).decode


class _Answers(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        command = _decode(frame.get_payload_as_memoryview())
        if command.rpc is not None:
            transport.send(WSMsgType.TEXT, b'{"id":%d,"rpc":{"data":%b}}' % (command.id, _INFO))
        elif command.connect is not None:
            transport.send(WSMsgType.TEXT, _CONNECTED)


def _listener(_: WSUpgradeRequest) -> WSListener:
    return _Answers()


async def _run() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await ws_create_server(_listener, "127.0.0.1", 0, use_aiofastnet=False)
    print(json.dumps({"ws": server.sockets[0].getsockname()[1]}), flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(_run())
