"""The real Supabase Auth and ours beside each other, asked the same by the same administrator.

Above: ``test_*_real.py``. Below: ``support.real``.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.support.real import RealPrograms, run_postgres, run_supabase_auth

from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config import GivenKeys
from cadenza.tokens.signer import Signer, SigningKey

DATED = {"X-Supabase-Api-Version": "2024-01-01"}
#: What the real one calls itself; its tokens name it, and ours believes that issuer here.
ISSUER = "http://127.0.0.1:9"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Real:
    """A running Supabase Auth."""

    url: str
    key: SigningKey


@dataclasses.dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two."""

    name: str
    url: str
    http: httpx.AsyncClient
    admin_token: str

    async def ask(self, method: str, path: str, body: Any = None, *, bearer: str | None = None) -> httpx.Response:
        """Ask, as the administrator unless told otherwise. A body that is text or bytes goes as it stands."""
        token = self.admin_token if bearer is None else bearer
        headers = {**DATED, **({"Authorization": f"Bearer {token}"} if token else {})}
        content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None
        json = None if content is not None else body
        return await self.http.request(method, self.url + path, json=json, content=content, headers=headers)


@contextmanager
def running_real(programs: RealPrograms, folder: Path, further: dict[str, str]) -> Iterator[Real]:
    """Run the real one on a database of its own."""
    key = SigningKey.generate("ES256")
    with (
        run_postgres(programs.postgres) as cluster,
        run_supabase_auth(
            programs.supabase_auth,
            database_url=cluster.make_auth_database(),
            private_jwk=key.private_jwk(),
            external_url=ISSUER,
            log=folder / "supabase-auth.log",
            further=further,
        ) as url,
    ):
        yield Real(url=url, key=key)


@asynccontextmanager
async def beside(real: Real, config: IdentityConfig, **changes: Any) -> AsyncIterator[tuple[Side, Side]]:
    """Run ours beside it, with the same key: the real one first."""
    settings = dataclasses.replace(
        config,
        port=0,
        path_prefixes=("",),
        issuer=ISSUER,
        given_keys=GivenKeys(jwks=(real.key.private_jwk(),)),
        **changes,
    )
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "authenticated", "role": "service_role", "iat": now, "exp": now + 3600}
    token = Signer(real.key).sign(claims)
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http, IdentityServer(settings) as server:
        yield (
            Side(name="theirs", url=real.url, http=http, admin_token=token),
            Side(name="ours", url=server.url, http=http, admin_token=token),
        )
