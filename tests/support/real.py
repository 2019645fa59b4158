"""The real Centrifugo and the real Supabase Auth beside the tests, on loopback, each run with a fresh database.

The programs are named by ``CENTRIFUGO_BIN`` and ``SUPABASE_AUTH_BIN`` or stand on PATH. Supabase Auth needs
PostgreSQL: ``initdb``, ``postgres``, ``pg_isready`` and ``psql`` are looked for on PATH and where Debian keeps them.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.programs import Program, free_port

from cadenza.gateway.centrifugo import CentrifugoConfig, document, text
from cadenza.identity.access_token_hook import HOOK_URI, hook_sql

_BARE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
_AUTH_ROLE = "supabase_auth_admin"
_POSTGRES_OPTIONS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "timezone": "UTC"}
#: Faster at the cost of what a test never needs: surviving a crash.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
#: Supabase Auth keeps no idle connection unless it is told how many: each statement of a request would open one of its
#: own, and SCRAM costs both sides more than all else (``ApplyConfig`` in its ``internal/storage/dial.go``).
POOL = {"GOTRUE_DB_MAX_POOL_SIZE": "20", "GOTRUE_DB_MAX_IDLE_POOL_SIZE": "20"}


@dataclass(frozen=True, kw_only=True)
class RealPrograms:
    """Where the two programs and PostgreSQL's stand."""

    centrifugo: Path
    supabase_auth: Path
    postgres: Path


def find_programs(environ: Mapping[str, str]) -> RealPrograms | str:
    """Return the programs, or in words what is missing."""
    centrifugo = environ.get("CENTRIFUGO_BIN") or shutil.which("centrifugo")
    supabase_auth = environ.get("SUPABASE_AUTH_BIN") or shutil.which("supabase-auth")
    missing = [
        name for name, path in (("CENTRIFUGO_BIN", centrifugo), ("SUPABASE_AUTH_BIN", supabase_auth)) if not path
    ]
    postgres = find_postgres()
    if postgres is None:
        missing.append("PostgreSQL (initdb)")
    if missing or centrifugo is None or supabase_auth is None or postgres is None:
        return f"the real programs were not given: {', '.join(missing)}"
    return RealPrograms(centrifugo=Path(centrifugo), supabase_auth=Path(supabase_auth), postgres=postgres)


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs, if it is installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def run_postgres(programs: Path, *, durable: bool = False) -> Iterator[Postgres]:
    """Run a throw-away cluster; as root it runs as the user ``postgres``, for PostgreSQL refuses root.

    ``durable``: what is committed is on the disk, as PostgreSQL is delivered; for measurements.
    """
    drop: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    # Not pytest's own folder: the user postgres may not enter that.
    work = Path(tempfile.mkdtemp(prefix="cadenza-postgres-"))
    try:
        password = secrets.token_urlsafe(18)
        password_file = work / "password"
        password_file.write_text(password)
        password_file.chmod(0o600)
        if drop:
            owner = pwd.getpwnam("postgres")
            os.chown(work, owner.pw_uid, owner.pw_gid)
            os.chown(password_file, owner.pw_uid, owner.pw_gid)
        _run(
            [
                f"{programs}/initdb", "-D", f"{work}/data", "-U", "postgres", "-A", "scram-sha-256",
                f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            ],
            **drop,
        )  # fmt: skip
        port = free_port()
        chosen = _POSTGRES_OPTIONS if durable else {**_POSTGRES_OPTIONS, **_FORGETFUL}
        options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        server = Program(
            [f"{programs}/postgres", "-D", f"{work}/data", "-p", str(port), *options],
            environment=_BARE,
            log=work / "postgres.log",
            stop_signal=signal.SIGINT,  # "fast" shutdown
            cwd="/",
            **drop,
        )
        try:
            cluster = Postgres(programs, port, password)
            server.wait_until(cluster.is_ready)
            yield cluster
        finally:
            server.stop()
    finally:
        shutil.rmtree(work)


class Postgres:
    """A running cluster."""

    def __init__(self, programs: Path, port: int, password: str) -> None:
        self.port = port
        self._programs = programs
        self._environment = {**_BARE, "PGPASSWORD": password}

    def is_ready(self) -> bool:
        """Say whether it takes connections."""
        probe = [f"{self._programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(probe, env=_BARE, check=False).returncode == 0  # the tests' own command

    def sql(self, database: str, *statements: str) -> None:
        """Run statements, one after another, as the superuser."""
        words = [word for statement in statements for word in ("-c", statement)]
        base = [f"{self._programs}/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        _run([*base, "-v", "ON_ERROR_STOP=1", "-qAt", *words], env=self._environment)

    def make_auth_database(self) -> str:
        """Make an empty database ready for Supabase Auth's migrations; return its URL."""
        database, password = "auth_" + secrets.token_hex(4), secrets.token_hex(16)
        self.sql(
            "postgres",
            f"CREATE ROLE {_AUTH_ROLE} NOINHERIT CREATEROLE LOGIN PASSWORD '{password}'",
            f"ALTER ROLE {_AUTH_ROLE} SET search_path = 'auth'",
            f"CREATE DATABASE {database} OWNER {_AUTH_ROLE}",
        )
        self.sql(
            database,
            f"CREATE SCHEMA auth AUTHORIZATION {_AUTH_ROLE}",
            hook_sql(),
        )
        return f"postgres://{_AUTH_ROLE}:{password}@127.0.0.1:{self.port}/{database}?sslmode=disable"


@contextlib.contextmanager
def run_supabase_auth(
    program: Path,
    *,
    database_url: str,
    private_jwk: Mapping[str, Any],
    external_url: str,
    log: Path,
    reuse_interval_seconds: int = 10,
    further: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run Supabase Auth with one asymmetric key; yield its bare address.

    ``external_url`` is where clients see it, behind Supabase's gateway; its tokens name it as issuer. ``further``:
    more of its settings.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    key = {**private_jwk, "use": "sig", "key_ops": ["sign", "verify"]}
    environment = {
        **_BARE,
        "PORT": str(port),
        "API_EXTERNAL_URL": external_url,
        "DB_NAMESPACE": "auth",
        "DATABASE_URL": database_url,
        "GOTRUE_API_HOST": "127.0.0.1",
        "GOTRUE_DB_DRIVER": "postgres",
        **POOL,
        "GOTRUE_SITE_URL": "http://127.0.0.1:3000",
        "GOTRUE_JWT_SECRET": secrets.token_hex(32),
        "GOTRUE_JWT_KEYS": json.dumps([key]),
        "GOTRUE_JWT_VALID_METHODS": str(key["alg"]),
        "GOTRUE_JWT_ISSUER": external_url,
        "GOTRUE_JWT_AUD": "authenticated",
        "GOTRUE_JWT_EXP": "3600",
        "GOTRUE_JWT_DEFAULT_GROUP_NAME": "authenticated",
        "GOTRUE_JWT_ADMIN_ROLES": "service_role,supabase_admin",
        "GOTRUE_MAILER_AUTOCONFIRM": "true",
        "GOTRUE_PASSWORD_MIN_LENGTH": "8",
        "GOTRUE_SECURITY_REFRESH_TOKEN_REUSE_INTERVAL": str(reuse_interval_seconds),
        "GOTRUE_HOOK_CUSTOM_ACCESS_TOKEN_ENABLED": "true",
        "GOTRUE_HOOK_CUSTOM_ACCESS_TOKEN_URI": HOOK_URI,
        **(further or {}),
    }
    _run([str(program), "migrate"], env=environment)
    server = Program([str(program), "serve"], environment=environment, log=log, cwd="/")
    try:
        server.wait_for_http(f"{address}/health")
        yield address
    finally:
        server.stop()


@contextlib.contextmanager
def run_centrifugo(
    program: Path, config: CentrifugoConfig, *, folder: Path, change: Callable[[dict[str, Any]], None] | None = None
) -> Iterator[None]:
    """Run Centrifugo with the file that Cadenza makes of ``config``; its own strict check must accept it first.

    ``change``: what a test does to the file before.
    """
    made: dict[str, Any] = dict(document(config))
    if change is not None:
        change(made)
    file = folder / "centrifugo.json"
    file.touch(mode=0o600)
    file.write_text(text(made))
    _run([str(program), "checkconfig", "--strict", "-c", str(file)])
    server = Program([str(program), "-c", str(file)], environment=_BARE, log=folder / "centrifugo.log", cwd="/")
    try:
        server.wait_for_http(f"{config.internal_url}/health")
        yield
    finally:
        server.stop()


def _run(command: list[str], env: Mapping[str, str] | None = None, **options: Any) -> None:
    done = subprocess.run(  # the tests' own command
        command, env=dict(env or _BARE), cwd="/", capture_output=True, text=True, timeout=60, check=False, **options
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
