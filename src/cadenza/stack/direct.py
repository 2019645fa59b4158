"""Gateway and backend in one process: each calls the other through the port it would use over HTTP, without the hop.

Above: ``stack.embedded``. Below: ``gateway.node``. The other direction needs no adapter: the backend's handlers are a
``ProxyCaller`` by shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cadenza.gateway.node import Node


class DirectPublisher:
    """The backend's ``Publisher`` over the gateway's node: the broker gives the offset before ``publish`` returns.

    Args:
        node: Gives the node; asked at each publication, because backend and gateway need each other to be made.
    """

    def __init__(self, node: Callable[[], Node]) -> None:
        self._node = node

    async def publish(self, channel: str, data: bytes, *, tags: Mapping[str, str] | None = None) -> None:
        """Publish to everyone subscribed."""
        self._node().publish(channel, data, tags=tags)
