"""Passwords and tokens stand in no log, no error, no file of the provider's."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from cadenza.protocol.auth import requests, responses

PASSWORD = "Correct-Horse-Battery-1"
WRONG = "Wrong-Horse-Battery-2"
EMAIL = "ann.secret@example.com"


def contents(folder: Path) -> bytes:
    return b"".join(entry.read_bytes() for entry in folder.iterdir())


def open_to_others(folder: Path) -> dict[str, int]:
    return {entry.name: entry.stat().st_mode & 0o077 for entry in folder.iterdir()}


async def test_nothing_secret_reaches_a_log_an_answer_or_the_disk(
    make_provider: Any, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with make_provider() as provider:
            session = await provider.signed_up(EMAIL, PASSWORD)
            secrets = {PASSWORD, WRONG, session.access_token, session.refresh_token}
            refused = (
                requests.password_grant(EMAIL, WRONG),
                requests.sign_up(EMAIL, PASSWORD),
                requests.refresh_token_grant("aaaaaaaaaaaa"),
                requests.get_user(session.access_token + "x"),
                requests.update_user(session.access_token, password=PASSWORD),
            )
            answers = [(await provider.send(request)).text for request in refused]
            answer = await provider.send(requests.refresh_token_grant(session.refresh_token))
            again = responses.parse_session(answer.status_code, answer.headers, answer.content)
            secrets |= {again.access_token, again.refresh_token}
            on_disk = contents(data_dir)
        on_disk += contents(data_dir)

    logged = "".join(record.getMessage() + str(record.args) for record in caplog.records)
    for secret in secrets:
        assert secret not in logged
        assert secret.encode() not in on_disk
        assert all(secret not in text for text in answers)
    assert EMAIL not in logged
    assert all(EMAIL not in text for text in answers)
    assert EMAIL.encode() in on_disk  # the search would have found it


async def test_the_database_files_are_for_their_owner_only(make_provider: Any, data_dir: Path) -> None:
    async with make_provider() as provider:
        await provider.signed_up()
        modes = open_to_others(data_dir)

    assert "identity.db-wal" in modes
    assert set(modes.values()) == {0}
