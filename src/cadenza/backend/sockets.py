"""The gateway's connections over Centrifugo's server API: who is in a channel, and closing them.

Above: ``revocation``, through ``ports.Sockets``. Below: ``protocol.api``, httpx. The embedded stack asks its node.
Source: Centrifugo v6, "Server API walkthrough"; recorded in ``api_methods``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import httpx
import msgspec

from cadenza.backend.api_keys import ApiKeys
from cadenza.errors import TransportError
from cadenza.protocol import api
from cadenza.protocol.codes import ReplyError

__all__ = ["ApiSockets"]

_OK = 200
_JSON = {"Content-Type": "application/json"}
_BATCH = 200


class _Reply(msgspec.Struct, frozen=True):
    """One command's answer; a channel that is unknown or keeps no presence has nobody in it."""

    presence: api.PresenceResult = api.PresenceResult()
    error: ReplyError | None = None


class _Answer(msgspec.Struct, frozen=True):
    replies: tuple[_Reply, ...] = ()


_answers = msgspec.json.Decoder(_Answer)


class ApiSockets:
    """Connections at the other end of a network.

    Args:
        url: The server API's root.
        keys: Of the same.
        client: Who speaks HTTP; its timeouts apply.
    """

    def __init__(self, url: str, keys: ApiKeys, client: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._keys = keys
        self._client = client

    async def present(self, channels: Sequence[str]) -> Mapping[str, str]:
        """Who is in any of these channels. Raises TransportError."""
        replies = await self._do({"presence": api.PresenceRequest(channel=channel)} for channel in channels)
        return {one.client: one.user for reply in replies for one in reply.presence.presence.values()}

    async def close(self, clients: Mapping[str, str], code: int, reason: str) -> None:
        """Close connections. Raises TransportError."""
        how = api.Disconnect(code=code, reason=reason)
        await self._do(
            {"disconnect": api.DisconnectRequest(user=user, client=client, disconnect=how)}
            for client, user in clients.items()
        )

    async def close_user(self, user: str, code: int, reason: str, *, spare: Sequence[str]) -> None:
        """Close all of a user's connections but some. Raises TransportError."""
        how = api.Disconnect(code=code, reason=reason)
        await self._do([{"disconnect": api.DisconnectRequest(user=user, disconnect=how, whitelist=list(spare))}])

    async def _do(self, commands: Iterable[Mapping[str, msgspec.Struct]]) -> list[_Reply]:
        replies: list[_Reply] = []
        remaining = iter(commands)
        while some := list(islice(remaining, _BATCH)):
            body = msgspec.json.encode({"commands": some, "parallel": True})
            try:
                answer = await self._client.post(f"{self._url}/batch", content=body, headers=_JSON, auth=self._keys)
                if answer.status_code != _OK:
                    raise TransportError(f"The gateway's server API answered {answer.status_code}.")
                replies += _answers.decode(answer.content).replies
            except (httpx.HTTPError, msgspec.DecodeError) as error:
                raise TransportError("The gateway's server API cannot be asked now.") from error
        return replies
