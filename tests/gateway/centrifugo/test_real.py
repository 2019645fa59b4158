"""The real Centrifugo takes what we write, and its options are those on record."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from cadenza.gateway.centrifugo import CentrifugoConfig, document, secret_environment, text
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
