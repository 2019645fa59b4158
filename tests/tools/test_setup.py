"""tools/setup on a machine that lacks something: one clear line, and nothing half installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What a bare system has; no Python, no package manager unless a test adds one.
TRUE = shutil.which("true")
BARE = ("bash", "cat", "cut", "dirname", "sha256sum", "rm", "env", "grep")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the set-up reads, and a PATH of its own."""
    folder = tmp_path / "checkout"
    for name in ("tools/setup", "requirements/run.txt", "pyproject.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in BARE:
        found = shutil.which(name)
        assert found, f"this system has no {name}"
        (programs / name).symlink_to(found)
    return folder


def add(checkout: Path, name: str, script: str) -> None:
    program = checkout.parent / "bin" / name
    program.write_text(f"#!{shutil.which('bash')}\n{script}\n")
    program.chmod(0o755)


def set_up(checkout: Path, first_on_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    folders = [folder for folder in (first_on_path, checkout.parent / "bin") if folder]
    return subprocess.run(
        [checkout / "tools" / "setup", "run"],
        env={"PATH": ":".join(map(str, folders))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_root_the_missing_package_is_named_in_one_line(checkout: Path) -> None:
    add(checkout, "apt-get", "echo apt-get must not run >&2; exit 1")
    add(checkout, "id", "echo 1000")
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        (
            "cadenza set-up: Python 3.11 or newer with venv is missing and installing it needs root; "
            "run: sudo apt-get install python3 python3-venv"
        )
    ]
    assert not (checkout / ".venv").exists()


def test_without_a_known_package_manager_the_missing_program_is_named(checkout: Path) -> None:
    done = set_up(checkout)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11 or newer with venv is missing" in done.stderr
    assert not (checkout / ".venv").exists()


def test_an_older_python_is_not_taken(checkout: Path) -> None:
    add(checkout, "python3", "exit 1")  # what the version check of an older one does
    done = set_up(checkout)
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr


def test_an_interrupted_set_up_is_begun_again(checkout: Path) -> None:
    venv = checkout / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    (venv / "bin" / "python").chmod(0o755)
    (venv / "half").touch()
    add(
        checkout,
        "python3",
        f'case "$*" in "-m venv .venv") echo made anew >&2; exit 1;; *) exec {TRUE};; esac',
    )
    done = set_up(checkout)
    assert done.returncode == 1
    assert "made anew" in done.stderr
    assert not venv.exists()


def test_a_finished_set_up_does_nothing(checkout: Path) -> None:
    venv = checkout / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text("#!/bin/sh\necho must not run >&2; exit 1\n")
    (venv / "bin" / "python").chmod(0o755)
    locked = (checkout / "requirements" / "run.txt").read_bytes() + (checkout / "pyproject.toml").read_bytes()
    digest = hashlib.sha256(locked).hexdigest()
    (venv / ".cadenza-run").write_text(digest)
    done = set_up(checkout)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_system_with_shasum_alone_comes_to_the_same_digest(checkout: Path) -> None:
    test_a_finished_set_up_does_nothing(checkout)
    (checkout.parent / "bin" / "sha256sum").unlink()
    add(checkout, "shasum", f'[ "$*" = "-a 256" ] && exec {shutil.which("sha256sum")}')
    done = set_up(checkout)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_environment_to_be_replaced_is_not_what_makes_the_new_one(checkout: Path) -> None:
    own = checkout / ".venv" / "bin"
    own.mkdir(parents=True)
    (own / "python3").write_text("#!/bin/sh\necho the old one >&2\n")
    (own / "python3").chmod(0o755)
    add(checkout, "python3", f'case "$*" in "-m venv .venv") echo the system one >&2; exit 1;; *) exec {TRUE};; esac')
    done = set_up(checkout, first_on_path=own)
    assert "the system one" in done.stderr
    assert "the old one" not in done.stderr
