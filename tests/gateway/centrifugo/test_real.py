"""The real Centrifugo takes what we write, and its options are those on record."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.gateway.centrifugo.mending import mended

from cadenza.gateway.centrifugo import CentrifugoConfig, Wanted, check, document, read_file, secret_environment, text
from tools import centrifugo_options

pytestmark = pytest.mark.real


@pytest.mark.parametrize("with_secrets", [True, False])
@pytest.mark.parametrize("redis_url", [None, "redis://:password@redis.example/1"])
def test_centrifugos_own_strict_check_takes_the_file(
    config: CentrifugoConfig, centrifugo: Path, tmp_path: Path, *, with_secrets: bool, redis_url: str | None
) -> None:
    config = msgspec.structs.replace(config, redis_url=redis_url)
    file = tmp_path / "centrifugo.json"
    file.write_text(text(document(config, with_secrets=with_secrets)))
    environment = {"PATH": os.defpath, **({} if with_secrets else secret_environment(config))}
    ran = subprocess.run(
        [centrifugo, "checkconfig", "--strict", "-c", file],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_record_of_options_is_what_the_program_says(centrifugo: Path) -> None:
    assert centrifugo_options.RECORD.read_text() == centrifugo_options.text(centrifugo_options.options_of(centrifugo))


def test_centrifugo_takes_a_file_that_was_mended_as_told(
    config: CentrifugoConfig, centrifugo: Path, tmp_path: Path
) -> None:
    """Centrifugo finds nothing wrong with the insecure one either: that is what `check` is for."""
    file = tmp_path / "centrifugo.json"
    insecure: dict[str, Any] = {
        "client": {"insecure": True, "allowed_origins": ["*"], "proxy": {"refresh": {"endpoint": "http://x"}}},
        "channel": {"namespaces": [{"name": "market", "allow_publish_for_anonymous": True}]},
        "http_api": {"insecure": True},
    }
    for made in (insecure, mended(insecure, {}, check(insecure, Wanted(config=config, known=True), {}))[0]):
        file.write_text(json.dumps(made))
        ran = subprocess.run(
            [centrifugo, "checkconfig", "--strict", "-c", file],
            env={"PATH": os.defpath, "CENTRIFUGO_VAR_CADENZA_PROXY_SECRET": "0123456789abcdef"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "content", ['{"Broker": {"TYPE": "no-such"}}', '{"broker": {"type": "x"}, "broker.type": "no-such"}']
)
def test_names_are_read_as_centrifugo_reads_them(centrifugo: Path, tmp_path: Path, content: str) -> None:
    file = tmp_path / "centrifugo.json"
    file.write_text(content)
    ran = subprocess.run([centrifugo, "checkconfig", "-c", file], capture_output=True, text=True, check=False, env={})
    assert "no-such" in ran.stdout
    assert read_file(file) == {"broker": {"type": "no-such"}}
