"""Which command is served by whom, and the most frequent of them, ``rpc``.

Above: ``connection`` hands over commands in their order. Below: ``signing_in``, ``channels``, ``answers``; ``node``.
Stateless, like those: everything a command changes stands in the connection or in the node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cadenza.gateway import channels, signing_in
from cadenza.gateway.answers import answer_without_result
from cadenza.protocol.client import (
    ABSENT,
    Command,
    Event,
    IllegalEventError,
    Reply,
    RpcRequest,
    RpcResult,
    State,
    encode_reply,
    encode_rpc_reply,
    next_state,
)
from cadenza.protocol.codes import ClientErrors, Disconnects
from cadenza.protocol.proxy import RpcRequest as ProxyRpcRequest
from cadenza.protocol.proxy import RpcResponse

if TYPE_CHECKING:
    from cadenza.gateway.connection import Connection

__all__ = ["serve"]

_NAMESPACE_BOUNDARY = ":"
_CONNECTED = State.CONNECTED  # where a command changes nothing; looking a member up costs more than comparing


def serve(connection: Connection, command: Command) -> None:
    """Serve one command. Where several stand in one, the first in Centrifugo's order is done.

    Raises:
        ProtocolError: The command is not legal now, or not at all; the socket is to be closed with 3501.
    """
    counts = connection.node.stats.commands
    if command.connect is not None:
        counts["connect"] += 1
        connection.state = next_state(connection.state, Event.CONNECT)
        signing_in.connect(connection, command.id, command.connect)
        return
    if connection.state is not _CONNECTED:
        connection.state = next_state(connection.state, Event.COMMAND)
    if command.ping is not None:
        raise IllegalEventError(connection.state, Event.COMMAND)
    if command.subscribe is not None:
        counts["subscribe"] += 1
        channels.subscribe(connection, command.id, command.subscribe)
    elif command.unsubscribe is not None:
        counts["unsubscribe"] += 1
        channels.unsubscribe(connection, command.id, command.unsubscribe.channel)
    elif command.publish is not None:
        counts["publish"] += 1
        channels.publish(connection, command.id, command.publish)
    elif command.presence is not None or command.presence_stats is not None or command.history is not None:
        connection.refuse(command.id, ClientErrors.NOT_AVAILABLE)
    elif command.rpc is not None:
        counts["rpc"] += 1
        _rpc(connection, command.id, command.rpc)
    elif command.send is not None:
        connection.close(Disconnects.NOT_AVAILABLE)
    elif command.refresh is not None:
        counts["refresh"] += 1
        signing_in.refresh(connection, command.id, command.refresh)
    elif command.sub_refresh is not None:
        connection.refuse(command.id, ClientErrors.PERMISSION_DENIED)
    else:
        raise IllegalEventError(connection.state, Event.COMMAND)


def _rpc(connection: Connection, command_id: int, request: RpcRequest) -> None:
    node = connection.node
    if node.proxy is None or not node.config.rpc_enabled:
        connection.refuse(command_id, ClientErrors.NOT_AVAILABLE)
        return
    if request.method.find(_NAMESPACE_BOUNDARY) > 0:  # there are no RPC namespaces
        connection.refuse(command_id, ClientErrors.METHOD_NOT_FOUND)
        return
    asked = ProxyRpcRequest(
        client=connection.client,
        user=connection.who.user,
        method=request.method,
        data=request.data,
        meta=connection.who.meta,
    )
    connection.call(node.proxy.rpc(asked, connection.peer), _rpc_done, command_id)


def _rpc_done(
    connection: Connection, command_id: int, response: RpcResponse | None, error: BaseException | None
) -> None:
    if response is None or response.error is not None or response.disconnect is not None:
        answer_without_result(connection, command_id, response, error)
        return
    data = response.result.data if response.result is not None else ABSENT
    connection.push(encode_rpc_reply(command_id, data) if data else encode_reply(Reply(id=command_id, rpc=RpcResult())))
