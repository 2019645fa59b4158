"""How a backend's refusal, disconnect or failure reaches the client; the same for an RPC and for a subscription.

Above: ``commands`` and ``channels``. Below: ``connection``'s shape, ``protocol``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cadenza.protocol.codes import ClientErrors, ReplyError, Termination
from cadenza.protocol.proxy import RpcResponse, SubscribeResponse

if TYPE_CHECKING:
    from cadenza.gateway.connection import Connection

__all__ = ["answer_without_result"]

_log = logging.getLogger(__name__)


def answer_without_result(
    connection: Connection,
    command_id: int,
    response: RpcResponse | SubscribeResponse | None,
    error: BaseException | None,
) -> None:
    """Answer for a backend that gave no result: it disconnects, it refuses, or it failed (error 100, temporary)."""
    if response is None:
        connection.node.stats.proxy_errors += 1
        if isinstance(error, Exception) and not isinstance(error, TimeoutError):
            _log.error("the backend failed", exc_info=error)
        connection.refuse(command_id, ClientErrors.INTERNAL)
    elif response.disconnect is not None:
        connection.close(Termination(code=response.disconnect.code, reason=response.disconnect.reason))
    elif response.error is not None:
        said = response.error
        connection.refuse(command_id, ReplyError(code=said.code, message=said.message, temporary=said.temporary))
