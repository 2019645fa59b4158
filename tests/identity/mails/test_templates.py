"""Templates: the values put in, escaped where they must be, and Supabase Auth's own text where one cannot be used."""

from __future__ import annotations

import html
import http.server
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenza.identity.config import MailConfig
from cadenza.identity.mails.letters import MailKind
from cadenza.identity.mails.templates import DEFAULT_SUBJECTS, DEFAULT_TEXTS, TemplateError, Templates, fill

VALUES = {
    "ConfirmationURL": "http://127.0.0.1/verify?a=1&b=2",
    "Token": "123456",
    "Email": "ann@example.com",
    "Data": {"name": "<b>Ann</b>", "n": 3, "deep": {"x": True}},
}


def rendered(config: MailConfig) -> Templates:
    return Templates(config, monotonic=lambda: 0.0)


def test_values_are_put_in_and_escaped() -> None:
    text = fill(
        "{{ .Token }}|{{.Data.name}}|{{ .Data.n }}|{{ .Data.deep.x }}|{{ .Nope.x }}|", VALUES, escape=html.escape
    )

    assert text == "123456|&lt;b&gt;Ann&lt;/b&gt;|3|true||"


def test_dashes_trim_the_space_around_a_value() -> None:
    assert fill("a {{- .Token -}} b {{ .Token }} c", VALUES, escape=str) == "a123456b 123456 c"


def test_what_is_no_value_is_refused_by_name() -> None:
    for action in ("{{ if .Data.x }}", "{{ .Token | html }}", '{{ template "x" }}', "{{ }}", "{{ . }}"):
        with pytest.raises(TemplateError, match="only values"):
            fill(action, VALUES, escape=str)


async def test_each_kind_has_a_subject_and_a_text() -> None:
    for kind in MailKind:
        subject, text = await rendered(MailConfig()).render(kind, VALUES)
        assert subject
        assert "{{" not in subject + text
        assert ("http://127.0.0.1/verify?a=1&amp;b=2" in text) is (kind is not MailKind.REAUTHENTICATION)
    assert set(DEFAULT_SUBJECTS) == set(DEFAULT_TEXTS) == set(MailKind)


async def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "mail.html"
    file.write_text("one {{ .Token }}")
    templates = rendered(MailConfig(templates={"recovery": str(file)}, subjects={"recovery": "{{ .Email }} & co"}))

    assert await templates.render(MailKind.RECOVERY, VALUES) == ("ann@example.com & co", "one 123456")
    file.write_text("two")
    assert (await templates.render(MailKind.RECOVERY, VALUES))[1] == "two"


@pytest.mark.parametrize("content", [b"{{ range .Data }}x{{ end }}", b"\xff\xfe", b"x" * 300_000, None])
async def test_a_template_that_cannot_be_used_is_named_and_the_usual_text_goes_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    file = tmp_path / "mail.html"
    if content is not None:
        file.write_bytes(content)
    templates = rendered(MailConfig(templates={"recovery": str(file)}, subjects={"recovery": "{{ if }}"}))

    with caplog.at_level(logging.WARNING):
        subject, text = await templates.render(MailKind.RECOVERY, VALUES)

    assert subject == DEFAULT_SUBJECTS[MailKind.RECOVERY]
    assert "choose a new one" in text
    assert "recovery" in caplog.text
    assert "123456" not in caplog.text


@pytest.fixture
def template_server() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/good" else 404)
            self.end_headers()
            self.wfile.write(b"from afar {{ .Token }}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join(20)


async def test_an_address_is_asked_and_its_text_kept_for_a_while(template_server: tuple[str, list[str]]) -> None:
    url, asked = template_server
    now = 0.0
    sources = {"recovery": f"{url}/good", "invite": f"{url}/missing"}
    templates = Templates(MailConfig(templates=sources), monotonic=lambda: now)

    assert (await templates.render(MailKind.RECOVERY, VALUES))[1] == "from afar 123456"
    await templates.render(MailKind.RECOVERY, VALUES)
    assert asked == ["/good"]
    now = 61.0
    await templates.render(MailKind.RECOVERY, VALUES)
    assert asked == ["/good", "/good"]
    assert "Accept invitation" in (await templates.render(MailKind.INVITE, VALUES))[1]
