"""The database file is made, migrated, or refused with one clear line; nothing is half done."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from cadenza.errors import ConfigurationError
from cadenza.identity import migrate, migrations
from cadenza.identity.migrate import prepare_database
from cadenza.identity.records import Records


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()


def content(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_a_first_start_makes_the_tables_in_a_file_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"

    prepare_database(path)

    assert {"users", "identities", "sessions", "refresh_tokens", "alembic_version"} <= tables(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["identity.db"]


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    prepare_database(path)
    before = path.read_bytes()

    prepare_database(path)

    assert path.read_bytes() == before


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    path.touch()

    prepare_database(path)

    assert "users" in tables(path)


def test_a_newer_database_is_refused_and_left_alone(data_dir: Path) -> None:
    path = data_dir / "identity.db"
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match="newer Cadenza") as caught:
        prepare_database(path)

    assert caught.value.setting == "data_dir"
    assert "Upgrade" in caught.value.next_step
    assert path.read_bytes() == before


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    match how:
        case "no database at all":
            path.write_bytes(b"hello, this is text\n" * 100)
        case "cut off":
            path.write_bytes(content[: len(content) // 2])
        case "pages overwritten":
            content[4096 : 4096 * 6] = b"\xa5" * (4096 * 5)
            path.write_bytes(content)
        case "another program's":
            path.unlink()
            connection = sqlite3.connect(path)
            connection.execute("CREATE TABLE notes (text)")
            connection.close()
        case "without a revision":
            connection = sqlite3.connect(path)
            connection.execute("DELETE FROM alembic_version")
            connection.commit()
            connection.close()
        case "a folder":
            path.unlink()
            path.mkdir()


@pytest.mark.parametrize(
    "how",
    [
        "no database at all",
        "cut off",
        "pages overwritten",
        "another program's",
        "without a revision",
        "a folder",
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(how: str, data_dir: Path) -> None:
    path = data_dir / "identity.db"
    damage(path, how)

    with pytest.raises(ConfigurationError) as caught:
        prepare_database(path)

    assert caught.value.setting == "data_dir"
    assert str(path) in caught.value.message
    assert "\n" not in str(caught.value)


def test_a_migration_that_fails_leaves_the_file_as_it_was(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = data_dir / "identity.db"
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.commit()
    connection.close()
    monkeypatch.setattr(migrate, "REVISIONS", ("0000", *migrations.REVISIONS))

    def fail(copy: Path) -> None:
        damage(copy, "no database at all")
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(migrate, "_run_alembic", fail)
    before = content(path)

    with pytest.raises(ConfigurationError, match="could not be migrated"):
        prepare_database(path)

    assert content(path) == before
    assert not list(data_dir.glob("*.migrating*"))


def test_a_revision_that_breaks_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("CREATE TABLE", {"password": "open sesame"}, sqlite3.OperationalError("disk full"))

    monkeypatch.setattr(command, "upgrade", fail)

    with pytest.raises(ConfigurationError, match="disk full") as caught:
        prepare_database(tmp_path / "identity.db")

    assert "sesame" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be made"):
        prepare_database(tmp_path / "missing" / "identity.db")


def test_what_an_earlier_attempt_left_lying_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    tmp_path.joinpath("identity.db.migrating").write_bytes(b"half a database")

    prepare_database(path)

    assert "users" in tables(path)


def test_the_named_revisions_are_those_there_are() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)

    in_order = [revision.revision for revision in script.walk_revisions()][::-1]

    assert tuple(in_order) == migrations.REVISIONS
    assert script.get_current_head() == migrations.HEAD


def test_alembic_is_not_loaded_when_there_is_nothing_to_migrate(data_dir: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from cadenza.identity import IdentityConfig, IdentityServer\n"
        "async def main():\n"
        "    async with asyncio.timeout(20), IdentityServer(IdentityConfig(data_dir=Path(sys.argv[1]), port=0)):\n"
        "        pass\n"
        "asyncio.run(main())\n"
        "print([name for name in ('alembic', 'sqlalchemy', 'litestar') if name in sys.modules])\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(data_dir)], check=True, capture_output=True, text=True, timeout=60
    )

    assert done.stdout == "[]\n"


def test_the_users_of_the_first_layout_are_there_after_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    old = sqlite3.connect(path)
    old.execute(
        "INSERT INTO users (id, aud, role, email, app_metadata, user_metadata, is_anonymous, created_at, updated_at) "
        "VALUES ('a', 'authenticated', 'authenticated', 'ann@example.com', '{}', '{}', 0, 1, 1)"
    )
    old.execute("INSERT INTO sessions (id, user_id, aal, amr, created_at) VALUES ('s', 'a', 'aal1', '[]', 1)")
    old.commit()
    old.close()

    prepare_database(path)

    migrated = sqlite3.connect(path)
    migrated.row_factory = sqlite3.Row
    try:
        user = Records(migrated).users.by_email("ann@example.com")
        assert user is not None
        assert (user.id, user.phone, user.email_change_status) == ("a", None, 0)
        assert [session.id for session in Records(migrated).sessions.of("a")] == ["s"]
    finally:
        migrated.close()
