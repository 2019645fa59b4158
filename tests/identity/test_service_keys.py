"""A service key signed with ``GOTRUE_JWT_SECRET`` opens ``/admin`` here as at Supabase Auth; nothing else does."""

from __future__ import annotations

import base64

import pytest
from tests.identity.conftest import FakeClock, MakeProvider, Provider

from cadenza.identity.config import Secret
from cadenza.tokens.signer import Signer, SigningKey

SECRET = "a shared secret of more than thirty-two bytes"
ANOTHER = "another secret of more than thirty-two bytes.."


def key_of(secret: str, **claims: object) -> str:
    encoded = base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode()
    key = SigningKey.from_jwk({"kty": "oct", "k": encoded, "alg": "HS256", "key_ops": ["sign"]})
    return Signer(key).sign({"iss": "supabase", "role": "service_role", **claims})


async def asked(provider: Provider, bearer: str) -> int:
    answer = await provider.http.get("/admin/users", headers={"Authorization": f"Bearer {bearer}"})
    return answer.status_code


async def test_a_service_key_lists_the_users(make_provider: MakeProvider, clock: FakeClock) -> None:
    async with make_provider(shared_secret=Secret(SECRET)) as provider:
        assert await asked(provider, key_of(SECRET)) == 200
        assert await asked(provider, key_of(SECRET, exp=int(clock.now) + 60)) == 200


@pytest.mark.parametrize(
    ("secret", "claims"),
    [
        (ANOTHER, {}),
        (SECRET, {"role": "anon"}),
        (SECRET, {"role": "authenticated"}),
        (SECRET, {"exp": 1_000_000_000}),
    ],
)
async def test_what_is_no_service_key_is_refused(
    secret: str, claims: dict[str, object], make_provider: MakeProvider
) -> None:
    async with make_provider(shared_secret=Secret(SECRET)) as provider:
        assert await asked(provider, key_of(secret, **claims)) == 403


async def test_without_a_secret_there_are_no_service_keys(provider: Provider) -> None:
    assert await asked(provider, key_of(SECRET)) == 403
