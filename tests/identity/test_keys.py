"""Key files are made once, for their owner only, and refused when they cannot be trusted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig
from cadenza.identity.keys import KeyRing, load_key_ring


def load(folder: Path, algorithm: str = "ES256") -> KeyRing:
    return load_key_ring(IdentityConfig(data_dir=folder, signing_algorithm=algorithm), random_bytes=os.urandom)


def test_a_first_start_makes_private_files_in_a_private_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"

    load(folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {entry.name: entry.stat().st_mode & 0o777 for entry in folder.iterdir()}
    assert modes == {"signing-keys.json": 0o600, "refresh-token.key": 0o600}


def test_a_second_start_finds_the_same_keys(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path)

    assert first.public_keys == second.public_keys
    assert first.refresh_token_key == second.refresh_token_key


@pytest.mark.parametrize(("algorithm", "kty"), [("ES256", "EC"), ("RS256", "RSA"), ("EdDSA", "OKP")])
def test_what_is_published_is_public(algorithm: str, kty: str, tmp_path: Path) -> None:
    (key,) = load(tmp_path, algorithm).public_keys

    assert (key["kty"], key["alg"], key["use"], key["key_ops"]) == (kty, algorithm, "sig", ["verify"])
    assert key["kid"]
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)


def test_an_older_key_is_published_beside_the_one_that_signs(tmp_path: Path) -> None:
    load(tmp_path / "old")
    load(tmp_path)
    old = json.loads((tmp_path / "old" / "signing-keys.json").read_text())["keys"][0]
    path = tmp_path / "signing-keys.json"
    keys = json.loads(path.read_text())["keys"]
    path.write_text(json.dumps({"keys": [*keys, {**old, "key_ops": ["verify"]}]}))

    ring = load(tmp_path)

    assert [key["kid"] for key in ring.public_keys] == [keys[0]["kid"], old["kid"]]
    assert ring.signer.key.kid == keys[0]["kid"]
    assert all("d" not in key for key in ring.public_keys)


@pytest.mark.parametrize("name", ["signing-keys.json", "refresh-token.key"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_key_that_others_can_reach_is_refused_with_the_remedy(name: str, mode: int, tmp_path: Path) -> None:
    load(tmp_path)
    tmp_path.joinpath(name).chmod(mode)

    with pytest.raises(ConfigurationError, match="can be read by others") as caught:
        load(tmp_path)

    assert caught.value.next_step == f"Run: chmod 600 {tmp_path / name}"


SIGNING = ("signing-keys.json", "Restore it")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("signing-keys.json", b""),
        ("signing-keys.json", b"{"),
        ("signing-keys.json", b"\xff\xff"),
        ("signing-keys.json", b"[]"),
        ("signing-keys.json", b'{"keys":[]}'),
        ("signing-keys.json", b'{"keys":[{"kty":"EC","key_ops":["sign"],"d":"private-part"}]}'),
        ("signing-keys.json", b'{"keys":[{"kty":"oct","key_ops":"sign","k":"private-part"}]}'),
        ("refresh-token.key", b""),
        ("refresh-token.key", b"not hexadecimal private-part"),
        ("refresh-token.key", b"00ff"),
        ("refresh-token.key", b"\xff" * 64),
    ],
)
def test_a_broken_key_file_is_refused_without_being_quoted(name: str, content: bytes, tmp_path: Path) -> None:
    load(tmp_path)
    tmp_path.joinpath(name).write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path)

    assert str(tmp_path / name) in caught.value.message
    assert "private-part" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_two_keys_that_sign_are_one_too_many(tmp_path: Path) -> None:
    load(tmp_path)
    path = tmp_path / "signing-keys.json"
    (key,) = json.loads(path.read_text())["keys"]
    path.write_text(json.dumps({"keys": [key, key]}))

    with pytest.raises(ConfigurationError, match="2 keys with 'sign'"):
        load(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    tmp_path.joinpath("data").write_text("")

    with pytest.raises(ConfigurationError, match="cannot be made"):
        load(tmp_path / "data")


def test_keys_never_show(tmp_path: Path) -> None:
    ring = load(tmp_path)
    private = json.loads((tmp_path / "signing-keys.json").read_text())["keys"][0]["d"]

    assert private not in f"{ring!r} {ring}"
    assert ring.refresh_token_key.hex() not in repr(ring)
