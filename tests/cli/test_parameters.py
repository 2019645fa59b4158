"""Where a call's parameters come from, and what is said of those that cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from cadenza.cli.parameters import read_parameters
from cadenza.errors import ValidationError


def _pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_the_argument_is_the_object() -> None:
    assert read_parameters('{"venue": "PAPER", "depth": 5}') == {"venue": "PAPER", "depth": 5}


@pytest.mark.parametrize("given", ["", "  ", "\n"])
def test_nothing_is_an_empty_object(given: str) -> None:
    assert read_parameters(given) == {}


def test_a_dash_reads_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    _pipe(monkeypatch, '{"depth": 5}\n')
    assert read_parameters("-") == {"depth": 5}


def test_an_at_sign_reads_a_file(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text('{"depth": 5}')
    assert read_parameters(f"@{file}") == {"depth": 5}


@pytest.mark.parametrize("given", ["{", "{'a': 1}", '{"a": 1} x', '{"secretKey": "hunter2"', "[" * 100_000, '"\ud800"'])
def test_what_is_not_json_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(ValidationError, match="not JSON") as caught:
        read_parameters(given)
    assert caught.value.field == "JSON"
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("given", ["[]", "3", '"text"', "null"])
def test_json_that_is_no_object_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="not an object"):
        read_parameters(given)


@pytest.mark.parametrize("name", ["absent.json", ".", "nul\0byte"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="cannot be read"):
        read_parameters(f"@{tmp_path / name}")


def test_a_file_of_bytes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ValidationError, match="UTF-8"):
        read_parameters(f"@{file}")
