"""The real Supabase Auth gives users no copy of their account and no way to end it: the SDK says so, and what to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.real import find_programs, run_postgres, run_supabase_auth

from cadenza.client.auth.provider import HttpSignIn
from cadenza.errors import NotOfferedError
from cadenza.tokens.signer import SigningKey

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})

pytestmark = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]

BODY = {"email": "ann@example.com", "password": "Password-123"}


@pytest.fixture
def supabase_auth(tmp_path: Path) -> Iterator[str]:
    assert not isinstance(_REAL, str)
    with (
        run_postgres(_REAL.postgres) as cluster,
        run_supabase_auth(
            _REAL.supabase_auth,
            database_url=cluster.make_auth_database(),
            private_jwk=SigningKey.generate("ES256").private_jwk(),
            external_url="http://127.0.0.1:9",
            log=tmp_path / "supabase-auth.log",
        ) as url,
    ):
        yield url


async def test_what_it_does_not_offer_is_a_typed_error_and_nothing_happens(supabase_auth: str) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as http:
        token = (await http.post(f"{supabase_auth}/signup", json=BODY)).json()["access_token"]
        provider = HttpSignIn(supabase_auth, deadline_seconds=10, trust_environment=False)
        with pytest.raises(NotOfferedError, match="administrator reads the user"):
            await provider.export(token)
        with pytest.raises(NotOfferedError, match="administrator deletes the user"):
            await provider.delete_account(token, "123456")
        assert (await provider.user(token)).email == BODY["email"]
        await provider.close()
