"""Mails made of letters: where their links lead, and what no value may do to them."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from cadenza.identity.config import IdentityConfig, MailConfig
from cadenza.identity.mails.composing import Composer
from cadenza.identity.mails.letters import Letter, MailKind
from cadenza.identity.mails.templates import Templates

LETTER = Letter(
    kind=MailKind.MAGIC_LINK,
    to="ann@example.com",
    code="123456",
    token="pkce_abc",
    verify_type="magiclink",
    redirect_to="http://127.0.0.1:3000/cb",
    email="ann@example.com",
)


def composer(config: IdentityConfig, **mail: Any) -> Composer:
    changed = dataclasses.replace(config, external_url="https://auth.example.com/auth/v1", mail=MailConfig(**mail))
    return Composer(changed, Templates(changed.mail, monotonic=lambda: 0.0))


def changed(**fields: Any) -> Letter:
    return msgspec.structs.replace(LETTER, **fields)


def test_a_link_leads_to_verify_with_token_type_and_the_end_of_the_way(config: IdentityConfig) -> None:
    assert composer(config).link(LETTER) == (
        "https://auth.example.com/auth/v1/verify?token=pkce_abc&type=magiclink&redirect_to=http://127.0.0.1:3000/cb"
    )


def test_an_end_with_a_query_of_its_own_comes_back_whole(config: IdentityConfig) -> None:
    for end in ("http://127.0.0.1:3000/cb?a=1&b=2#x", "http://127.0.0.1:3000/a%41+b", "app:/x?type=invite"):
        query = parse_qs(urlsplit(composer(config).link(changed(redirect_to=end))).query)
        assert query == {"token": ["pkce_abc"], "type": ["magiclink"], "redirect_to": [end]}


def test_paths_of_links_can_be_set_and_magic_links_take_the_one_of_recovery(config: IdentityConfig) -> None:
    paths = {"recovery": "/welcome", "confirmation": "https://app.example.com/confirm"}

    assert composer(config, url_paths=paths).link(LETTER).startswith("https://auth.example.com/welcome?token=pkce_abc&")
    confirmation = composer(config, url_paths=paths).link(changed(kind=MailKind.CONFIRMATION))
    assert confirmation.startswith("https://app.example.com/confirm?token=")


async def test_a_mail_of_a_code_alone_has_no_link(config: IdentityConfig) -> None:
    mail = await composer(config).compose(changed(kind=MailKind.REAUTHENTICATION, token=""))

    assert (mail.link, mail.code, mail.subject) == ("", "123456", "123456 is your verification code")


async def test_no_value_can_add_a_line_to_the_head_or_markup_to_the_text(config: IdentityConfig) -> None:
    evil = {"name": "x\r\nBcc: all@example.com\u2028<script>alert(1)</script>"}
    mail = await composer(config, subjects={"magic_link": "Hi {{ .Data.name }}"}).compose(changed(data=evil))
    assert mail.subject == "Hi x Bcc: all@example.com <script>alert(1)</script>"

    mail = await composer(config).compose(changed(kind=MailKind.EMAIL_CHANGE, new_email='"<img>"@example.com'))
    assert "<img>" not in mail.html


async def test_neither_letters_nor_mails_show_what_they_hold(config: IdentityConfig) -> None:
    mail = await composer(config).compose(LETTER)

    assert repr(LETTER) == "<Letter>"
    assert repr(mail) == "<Mail>"
