"""`cadenza identity`: the provider alone as a program, configured as Supabase Auth is, its keys changed under it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.identity.browsing import fields, walk

from cadenza.identity.access_token_hook import HOOK_URI, hook_sql

_DEADLINE_SECONDS = 30.0

Start = Callable[..., dict[str, Any]]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def start(program: list[str], environment: dict[str, str]) -> Iterator[Start]:
    """Start ``cadenza identity serve`` and read what it announces; the process is under ``process``."""
    started: list[subprocess.Popen[str]] = []

    def serve(*options: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
        process = subprocess.Popen(  # the program under test
            [*program, "identity", "serve", "--json", *options],
            env={**environment, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=_DEADLINE_SECONDS)[1]
        return {**json.loads(line), "process": process}

    yield serve
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=_DEADLINE_SECONDS)


@pytest.fixture
def run(program: list[str], environment: dict[str, str]) -> Run:
    """Run a command to its end."""

    def ran(*argv: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, *argv],
            env={**environment, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
        )

    return ran


def test_it_answers_on_the_bare_paths_and_under_the_gateways(start: Start) -> None:
    announced = start("--port", "0")
    with httpx.Client(trust_env=False) as http:
        for prefix in ("", "/auth/v1"):
            assert http.get(f"{announced['listeningUrl']}{prefix}/health").status_code == 200
        assert announced["identityUrl"] == announced["listeningUrl"] + "/auth/v1"
        assert http.get(announced["jwksUrl"]).json()["keys"]
    process = announced["process"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=_DEADLINE_SECONDS)
    assert (process.returncode, out) == (0, "")
    assert "Stopped" in err


def test_one_file_of_supabase_auths_configures_it_and_goes_before_the_environment(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "auth.env"
    file.write_text(
        "PORT=0\nGOTRUE_DISABLE_SIGNUP=true\nGOTRUE_JWT_ISSUER=https://issuer.example\nGOTRUE_SAML_ENABLED=1\n"
    )
    announced = start("--env-file", str(file), environ={"GOTRUE_DISABLE_SIGNUP": "false"})
    with httpx.Client(trust_env=False) as http:
        settings = http.get(f"{announced['identityUrl']}/settings").json()

    assert (settings["disable_signup"], settings["mailer_autoconfirm"]) == (True, False)
    assert announced["issuer"] == "https://issuer.example"
    assert announced["warnings"] == ["GOTRUE_SAML_ENABLED is not supported here and has no effect."]


def test_a_misspelt_variable_is_an_error_with_the_right_name(run: Run) -> None:
    ended = run("identity", "serve", environ={"GOTRUE_SITEURL": "https://secret.example"})

    assert ended.returncode == 2
    assert "GOTRUE_SITE_URL" in ended.stderr
    assert "secret.example" not in ended.stderr


def test_beyond_loopback_it_listens_only_when_told(run: Run, start: Start) -> None:
    refused = run("identity", "serve", "--port", "0", environ={"GOTRUE_API_HOST": "0.0.0.0"})  # noqa: S104
    assert refused.returncode == 2
    assert "--allow-beyond-loopback" in refused.stderr

    announced = start("--port", "0", "--host", "0.0.0.0", "--allow-beyond-loopback")  # noqa: S104
    port = announced["listeningUrl"].rsplit(":", 1)[1]
    assert httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200


def test_production_is_refused_unless_insisted_on(run: Run, start: Start) -> None:
    refused = run("identity", "serve", "--port", "0", environ={"CADENZA_ENV": "production"})
    assert refused.returncode == 2
    assert "--allow-production" in refused.stderr

    start("--port", "0", "--allow-production", environ={"CADENZA_ENV": "production"})


def test_a_certificate_without_its_key_is_a_mistake_in_the_command(run: Run) -> None:
    ended = run("identity", "serve", "--tls-cert", "cert.pem")

    assert ended.returncode == 2
    assert "--tls-key" in ended.stderr


def test_a_data_folder_is_used_by_one_at_a_time(start: Start, run: Run) -> None:
    start("--port", "0")
    ended = run("identity", "serve", "--port", "0")

    assert ended.returncode == 2
    assert "in use" in ended.stderr


def test_a_rotation_beside_a_running_provider_is_seen_at_once(start: Start, run: Run, tmp_path: Path) -> None:
    announced = start("--port", "0")
    before = json.loads(run("identity", "keys", "--json").stdout)["keys"]
    rotated = json.loads(run("identity", "rotate-keys", "--lead", "0", "--json").stdout)["keys"]
    with httpx.Client(trust_env=False) as http:
        published = [key["kid"] for key in http.get(announced["jwksUrl"]).json()["keys"]]
        run("identity", "rotate-keys", "--revoke", before[0]["kid"])
        after_revocation = [key["kid"] for key in http.get(announced["jwksUrl"]).json()["keys"]]

    assert [key["state"] for key in before] == ["current"]
    assert [key["state"] for key in rotated] == ["retired", "current"]
    assert published == [key["kid"] for key in rotated]
    assert after_revocation == published[1:]


def test_listing_the_keys_shows_nothing_private(start: Start, run: Run, tmp_path: Path) -> None:
    start("--port", "0")
    stored = json.loads((tmp_path / "data" / "identity" / "signing-keys.json").read_text())["keys"][0]
    for options in ((), ("--json",)):
        ended = run("identity", "keys", *options)
        assert ended.returncode == 0
        assert stored["kid"] in ended.stdout
        assert stored["d"] not in ended.stdout


def test_without_keys_it_is_said_where_they_were_looked_for(run: Run, tmp_path: Path) -> None:
    ended = run("identity", "keys")

    assert ended.returncode == 2
    assert str(tmp_path / "data" / "identity") in ended.stderr


def test_a_second_provider_signs_in_through_the_test_provider_of_the_first(start: Start, tmp_path: Path) -> None:
    first = start("--port", "0", "--test-provider")
    keycloak = {
        "GOTRUE_EXTERNAL_KEYCLOAK_ENABLED": "true",
        "GOTRUE_EXTERNAL_KEYCLOAK_CLIENT_ID": "any",
        "GOTRUE_EXTERNAL_KEYCLOAK_SECRET": "any",
        "GOTRUE_EXTERNAL_KEYCLOAK_URL": f"{first['identityUrl']}/test-provider",
    }
    second = start("--port", "0", "--data-dir", str(tmp_path / "second"), environ=keycloak)
    end = "http://127.0.0.1:53684/callback"

    back = asyncio.run(
        walk(
            f"{second['identityUrl']}/authorize?provider=keycloak&redirect_to={end}", email="ann@example.com", until=end
        )
    )

    with httpx.Client(trust_env=False) as http:
        bearer = {"authorization": f"Bearer {fields(back)['access_token']}"}
        user = http.get(f"{second['identityUrl']}/user", headers=bearer).json()
    assert (user["email"], user["app_metadata"]["provider"]) == ("ann@example.com", "keycloak")


def test_the_test_provider_is_not_served_where_other_machines_reach_it(run: Run) -> None:
    done = run("identity", "serve", "--port", "0", "--host", "0.0.0.0", "--allow-beyond-loopback", "--test-provider")  # noqa: S104 - refused

    assert done.returncode != 0
    assert "--test-provider" in done.stderr


def test_the_hook_for_a_real_provider_is_printed_as_sql_alone(run: Run) -> None:
    printed = run("identity", "hook-sql")
    assert printed.returncode == 0
    assert printed.stderr == ""
    assert printed.stdout == hook_sql()
    assert HOOK_URI in printed.stdout
    assert json.loads(run("identity", "hook-sql", "--json").stdout) == {"uri": HOOK_URI, "sql": hook_sql()}


def test_a_token_of_the_operators_opens_admin_and_nothing_else_is_on_standard_output(
    start: Start, run: Run, tmp_path: Path
) -> None:
    announced = start("--port", "0")
    users = f"{announced['identityUrl']}/admin/users"
    made = run("identity", "admin-token", "--ttl", "60")
    file = tmp_path / "token.txt"
    written = run("identity", "admin-token", "--json", "--output", str(file))

    with httpx.Client(trust_env=False) as http:
        for token in (made.stdout.rstrip("\n"), file.read_text().rstrip("\n")):
            assert token not in made.stderr + written.stderr + written.stdout
            assert http.get(users, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(written.stdout)["role"] == "service_role"


def test_a_token_of_the_operators_is_not_shown_on_a_terminal_by_mistake(
    start: Start, program: list[str], environment: dict[str, str]
) -> None:
    start("--port", "0")
    for options, code in (((), 2), (("--show",), 0)):
        mine, theirs = pty.openpty()
        streams = {"stdin": theirs, "stdout": theirs, "stderr": subprocess.PIPE}
        process = subprocess.Popen([*program, "identity", "admin-token", *options], env=environment, **streams)  # type: ignore[call-overload]  # streams of a child
        os.close(theirs)
        _, err = process.communicate(timeout=_DEADLINE_SECONDS)
        assert process.returncode == code
        assert (b"--show" in err) is (code == 2)
        if code == 0:
            assert os.read(mine, 4096).startswith(b"eyJ")
        os.close(mine)


def test_a_token_for_a_provider_that_never_ran_is_not_made(run: Run) -> None:
    ended = run("identity", "admin-token")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "cadenza identity serve" in ended.stderr
