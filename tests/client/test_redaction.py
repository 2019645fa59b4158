"""The transport's debug log keeps its story and loses its secrets."""

from __future__ import annotations

import logging

import pytest

from cadenza.client import redaction


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    redaction.install()
    redaction.install()
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize(
    ("name", "template", "argument"),
    [
        ("centrifuge", "send commands: %s", [{"id": 1, "connect": {"token": "S3CR3T"}}]),
        ("centrifuge", "send commands: %s", [{"rpc": {"data": {"password": "S3CR3T"}}}]),
        ("centrifuge", "data received %s", '{"accessToken":"S3CR3T"}'),
        ("websockets.client", "> %s", 'TEXT \'{"id": 2, ...S3CR3T"}}}\' [134 bytes]'),
        ("websockets.client", "< %s", "TEXT '...S3CR3T...' [13400 bytes, continued]"),
        ("websockets.client", "> %s", "CONT 'S3CR3T'"),
        ("websockets.client", "> %s: %s", None),
    ],
)
def test_what_may_hold_a_secret_is_not_shown(
    caplog: pytest.LogCaptureFixture, name: str, template: str, argument: object
) -> None:
    if argument is None:
        logging.getLogger(name).debug(template, "Proxy-Authorization", "Basic S3CR3T")
    else:
        logging.getLogger(name).debug(template, argument)
    assert "S3CR3T" not in caplog.text
    assert "not shown" in caplog.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("centrifuge", "received ping from server"),
        ("websockets.client", "= connection is OPEN"),
        ("websockets.client", "> CLOSE 1000 (OK) [2 bytes]"),
        ("websockets.client", "> Upgrade: websocket"),
    ],
)
def test_the_rest_stands_as_it_was(caplog: pytest.LogCaptureFixture, name: str, text: str) -> None:
    logging.getLogger(name).debug(text)
    assert text in caplog.text


def test_a_frames_size_is_still_told(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("websockets.client").debug("> %s", "TEXT '{}' [2 bytes]")
    assert "[2 bytes]" in caplog.text


def test_the_filters_are_installed_once() -> None:
    assert len(logging.getLogger("centrifuge").filters) == 1
