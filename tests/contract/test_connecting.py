from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable

import pytest
import websockets
from tests.contract.conftest import Account
from tests.contract.requirements import BY_ID
from tests.contract.stacks import ALLOWED_ORIGIN, System
from tests.contract.wire import connected, open_wire, outcome_of_connecting

from cadenza.tokens.signer import Signer, SigningKey

requirement = pytest.mark.requirement


def hs256(system: System) -> str:
    return Signer(SigningKey.generate("HS256")).sign(claims(system))


def claims(system: System) -> dict[str, object]:
    now = int(time.time())
    return {"iss": system.issuer, "aud": "authenticated", "sub": "someone", "iat": now, "exp": now + 600}


def other_key(system: System, kid: str) -> str:
    return Signer(SigningKey.generate("ES256", kid=kid)).sign(claims(system))


def without_kid(system: System) -> str:
    """A good signature under a header that does not name its key."""
    whole = system.mint()
    payload = whole.split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{whole.split('.')[2]}"


#: Requirement, the token, and what connecting with it must lead to.
TOKENS: list[tuple[str, Callable[[System], str | None], str]] = [
    ("CONN-EXPIRED", lambda system: system.mint(exp=int(time.time()) - 10), "error 109"),
    ("CONN-NOT-YET", lambda system: system.mint(nbf=int(time.time()) + 300), "error 109"),
    ("CONN-SIGNATURE", lambda system: other_key(system, system.key.kid), "close 3500"),
    ("CONN-UNKNOWN-KID", lambda system: other_key(system, "unknown-" + secrets.token_hex(4)), "close 3500"),
    ("CONN-NO-KID", without_kid, "close 3500"),
    ("CONN-HS256", hs256, "close 3500"),
    ("CONN-GARBAGE", lambda _: "garbage", "close 3500"),
    ("CONN-GARBAGE", lambda _: "a.b.c", "close 3500"),
    ("CONN-AUDIENCE", lambda system: system.mint(aud="another"), "close 3500"),
    ("CONN-AUDIENCE", lambda system: system.mint(aud=["another", "authenticated"]), "connected"),
    ("CONN-ISSUER", lambda system: system.mint(iss="https://another.example"), "close 3500"),
    ("CONN-NO-SUB", lambda system: system.mint(sub=None), "close 3507"),
    ("CONN-CHANNEL-CLAIM", lambda system: system.mint(channel="news"), "close 3500"),
    ("CONN-NO-EXP", lambda system: system.mint(exp=None), "close 3500"),
    ("CONN-ANONYMOUS", lambda _: None, "connected"),
    ("CONN-ANONYMOUS", lambda _: "", "connected"),
]


@pytest.mark.parametrize(("id_", "token", "outcome"), TOKENS)
async def test_a_token_leads_to_its_outcome(
    system: System, id_: str, token: Callable[[System], str | None], outcome: str
) -> None:
    expected = BY_ID[id_].expected(system.name, outcome)
    assert await outcome_of_connecting(system, token(system)) == expected


@requirement("CONN-VALID")
async def test_a_valid_token_connects(system: System, account: Account) -> None:
    async with open_wire(system) as wire:
        reply = (await wire.ask(connect={"token": account.token}))["connect"]
    assert len(reply["client"]) == 36
    assert reply["version"]
    assert reply["expires"] is True
    assert 3590 <= reply["ttl"] <= 3600
    assert (reply["ping"], reply["pong"]) == (25, True)


@requirement("REFRESH-GOOD")
async def test_a_refresh_gives_the_new_ttl(system: System) -> None:
    async with connected(system, system.mint()) as wire:
        reply = await wire.ask(refresh={"token": system.mint(exp=int(time.time()) + 900)})
    assert reply["refresh"]["expires"] is True
    assert 895 <= reply["refresh"]["ttl"] <= 900


@pytest.mark.parametrize(
    ("id_", "token", "code"),
    [
        ("REFRESH-EXPIRED", lambda system: system.mint(exp=int(time.time()) - 10), 3005),
        ("REFRESH-GARBAGE", lambda _: "garbage", 3500),
        ("REFRESH-OTHER-USER", lambda system: system.mint(sub="another"), 3500),
    ],
)
async def test_a_bad_refresh_closes_the_socket(
    system: System, id_: str, token: Callable[[System], str], code: int
) -> None:
    assert id_ in BY_ID
    async with connected(system, system.mint()) as wire:
        await wire.send({"id": 2, "refresh": {"token": token(system)}})
        assert (await wire.closed())[0] == code


@requirement("EXPIRY")
async def test_a_socket_ends_after_its_token(system: System) -> None:
    async with connected(system, system.mint(exp=int(time.time()) + 2)) as wire:
        assert await wire.closed() == (3005, "connection expired")


@requirement("ORIGIN")
async def test_a_foreign_origin_is_refused(system: System) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with open_wire(system, origin="http://foreign.example"):
            pass
    assert refused.value.response.status_code == 403
    async with open_wire(system, origin=ALLOWED_ORIGIN) as wire:
        assert "connect" in await wire.ask(connect={})


@requirement("FRAME-BEFORE-CONNECT")
async def test_a_command_before_connect_ends_the_socket(system: System) -> None:
    async with open_wire(system) as wire:
        await wire.send({"id": 1, "rpc": {"method": "query.system.info"}})
        assert await wire.closed() == (3501, "bad request")


@requirement("FRAME-DOUBLE-CONNECT")
async def test_a_second_connect_ends_the_socket(system: System) -> None:
    async with connected(system) as wire:
        await wire.send({"id": 2, "connect": {}})
        assert await wire.closed() == (3501, "bad request")


@requirement("FRAME-INVALID")
@pytest.mark.parametrize("frame", ["not json", "[]", '{"id":', '{"id":1,"connect":7}'])
async def test_what_is_no_command_ends_the_socket(system: System, frame: str) -> None:
    async with open_wire(system) as wire:
        await wire.send_text(frame)
        assert await wire.closed() == (3501, "bad request")


@requirement("FRAME-TOO-BIG")
async def test_a_message_over_64_kib_ends_the_socket(system: System) -> None:
    async with connected(system) as wire:
        await wire.send({"id": 2, "rpc": {"method": "query.system.info", "data": "x" * 65_536}})
        assert (await wire.closed())[0] == 1009


@requirement("FRAME-UNKNOWN-FIELDS")
async def test_unknown_fields_are_ignored(system: System) -> None:
    async with open_wire(system) as wire:
        assert "connect" in await wire.ask(connect={"unknown": [1]}, more=True)


@requirement("FRAME-BATCH")
async def test_each_command_of_a_batch_is_answered_once(system: System) -> None:
    async with open_wire(system) as wire:
        calls = [{"id": id_, "rpc": {"method": "query.system.info"}} for id_ in range(2, 8)]
        await wire.send({"id": 1, "connect": {}}, *calls)
        for id_ in range(1, 8):
            assert "error" not in await wire.reply(id_)
        assert wire.order[0] == 1
        assert sorted(wire.order) == list(range(1, 8))
