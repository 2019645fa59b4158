"""``cadenza inbox``: the mails an embedded provider kept, from a shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cadenza.cli.mail import Mail


@pytest.fixture
def asked(stack: Any) -> Callable[[str], None]:
    """Have the stack's provider send a code to an address."""

    def ask(email: str) -> None:
        httpx.post(f"{stack.supabase_url}/otp", json={"email": email}, trust_env=False).raise_for_status()

    return ask


def test_link_and_code_of_a_mail_are_shown(cadenza: Any, stack: Any, asked: Callable[[str], None]) -> None:
    asked("inbox-one@example.com")
    here = {"SUPABASE_URL": stack.supabase_url}

    shown = cadenza("inbox", "--to", "INBOX-one@example.com", environ=here)
    assert shown.code == 0
    lines = dict(line.split(maxsplit=1) for line in shown.out.splitlines())
    assert lines["To"] == "inbox-one@example.com"
    assert lines["Link"].startswith("http://127.0.0.1:")

    told = cadenza("inbox", "--to", "inbox-one@example.com", "--json", environ=here)
    (mail,) = json.loads(told.out)["mails"]
    assert (mail["code"], mail["link"]) == (lines["Code"], lines["Link"])
    code = {"type": "email", "email": "inbox-one@example.com", "token": mail["code"]}
    answer = httpx.post(f"{stack.supabase_url}/verify", json=code, trust_env=False)
    assert answer.json()["access_token"]


def test_no_mail_is_no_failure(cadenza: Any, stack: Any) -> None:
    shown = cadenza("inbox", "--to", "nobody@example.com", "--supabase-url", stack.supabase_url)

    assert (shown.code, shown.out) == (0, "No mail.\n")


def test_the_next_mail_is_waited_for(somebody: Any, stack: Any, asked: Callable[[str], None]) -> None:
    asked("inbox-two@example.com")
    here = {"SUPABASE_URL": stack.supabase_url}
    with somebody.start("inbox", "--to", "inbox-three@example.com", "--wait", "--json", environ=here) as process:
        assert "waiting" in process.stderr.readline()
        asked("inbox-three@example.com")
        out, err = process.communicate(timeout=30)

    assert process.returncode == 0, err
    assert [mail["to"] for mail in json.loads(out)["mails"]] == ["inbox-three@example.com"]


def test_a_mail_that_does_not_come_is_told(cadenza: Any, stack: Any) -> None:
    ran = cadenza(
        "inbox", "--wait", "--to", "nobody@example.com", "--timeout", "1", "--supabase-url", stack.supabase_url
    )

    assert ran.code == 5
    assert "within 1 seconds" in ran.err


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("https://project.supabase.co", 2, "on this machine"),
        ("http://127.0.0.1:9", 5, "cannot be reached"),
    ],
)
def test_where_there_is_no_inbox_it_says_so(cadenza: Any, url: str, code: int, said: str) -> None:
    ran = cadenza("inbox", "--supabase-url", url, environ={"CADENZA_WS_URL": "wss://x.example/connection/websocket"})

    assert ran.code == code
    assert said in ran.err


def test_a_mail_does_not_show_what_it_holds() -> None:
    mail = Mail(id=1, to="a@example.com", subject="x", link="http://l", code="123456", received_at="")

    assert repr(mail) == "<Mail 1>"
