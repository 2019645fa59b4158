"""Gateway and backend in one process: each calls the other through the port it would use over HTTP, without the hop.

Above: ``stack.embedded``. Below: ``gateway.node``. The other direction needs no adapter: the backend's handlers are a
``ProxyCaller`` by shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cadenza.errors import SessionRevokedError
from cadenza.gateway.node import Node
from cadenza.protocol.codes import ReplyError, Termination
from cadenza.tokens.verifier import VerifiedToken, Verifier


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


class DirectSockets:
    """The backend's ``Sockets`` over the gateway's node.

    Args:
        node: Gives the node, as for ``DirectPublisher``.
    """

    def __init__(self, node: Callable[[], Node]) -> None:
        self._node = node

    async def present(self, channels: Sequence[str]) -> Mapping[str, str]:
        """Who is in any of these channels: connection to user."""
        node = self._node()
        found = [node.present(channel) for channel in channels]
        return {one.client: one.user for present in found if not isinstance(present, ReplyError) for one in present}

    async def close(self, clients: Mapping[str, str], code: int, reason: str) -> None:
        """Close connections."""
        node = self._node()
        for client, user in clients.items():
            node.disconnect(user, Termination(code=code, reason=reason), client=client)

    async def close_user(self, user: str, code: int, reason: str, *, spare: Sequence[str]) -> None:
        """Close all of a user's connections but some."""
        self._node().disconnect(user, Termination(code=code, reason=reason), whitelist=spare)


class CurrentSessions:
    """The gateway's ``TokenVerifier``: no token of a session that has ended connects, however good it is.

    Behind a real Centrifugo such a token connects, and its first call or a sweep closes the connection.

    Args:
        verifier: Judges the tokens.
        has_ended: Says of a session whether it has.
    """

    def __init__(self, verifier: Verifier, has_ended: Callable[[str | None], bool]) -> None:
        self._verifier = verifier
        self._has_ended = has_ended

    def cached(self, token: str, /) -> VerifiedToken | None:
        """What is known without waiting; nothing of a session that has ended, so that ``verify`` is asked."""
        verified = self._verifier.cached(token)
        return None if verified is None or self._has_ended(verified.claims.session_id) else verified

    async def verify(self, token: str, /) -> VerifiedToken:
        """What the token says; raises SessionRevokedError, and whatever the verifier raises."""
        verified = await self._verifier.verify(token)
        if self._has_ended(verified.claims.session_id):
            raise SessionRevokedError("The session was ended.")
        return verified
