"""The same environment files configure this provider and the real Supabase Auth, and both then say the same of it."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.identity.conftest import CHEAP
from tests.identity.test_environment import recorded
from tests.support.programs import Program, free_port
from tests.support.real import RealPrograms, find_programs, run_postgres

from cadenza.identity import IdentityServer
from cadenza.identity.environment import read_environment

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})

pytestmark = pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))


@pytest.fixture(scope="module")
def programs() -> RealPrograms:
    assert not isinstance(_REAL, str)
    return _REAL


@pytest.fixture(scope="module")
def database_url(programs: RealPrograms) -> Iterator[str]:
    with run_postgres(programs.postgres) as cluster:
        url = cluster.make_auth_database()
        environ = {"PATH": os.defpath, **recorded("G1"), "DATABASE_URL": url}
        command = [str(programs.supabase_auth), "migrate"]
        subprocess.run(command, env=environ, cwd="/", check=True, capture_output=True, timeout=60)
        yield url


@pytest.mark.parametrize("setup", ["G1", "G2", "G3", "G4"])
async def test_one_file_configures_either(
    setup: str, programs: RealPrograms, database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    environ = {**recorded(setup), "PORT": str(port), "DATABASE_URL": database_url}
    bare = {"PATH": os.defpath, "HOME": str(tmp_path), **environ}
    real = Program([str(programs.supabase_auth), "serve"], environment=bare, log=tmp_path / "auth.log", cwd="/")
    ours = read_environment(environ).config(data_dir=tmp_path / "data", port=0)
    try:
        real.wait_for_http(f"http://127.0.0.1:{port}/health")
        async with (
            IdentityServer(dataclasses.replace(ours, hashing=CHEAP)) as server,
            httpx.AsyncClient(trust_env=False) as http,
        ):
            answers = [
                [(await http.get(f"{address}/{name}")).json() for name in ("settings", ".well-known/jwks.json")]
                for address in (f"http://127.0.0.1:{port}", server.config.listening_url)
            ]
    finally:
        real.stop()

    (real_settings, real_keys), (our_settings, our_keys) = answers
    for name in ("disable_signup", "mailer_autoconfirm", "phone_autoconfirm"):
        assert our_settings[name] == real_settings[name], name
    for name in ("anonymous_users", "email", "phone", "keycloak", "github"):
        assert our_settings["external"][name] == real_settings["external"][name], name
    if "GOTRUE_JWT_KEYS" in environ:
        kids = [{key["kid"]: key["n"] for key in keys["keys"] if "n" in key} for keys in (real_keys, our_keys)]
        assert kids[0] == kids[1]
