"""`cadenza gateway`: the file that Centrifugo is run with, from the backend's environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadenza.cli.exits import Exit

KEY, SECRET = "the-key-of-the-api", "the-secret-between-both"
PROVIDER = {"SUPABASE_URL": "https://ref.supabase.co"}
WHOLE = {**PROVIDER, "CADENZA_API_KEY": KEY, "CADENZA_PROXY_SECRET": SECRET}


def test_the_file_holds_the_secrets_and_is_private(cadenza: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "centrifugo.json"
    file.touch(mode=0o644)
    ran = cadenza("gateway", "config", "-o", str(file), environ=WHOLE)
    assert ran.code == Exit.OK, ran.err
    assert file.stat().st_mode & 0o777 == 0o600
    made = json.loads(file.read_text())
    assert made["http_api"]["key"] == KEY
    assert made["client"]["token"]["issuer"] == "https://ref.supabase.co/auth/v1"
    assert made["rpc"]["proxy"]["endpoint"] == "http://127.0.0.1:8080/proxy/rpc"
    assert KEY not in ran.out + ran.err
    assert "CADENZA_API_URL=http://127.0.0.1:9000/api" in ran.err


@pytest.mark.parametrize("environ", [PROVIDER, WHOLE])
def test_standard_output_never_holds_a_secret(cadenza: Callable[..., Any], environ: dict[str, str]) -> None:
    ran = cadenza("gateway", "config", environ=environ)
    assert ran.code == Exit.OK, ran.err
    json.loads(ran.out)
    assert KEY not in ran.out + ran.err
    assert SECRET not in ran.out + ran.err
    assert "CENTRIFUGO_HTTP_API_KEY, CENTRIFUGO_VAR_CADENZA_PROXY_SECRET" in ran.err


def test_a_file_for_centrifugos_own_environment_needs_no_secret(cadenza: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "centrifugo.json"
    ran = cadenza("gateway", "config", "--secrets-from-env", "-o", str(file), "--json", environ=PROVIDER)
    assert json.loads(ran.out) == {
        "file": str(file),
        "apiUrl": "http://127.0.0.1:9000/api",
        "variables": ["CENTRIFUGO_HTTP_API_KEY", "CENTRIFUGO_VAR_CADENZA_PROXY_SECRET"],
        "replaced": [],
    }
    assert "http_api" not in json.loads(file.read_text())


def test_while_a_secret_is_replaced_the_new_one_is_written_and_the_next_steps_are_said(
    cadenza: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "centrifugo.json"
    replacing = {**WHOLE, "CADENZA_API_KEY_PREVIOUS": "the-key-before"}
    ran = cadenza("gateway", "config", "-o", str(file), environ=replacing)
    assert "Restart every node" in ran.err
    assert "backends without CADENZA_API_KEY_PREVIOUS" in ran.err
    assert json.loads(file.read_text())["http_api"]["key"] == KEY
    assert "the-key-before" not in ran.err + file.read_text()
    ran = cadenza("gateway", "config", "-o", str(file), "--json", environ=replacing)
    assert json.loads(ran.out)["replaced"] == ["CADENZA_API_KEY_PREVIOUS"]


def test_options_and_environment_reach_the_file(cadenza: Callable[..., Any]) -> None:
    ran = cadenza(
        "gateway", "config", "--backend-url", "http://backend:9999/", "--address", "192.0.2.1", "--port", "8100",
        "--internal-address", "10.0.0.1", "--internal-port", "9100", "--allowed-origin", "https://one.example",
        environ={
            **PROVIDER, "REDIS_URL": "redis://r:6379", "CADENZA_ALLOWED_ORIGINS": "https://two.example",
            "CADENZA_ISSUER": "https://issuer.example",
        },
    )  # fmt: skip
    made = json.loads(ran.out)
    assert made["http_server"] == {
        "address": "192.0.2.1", "port": 8100, "internal_address": "10.0.0.1", "internal_port": "9100",
    }  # fmt: skip
    assert made["client"]["allowed_origins"] == ["https://one.example"]
    assert made["client"]["token"]["issuer"] == "https://issuer.example"
    assert made["client"]["token"]["jwks_public_endpoint"] == "http://backend:9999/.well-known/jwks.json"
    assert made["channel"]["proxy"]["subscribe"]["endpoint"] == "http://backend:9999/proxy/subscribe"
    assert made["engine"]["redis"]["address"] == ["redis://r:6379"]


@pytest.fixture
def in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a command writes is written there."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("argv", "environ", "says"),
    [
        ((), {}, "SUPABASE_URL is not set"),
        (("-o", "x.json"), PROVIDER, "CADENZA_API_KEY is not set"),
        (("-o", "nowhere/x.json"), WHOLE, "nowhere/x.json cannot be written"),
        ((), {**WHOLE, "CADENZA_API_KEY": "short"}, "CADENZA_API_KEY is shorter"),
        (("--port", "9000"), WHOLE, "--internal-port"),
        (("--allowed-origin", "*"), WHOLE, "--allowed-origin"),
        ((), {**WHOLE, "REDIS_URL": "memcached://x"}, "REDIS_URL is not"),
    ],
)
def test_a_wrong_setting_is_named_as_the_operator_knows_it(
    cadenza: Callable[..., Any], argv: tuple[str, ...], environ: dict[str, str], says: str, in_a_folder: None
) -> None:
    ran = cadenza("gateway", "config", *argv, environ=environ)
    assert ran.code == Exit.USAGE
    assert says in ran.err
    assert SECRET not in ran.err


@pytest.fixture
def written(cadenza: Callable[..., Any], tmp_path: Path) -> Path:
    """A file of ours."""
    file = tmp_path / "centrifugo.json"
    ran = cadenza("gateway", "config", "--allowed-origin", "https://app.example", "-o", str(file), environ=WHOLE)
    assert ran.code == Exit.OK
    return file


@pytest.mark.parametrize("environ", [{}, WHOLE, {**PROVIDER, "REDIS_URL": ""}])
def test_a_file_of_ours_is_good(cadenza: Callable[..., Any], written: Path, environ: dict[str, str]) -> None:
    ran = cadenza("gateway", "check", str(written), environ=environ)
    assert (ran.code, ran.out) == (Exit.OK, "Nothing is dangerous, and nothing is missing.\n"), ran


def test_secrets_that_run_would_hand_on_are_not_missing(cadenza: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "centrifugo.json"
    cadenza("gateway", "config", "--secrets-from-env", "-o", str(file), environ=PROVIDER)
    # As `cadenza gateway run` hands them on.
    assert cadenza("gateway", "check", str(file), environ=WHOLE).out.startswith("Nothing")
    alone = cadenza("gateway", "check", str(file), environ=PROVIDER)
    assert alone.code == Exit.OK
    assert "Set CENTRIFUGO_VAR_CADENZA_PROXY_SECRET in Centrifugo's environment" in alone.out


def test_a_dangerous_file_fails_and_says_what_to_change(cadenza: Callable[..., Any], written: Path) -> None:
    made = json.loads(written.read_text())
    del made["client"]["token"]["issuer"]
    written.write_text(json.dumps(made))
    ran = cadenza("gateway", "check", str(written), environ=WHOLE)
    assert ran.code == Exit.FAILED
    assert ran.out == (
        "danger: client.token.issuer (A4)\n"
        "  A token with any issuer connects, if the same keys verify it.\n"
        '  - Set client.token.issuer to "https://ref.supabase.co/auth/v1".\n'
        "This file is not one to run.\n"
    )
    told = json.loads(cadenza("gateway", "check", str(written), "--json", environ=WHOLE).out)
    assert told["good"] is False
    (finding,) = told["findings"]
    assert finding["row"] == "A4"
    assert finding["changes"] == [
        {"kind": "set", "where": ["client", "token", "issuer"], "value": "https://ref.supabase.co/auth/v1"}
    ]


def test_a_file_with_secrets_is_its_owners(cadenza: Callable[..., Any], written: Path) -> None:
    written.chmod(0o640)  # a group may be meant: the one that Centrifugo runs as
    assert cadenza("gateway", "check", str(written), environ=WHOLE).code == Exit.OK
    for mode in (0o644, 0o666, 0o660):
        written.chmod(mode)
        ran = cadenza("gateway", "check", str(written), environ=WHOLE)
        assert ran.code == Exit.FAILED
        assert f"chmod 600 {written}" in ran.out
    cadenza("gateway", "config", "--secrets-from-env", "-o", str(written), environ=PROVIDER)
    written.chmod(0o644)
    assert cadenza("gateway", "check", str(written), environ=WHOLE).code == Exit.OK


def test_the_environment_is_looked_at_too(cadenza: Callable[..., Any], written: Path) -> None:
    ran = cadenza("gateway", "check", str(written), environ={**WHOLE, "CENTRIFUGO_CLIENT_INSECURE": "true"})
    assert ran.code == Exit.FAILED
    assert "Unset CENTRIFUGO_CLIENT_INSECURE" in ran.out


def test_what_is_no_configuration_is_one_line(cadenza: Callable[..., Any], tmp_path: Path) -> None:
    ran = cadenza("gateway", "check", str(tmp_path / "nowhere.json"))
    assert ran.code == Exit.USAGE
    assert "cannot be read" in ran.err
