"""The recorded answers to every kind of token, with the real verifier over a key set, issuer and audience given.

``centrifugo-auth-matrix.txt`` is what a real Centrifugo answered. The deliberate differences (``design/decisions.md``,
"Codes") are the rows of ``DIFFERENT``, nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from tests.gateway.kit import DATA, Gateway

from cadenza.errors import KeysUnavailableError
from cadenza.gateway import GatewayConfig
from cadenza.tokens.jwks import KeySet, StaticKeySet
from cadenza.tokens.signer import Signer, SigningKey
from cadenza.tokens.verifier import Verifier

MATRIX = DATA / "centrifugo-auth-matrix.txt"
ISSUER = "http://127.0.0.1:9999/auth/v1"
NOW = 1_795_422_804.0
KEY = SigningKey.generate("ES256", kid="one")
OTHER_KEY = SigningKey.generate("ES256", kid="one")
UNKNOWN_KEY = SigningKey.generate("ES256", kid="two")
GOOD = {"iss": ISSUER, "aud": "authenticated", "sub": "user", "exp": int(NOW) + 3600}

CONNECTED = ("connect", None)
REFUSED = ("close", (3500, "invalid token"))
EXPIRED = ("error", 109)

# Ours on purpose, with the reason.
DIFFERENT = {
    "no exp": (REFUSED, "a token that never ends is no access token; an option of the verifier allows it"),
    "no sub": (("close", (3507, "permission denied")), "refused through disallow_anonymous_connection_tokens"),
    "[JWKS endpoint down] valid token": (("error", 100), "cannot check is not bad (row A1)"),
    "[JWKS endpoint down] expired token": (("error", 100), "cannot check is not bad (row A1)"),
}


def recorded() -> dict[str, tuple[str, Any]]:
    """Read the first answer of each row."""
    rows: dict[str, tuple[str, Any]] = {}
    name = ""
    for line in MATRIX.read_text().splitlines():
        if line.startswith("--- "):
            name = line[4:]
        elif name and name not in rows and line.startswith("    +"):
            rows[name] = _outcome(line.split("s ", 1)[1])
    return rows


def _outcome(text: str) -> tuple[str, Any]:
    if text.startswith("CLOSE"):
        _, code, reason = text.split(" ", 2)
        return "close", (int(code), reason.strip("'"))
    reply = json.loads(text)
    return ("error", reply["error"]["code"]) if "error" in reply else CONNECTED


class DownKeySet(StaticKeySet):
    """The provider cannot be reached."""

    async def find(self, kid: str) -> Any:
        del kid
        raise KeysUnavailableError("no keys")


def sign(claims: Mapping[str, object], key: SigningKey = KEY) -> str:
    return Signer(key).sign(claims)


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in GOOD.items() if name not in names}


def without_kid(token: str) -> str:
    """Take the kid out; the signature no longer fits, but a token without kid is refused before that."""
    head, rest = token.split(".", 1)
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    del header["kid"]
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode() + "." + rest


TOKENS: dict[str, str] = {
    "valid (real)": sign(GOOD),
    "expired at connect": sign({**GOOD, "exp": int(NOW) - 1}),
    "bad signature (other key, same kid)": sign(GOOD, OTHER_KEY),
    "unknown kid": sign(GOOD, UNKNOWN_KEY),
    "no kid": without_kid(sign(GOOD)),
    "HS256 legacy signed w/ jwt secret": sign(GOOD, SigningKey.generate("HS256")),
    "garbage token": "garbage",
    "garbage a.b.c": "a.b.c",
    "wrong audience": sign({**GOOD, "aud": "other"}),
    "aud list incl.": sign({**GOOD, "aud": ["x", "authenticated"]}),
    "wrong issuer": sign({**GOOD, "iss": "http://other"}),
    "no sub": sign(without("sub")),
    "no exp": sign(without("exp")),
    "nbf in future": sign({**GOOD, "nbf": int(NOW) + 600}),
    "no token (anonymous allowed)": "",
    "empty token": "",
    "[anon disallowed] no token": "",
    "[disallow_anonymous_connection_tokens] token w/o sub": sign(without("sub")),
    "[anon disallowed] anonymous supabase user": sign({**GOOD, "is_anonymous": True}),
    "[JWKS endpoint down] valid token": sign(GOOD),
    "[JWKS endpoint down] expired token": sign({**GOOD, "exp": int(NOW) - 1}),
}
# Rows about what happens after connect: replayed from the transcripts, on their clocks.
ELSEWHERE = {
    "rpc before connect -> see below",
    "refresh with other user's token",
    "refresh garbage",
    "refresh with expired token",
    "anon rpc whoami",
    "refresh with good token",
    "expiry mid-connection, no refresh (exp +3s)",
    "[expired_close_delay 2s] expiry +2s",
}


def test_every_row_of_the_matrix_is_tried() -> None:
    assert recorded().keys() == TOKENS.keys() | ELSEWHERE


def verifier(keys: KeySet) -> Verifier:
    return Verifier(keys, issuer=ISSUER, audience="authenticated", clock=lambda: NOW)


@pytest.mark.parametrize("name", TOKENS)
async def test_token_is_answered_as_recorded(name: str, make_gateway: Callable[..., Awaitable[Gateway]]) -> None:
    public = [dict(json.loads(json.dumps(KEY.public_jwk())))]
    gateway = await make_gateway(
        "A",
        epoch=NOW,
        allow_anonymous_connect_without_token="anon disallowed" not in name,
        disallow_anonymous_connection_tokens=True,
    )
    gateway.node.verifier = verifier(DownKeySet(public) if "down" in name else StaticKeySet(public))
    assert outcome(gateway, TOKENS[name]) == DIFFERENT.get(name, (recorded()[name],))[0]


async def test_tokens_without_sub_are_anonymous_where_that_is_allowed(
    make_gateway: Callable[..., Awaitable[Gateway]],
) -> None:
    gateway = await make_gateway("A", epoch=NOW)
    gateway.node.verifier = verifier(StaticKeySet([dict(json.loads(json.dumps(KEY.public_jwk())))]))
    assert outcome(gateway, TOKENS["no sub"]) == recorded()["no sub"]


async def test_token_seen_before_needs_no_waiting(make_gateway: Callable[..., Awaitable[Gateway]]) -> None:
    gateway = await make_gateway("A", epoch=NOW)
    keys = StaticKeySet([dict(json.loads(json.dumps(KEY.public_jwk())))])
    gateway.node.verifier = verifier(keys)
    assert outcome(gateway, TOKENS["valid (real)"]) == CONNECTED
    assert gateway.node.verifier.cached(TOKENS["valid (real)"]) is not None
    assert outcome(gateway, TOKENS["valid (real)"]) == CONNECTED


async def test_refresh_while_the_keys_are_away_keeps_the_socket(
    make_gateway: Callable[..., Awaitable[Gateway]],
) -> None:
    """Row A1: a live socket that refreshes with a new key during a blip is not killed."""
    gateway = await make_gateway("A", epoch=NOW)
    public = [dict(json.loads(json.dumps(KEY.public_jwk())))]
    gateway.node.verifier = verifier(StaticKeySet(public))
    socket = gateway.open()
    (reply,) = socket.ask(json.dumps({"id": 1, "connect": {"token": TOKENS["valid (real)"]}}))
    assert "connect" in reply
    gateway.node.verifier = verifier(DownKeySet(public))
    (reply,) = socket.ask(json.dumps({"id": 2, "refresh": {"token": sign({**GOOD, "exp": int(NOW) + 7200})}}))
    assert reply["error"] == {"code": 100, "message": "internal server error", "temporary": True}
    assert socket.closed is None


def outcome(gateway: Gateway, token: str) -> tuple[str, Any]:
    socket = gateway.open()
    replies = socket.ask(json.dumps({"id": 1, "connect": {"token": token} if token else {}}))
    if socket.closed is not None:
        return "close", (socket.closed.code, socket.closed.reason)
    (reply,) = replies
    return ("error", reply["error"]["code"]) if "error" in reply else CONNECTED


def test_configuration_never_shows_the_key() -> None:
    assert "hush" not in repr(GatewayConfig(api_key="hush"))
