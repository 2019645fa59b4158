"""What the tests of this room share: a clock, a provider of keys, and a forge for tokens nobody would issue."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable, Coroutine, Mapping
from functools import cache
from typing import TypeVar

import msgspec
import pytest

from cadenza.errors import AuthError, KeysUnavailableError, TokenFormatError, TokenInvalidError
from cadenza.tokens.jwks import FetchedKeys, KeySet, RemoteKeySet, StaticKeySet
from cadenza.tokens.keys import VerificationKey
from cadenza.tokens.signer import Signer, SigningKey, _signature
from cadenza.tokens.verifier import Verifier

ISSUER = "http://127.0.0.1:54321/auth/v1"
AUDIENCE = "authenticated"
USER = "0431e3c4-c1b4-4cd8-b677-7b4f1bfbe289"
START = 1_795_430_000.0
#: Every await of these tests ends within this many seconds.
DEADLINE = 10

T = TypeVar("T")
Sign = Callable[[bytes], bytes]


class Clock:
    """Time that moves when told to."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Provider:
    """An identity provider's JWKS endpoint: what it publishes, whether it is up, how often it was asked."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.body: bytes | None = None
        self.max_age: float | None = 600
        self.error: Exception | None = None
        self.fetches = 0
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked = asyncio.Event()

    async def __call__(self) -> FetchedKeys:
        self.fetches += 1
        self.asked.set()
        await self.answering.wait()
        if self.error is not None:
            raise self.error
        body = msgspec.json.encode({"keys": [key.public_jwk() for key in self.keys]})
        return FetchedKeys(body if self.body is None else self.body, self.max_age)

    def go_down(self) -> None:
        self.error = ConnectionRefusedError("nobody listens")

    def come_up(self) -> None:
        self.error = None


@cache
def key_for(alg: str = "ES256", kid: str = "key-1") -> SigningKey:
    """A key of that algorithm and id, made once."""
    return SigningKey.generate(alg, kid=kid)


def claims(**changes: object) -> dict[str, object]:
    """Claims as Supabase Auth writes them; ``None`` leaves one out."""
    whole: dict[str, object] = {
        "iss": ISSUER,
        "sub": USER,
        "aud": AUDIENCE,
        "exp": int(START) + 3600,
        "iat": int(START),
        "email": "somebody@example.com",
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"email_verified": True},
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": int(START)}],
        "session_id": "fa0db7d6-0201-46bc-96ed-ef42803ba424",
        "is_anonymous": False,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def token(key: SigningKey | None = None, /, **changes: object) -> str:
    """A token as the provider issues it."""
    return Signer(key or key_for()).sign(claims(**changes))


def at_once(coroutine: Coroutine[object, object, T]) -> T:
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    message = "it waited"
    raise AssertionError(message)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signature_by(key: SigningKey) -> Sign:
    return lambda signed: _signature(key._key, signed)


def forge(header: Mapping[str, object] | bytes, payload: Mapping[str, object] | bytes, sign: Sign) -> str:
    """A token of any header and claims, whoever signs it; bytes stand as they are."""
    parts = [part if isinstance(part, bytes) else msgspec.json.encode(part) for part in (header, payload)]
    signed = ".".join(base64url(part) for part in parts)
    return f"{signed}.{base64url(sign(signed.encode()))}"


def signed_with(header: Mapping[str, object], key: SigningKey | None = None, /, **changes: object) -> str:
    """A token that is right but for what is added to its header (``None`` takes a member away) or its claims."""
    key = key or key_for()
    members = {"alg": key.alg, "kid": key.kid, "typ": "JWT", **header}
    return forge({n: v for n, v in members.items() if v is not None}, claims(**changes), signature_by(key))


def signed_raw(payload: bytes, key: SigningKey | None = None) -> str:
    """A token whose claims are these very bytes."""
    key = key or key_for()
    return forge({"alg": key.alg, "kid": key.kid, "typ": "JWT"}, payload, signature_by(key))


def remote(provider: Provider, clock: Clock, **options: float) -> RemoteKeySet:
    return RemoteKeySet(provider, clock=clock, **options)


def verifier(keys: KeySet | None = None, clock: Clock | None = None, **options: object) -> Verifier:
    """A verifier of this room's issuer, by default for ``key_for()`` alone."""
    arguments: dict[str, object] = {"issuer": ISSUER, "audience": AUDIENCE, "clock": clock or Clock(), **options}
    return Verifier(
        keys or StaticKeySet([key_for().public_jwk()]),
        **arguments,  # type: ignore[arg-type]  # options are the verifier's own, by name
    )


def mac_with(secret: bytes) -> Sign:
    return lambda signed: hmac.digest(secret, signed, "sha256")


def with_signature(text: str, signature: bytes) -> str:
    return f"{text.rpartition('.')[0]}.{base64url(signature)}"


def signature_of(text: str) -> bytes:
    encoded = text.rpartition(".")[2]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


async def assert_refused(text: str, checker: Verifier | None = None) -> AuthError:
    checker = checker or verifier()
    with pytest.raises((TokenFormatError, TokenInvalidError)) as caught:
        await checker.verify(text)
    assert checker.cached(text) is None
    return caught.value


async def settled() -> None:
    """Let a fetch that nobody waits for come to its end; the provider's answer is already there."""
    for _ in range(10):
        await asyncio.sleep(0)


async def outcome(keys: RemoteKeySet, kid: str) -> VerificationKey | type[Exception]:
    try:
        async with asyncio.timeout(DEADLINE):
            return await keys.find(kid)
    except (TokenInvalidError, KeysUnavailableError) as error:
        return type(error)
