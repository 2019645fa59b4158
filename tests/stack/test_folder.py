from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from cadenza.errors import ConfigurationError
from cadenza.stack.folder import LAYOUT, DataFolder, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private_and_says_its_layout(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert mode(folder.path) == 0o700
    assert json.loads((folder.path / "layout.json").read_text()) == {"layout": LAYOUT}
    assert mode(folder.path / "layout.json") == 0o600
    folder.close()


def test_a_loose_folder_is_made_private(tmp_path: Path) -> None:
    loose = tmp_path / "data"
    loose.mkdir(mode=0o755)
    DataFolder(loose).close()
    assert mode(loose) == 0o700


def test_a_secret_is_made_once_and_kept_in_a_private_file(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    first = folder.secret("api-key")
    assert len(first) >= 32
    assert folder.secret("api-key") == first
    assert mode(folder.path / "api-key") == 0o600
    folder.close()
    again = DataFolder(tmp_path / "data")
    assert again.secret("api-key") == first
    again.close()


def test_a_link_in_a_secrets_place_is_refused_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("somebody's file")
    target.chmod(0o644)
    folder = DataFolder(tmp_path / "data")
    (folder.path / "api-key").symlink_to(target)
    with pytest.raises(ConfigurationError, match="api-key is a link"):
        folder.secret("api-key")
    assert mode(target) == 0o644
    assert target.read_text() == "somebody's file"
    folder.close()


def test_an_emptied_secret_is_made_again(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    (folder.path / "api-key").write_text("\n")
    assert folder.secret("api-key", lambda: "made") == "made"
    folder.close()


def test_a_second_stack_is_told_that_the_folder_is_in_use(tmp_path: Path) -> None:
    first = DataFolder(tmp_path / "data")
    with pytest.raises(ConfigurationError, match="in use by another running stack") as refused:
        DataFolder(tmp_path / "data")
    assert refused.value.setting == "--data-dir"
    first.close()
    DataFolder(tmp_path / "data").close()


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.write_text("not a folder")
    with pytest.raises(ConfigurationError, match="is not a folder") as refused:
        DataFolder(place)
    assert str(place) in str(refused.value)
    assert "--data-dir" in refused.value.next_step


def test_a_newer_layout_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    newer = tmp_path / "data"
    newer.mkdir()
    (newer / "layout.json").write_text(json.dumps({"layout": LAYOUT + 1}))
    with pytest.raises(ConfigurationError, match="newer Cadenza"):
        DataFolder(newer)
    assert json.loads((newer / "layout.json").read_text()) == {"layout": LAYOUT + 1}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"layout": "1"}', '{"other": 1}', "null"])
def test_a_damaged_marker_is_one_clear_error_and_frees_the_folder(tmp_path: Path, text: str) -> None:
    damaged = tmp_path / "data"
    damaged.mkdir()
    (damaged / "layout.json").write_text(text)
    for _ in range(2):  # the second try must not say "in use"
        with pytest.raises(ConfigurationError, match="is damaged"):
            DataFolder(damaged)


def test_a_refusal_of_the_system_names_folder_and_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)  # root, whom nothing is refused, runs this too
    with pytest.raises(ConfigurationError, match="may not be written") as refused:
        DataFolder(tmp_path / "data")
    assert str(tmp_path / "data") in str(refused.value)
    assert refused.value.setting == "--data-dir"


def test_a_full_disk_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = DataFolder(tmp_path / "data")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        folder.secret("api-key")
    assert sorted(entry.name for entry in folder.path.iterdir()) == ["layout.json", "stack.lock"]
    folder.close()


def test_private_files_replace_whole_and_leave_no_scratch(tmp_path: Path) -> None:
    target = tmp_path / "secret"
    write_private(target, "one")
    write_private(target, "two")
    assert target.read_text() == "two"
    assert mode(target) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
