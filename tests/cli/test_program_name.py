"""A printed command works where it is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cadenza.cli.program import command


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This program, in a virtual environment below the current folder and not on the PATH."""
    script = tmp_path / ".venv" / "bin" / "cadenza"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.argv", [str(script), "up"])
    return script


def test_below_the_current_folder_it_is_called_by_its_path_from_here(script: Path) -> None:
    assert command("whoami") == ".venv/bin/cadenza whoami"


def test_elsewhere_it_is_called_by_its_whole_path(
    script: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert command("whoami") == f"{script} whoami"


def test_on_the_path_its_name_is_enough(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(script.parent))
    assert command("whoami") == "cadenza whoami"


def test_another_program_of_that_name_on_the_path_is_not_meant(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bin" / "cadenza"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    assert command("whoami") == ".venv/bin/cadenza whoami"


def test_arguments_are_quoted_for_the_shell(script: Path) -> None:
    assert command("call", "query.ticker.list", '{"venue":"PAPER"}').endswith("""'{"venue":"PAPER"}'""")
