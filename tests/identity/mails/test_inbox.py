"""The inbox: bounded, newest first, shown on this machine alone and to no other page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cadenza.identity.config import MailConfig, SmtpServer
from cadenza.identity.mails import Inbox, Mail, MailKind

DEADLINE_SECONDS = 20


def mail(to: str = "ann@example.com", **fields: Any) -> Mail:
    whole = {"subject": "Hi", "html": "<p>Hi</p>", "link": "http://127.0.0.1/verify?a=1&b=2", "code": "123456"}
    return Mail(kind=MailKind.MAGIC_LINK, to=to, **{**whole, **fields})


async def test_it_keeps_the_newest_and_shows_them_first() -> None:
    inbox = Inbox(limit=2, clock=lambda: 0.0)
    for code in ("1", "2", "3"):
        await inbox.deliver(mail(code=code))
    await inbox.deliver(mail("bob@example.com", code="4"))

    assert [kept.code for kept in inbox.newest()] == ["4", "3"]
    assert [kept.code for kept in inbox.newest(to="ANN@example.com")] == ["3"]
    assert [kept.code for kept in inbox.newest(after=3)] == ["4"]
    assert repr(inbox.newest()[0]) == "<KeptMail>"


async def test_whoever_waits_gets_the_next_mail_to_their_address() -> None:
    inbox = Inbox(limit=9, clock=lambda: 0.0)
    await inbox.deliver(mail(code="1"))
    async with asyncio.timeout(DEADLINE_SECONDS):
        waiting = asyncio.create_task(inbox.wait(to="ann@example.com", after=1, seconds=DEADLINE_SECONDS))
        await asyncio.sleep(0)
        await inbox.deliver(mail("bob@example.com", code="2"))
        await inbox.deliver(mail(code="3"))
        found = await waiting

    assert [kept.code for kept in found] == ["3"]


async def test_waiting_ends_without_a_mail() -> None:
    assert await Inbox(limit=9, clock=lambda: 0.0).wait(after=0, seconds=0.01) == ()


async def test_the_page_shows_link_and_code_and_no_markup_of_a_mail(provider: Any) -> None:
    await provider.parts.inbox.deliver(mail("<img src=x>@example.com", subject="<script>alert(1)</script>"))
    for path in ("/inbox", "/auth/v1/inbox"):
        page = await provider.http.get(path)

        assert page.status_code == 200
        assert "<code>123456</code>" in page.text
        assert 'href="http://127.0.0.1/verify?a=1&amp;b=2"' in page.text
        assert "<script>" not in page.text
        assert "<img" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"


async def test_a_link_that_is_no_web_address_is_not_made_one_to_click(provider: Any) -> None:
    await provider.parts.inbox.deliver(mail(link="javascript:alert(1)"))

    assert "javascript" not in (await provider.http.get("/inbox")).text


async def test_programs_get_json_by_address_and_from_a_mail_on(provider: Any) -> None:
    json = {"Accept": "application/json"}
    for number in range(3):
        await provider.parts.inbox.deliver(mail(f"u{number}@example.com"))

    everything = (await provider.http.get("/inbox", headers=json)).json()
    assert [kept["to"] for kept in everything["mails"]] == ["u2@example.com", "u1@example.com", "u0@example.com"]
    assert everything["last_id"] == 3
    assert everything["mails"][0].keys() >= {"id", "to", "subject", "kind", "link", "code", "received_at"}
    some = (await provider.http.get("/inbox?to=U1@example.com&after=1", headers=json)).json()
    assert [kept["id"] for kept in some["mails"]] == [2]
    none = (await provider.http.get("/inbox?after=3&wait=0.01", headers=json)).json()
    assert none["mails"] == []
    for bad in ("after=x", "wait=-1", "after=nan", "wait=inf", "after=99999999999999999999"):
        assert (await provider.http.get(f"/inbox?{bad}", headers=json)).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
async def test_no_other_page_reads_it_whatever_origins_are_allowed(make_provider: Any, headers: dict[str, str]) -> None:
    async with make_provider(allowed_origins=("*",)) as provider:
        await provider.parts.inbox.deliver(mail())
        answer = await provider.http.get("/inbox", headers={**headers, "Accept": "application/json"})

    assert answer.status_code == 403
    assert "123456" not in answer.text


async def test_a_person_may_follow_a_link_to_it(provider: Any) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    assert (await provider.http.get("/inbox", headers=headers)).status_code == 200


async def test_it_is_not_there_where_mails_are_sent_or_others_can_reach(make_provider: Any) -> None:
    smtp = SmtpServer(host="127.0.0.1", sender="x@example.com")
    async with make_provider(mail=MailConfig(smtp=smtp)) as provider:
        assert (await provider.http.get("/inbox")).status_code == 404
    async with make_provider(host="192.0.2.1", allow_beyond_loopback=True) as provider:
        assert (await provider.http.get("/inbox")).status_code == 404
