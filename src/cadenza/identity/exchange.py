"""One HTTP exchange as values: what the handlers get and give, free of any server.

Above: ``app`` makes requests of ASGI scopes and sends responses. Below: ``handlers`` and the grants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec

from cadenza.identity.agent import Agent
from cadenza.identity.errors import bad_json

_Body = TypeVar("_Body", bound=msgspec.Struct)

#: RFC 6749 section 5.1: what holds tokens is never kept by anyone on the way.
PRIVATE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}

_NO_CONTENT: Final = 204


@dataclass(frozen=True, kw_only=True, repr=False)
class Request:
    """One request. Header names are lower case; ``address`` is whom rate limits count.

    ``values`` are the path's named segments.

    It holds passwords and tokens: its ``repr`` shows neither headers nor body.
    """

    method: str
    path: str
    values: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = ""

    @property
    def agent(self) -> Agent:
        """Who asks, as sessions and the audit log remember it."""
        return Agent.of(self.address, self.headers.get("user-agent", ""))

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"


@dataclass(frozen=True, kw_only=True, repr=False)
class Response:
    """One response; ``headers`` are those that belong to the answer, without length and CORS."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


def json_response(message: msgspec.Struct, *, headers: Mapping[str, str] = PRIVATE) -> Response:
    """A success with a JSON body, private unless told otherwise."""
    return Response(headers={"Content-Type": "application/json", **headers}, body=msgspec.json.encode(message))


def no_content() -> Response:
    """A success with nothing to say."""
    return Response(status=_NO_CONTENT)


def decode_body(body: bytes, kind: type[_Body]) -> _Body:
    """Read a request body.

    Raises:
        RefusalError: ``bad_json``; it names the field at fault, never what stood there.
    """
    try:
        # Go reads null as an object without members, and so Supabase Auth does.
        return msgspec.json.decode(b"{}" if body.strip() == b"null" else body, type=kind)
    except msgspec.ValidationError as error:
        raise bad_json(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_json("unexpected end of JSON input" if not body.strip() else "invalid JSON") from None
