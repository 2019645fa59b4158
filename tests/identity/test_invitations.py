"""Invitations, and the links and codes an administrator has made: each opens what it says, once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.identity.mailing import ANN, BOB, CALLBACK, PASSWORD, code_of, follow, mails, newest, post
from tests.identity.test_administration import bearer, refused

from cadenza.identity.config import MailConfig, RateLimits, SmtpServer
from cadenza.protocol.auth import GeneratedLink, GenerateLinkBody, InviteBody, requests, responses
from cadenza.tokens.claims import check_form

NEW = "new@example.com"
TYPES = ("signup", "invite", "magiclink", "recovery")


@pytest.fixture
async def strict(make_provider: Any) -> Any:
    """A provider where addresses must be confirmed, and mails are counted and spaced."""
    limits = dataclasses.replace(RateLimits.off(), emails_per_hour=1, emails_burst=1)
    async with make_provider(autoconfirm=False, limits=limits) as provider:
        yield provider


async def invited(provider: Any, email: str = ANN, **data: object) -> Any:
    request = requests.invite(bearer(provider), InviteBody(email=email, data=data or None), redirect_to=CALLBACK)
    return await provider.send(request)


async def linked(provider: Any, **body: Any) -> GeneratedLink:
    request = requests.generate_link(bearer(provider), GenerateLinkBody(redirect_to=CALLBACK, **body))
    answer = await provider.send(request)
    return responses.parse_generated_link(answer.status_code, answer.headers, answer.content)


async def confirmed(provider: Any, email: str = ANN) -> None:
    assert await provider.parts.users.ensure(email, PASSWORD)


async def test_the_link_of_an_invitation_signs_in_whom_it_was_sent_to(strict: Any) -> None:
    answer = await invited(strict, team="blue")
    user = responses.parse_user(answer.status_code, answer.headers, answer.content)
    assert user.user_metadata == {"team": "blue"}
    assert user.invited_at is not None
    assert user.email_confirmed_at is None

    where, _, said = await follow(strict, newest(strict).link)
    assert (where, said["type"]) == (CALLBACK, "invite")
    assert check_form(said["access_token"]).claims.sub == user.id


async def test_who_has_confirmed_is_not_invited_and_who_has_not_is_invited_again_at_once(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        for _ in range(2):
            assert (await invited(provider)).status_code == 200
        assert mails(provider, ANN) == 2
        await provider.parts.users.confirm(ANN)
        assert code_of(await invited(provider)) == (422, "email_exists")


async def test_an_administrator_invites_where_sign_ups_are_closed(make_provider: Any) -> None:
    async with make_provider(disable_sign_up=True) as provider:
        assert (await invited(provider)).status_code == 200
        assert (await linked(provider, type="signup", email=BOB, password=PASSWORD)).email == BOB


async def test_an_invitation_that_could_not_be_sent_was_not_made(make_provider: Any) -> None:
    nowhere = MailConfig(smtp=SmtpServer(host="127.0.0.1", port=1, sender="a@example.com"))
    async with make_provider(autoconfirm=False, mail=nowhere) as provider:
        assert code_of(await invited(provider)) == (500, "unexpected_failure")
        user = await provider.parts.store.read(lambda records: records.users.by_email(ANN))
        assert (user.invited_at, user.confirmation_sent_at) == (None, None)


async def test_nobody_but_an_administrator_invites_or_has_links_made(provider: Any) -> None:
    session = await provider.signed_up()
    for token in (session.access_token, bearer(provider, "anon")):
        for request in (
            requests.invite(token, InviteBody(email=BOB)),
            requests.generate_link(token, GenerateLinkBody(type="recovery", email=ANN)),
        ):
            assert await refused(provider, request) == (403, "not_admin")
    assert code_of(await post(provider, "/admin/generate_link", {})) == (401, "no_authorization")
    assert mails(provider) == 0


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shown", ["link", "code", "hash"])
async def test_each_kind_of_link_opens_once_by_link_by_code_and_by_hash(strict: Any, kind: str, shown: str) -> None:
    if kind in {"magiclink", "recovery"}:
        await confirmed(strict)
    made = await linked(strict, type=kind, email=ANN, password=PASSWORD)
    assert (made.verification_type, made.redirect_to) == (kind, CALLBACK)

    async def show() -> int:
        if shown == "link":
            where, _, said = await follow(strict, made.action_link)
            assert where == CALLBACK
            return 200 if "access_token" in said else 403
        body = {"type": kind, "email": ANN, "token": made.email_otp}
        if shown == "hash":
            body = {"type": kind, "token_hash": made.hashed_token}
        return int((await post(strict, "/verify", body)).status_code)

    assert [await show(), await show()] == [200, 403]
    assert mails(strict) == 0


async def test_a_magic_link_for_a_stranger_signs_them_up_and_a_recovery_does_not(strict: Any) -> None:
    made = await linked(strict, type="magiclink", email=ANN)
    assert made.verification_type == "signup"
    for kind in ("recovery", "email_change_current", "email_change_new"):
        request = requests.generate_link(bearer(strict), GenerateLinkBody(type=kind, email=BOB, new_email=NEW))
        assert await refused(strict, request) == (404, "user_not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "signup", "email": ANN}, (400, "validation_failed")),
        ({"type": "signup", "email": ANN, "password": "short"}, (422, "weak_password")),
        ({"type": "nothing", "email": ANN}, (400, "validation_failed")),
        ({"type": "signup"}, (400, "validation_failed")),
        ({"type": "invite", "email": BOB}, (422, "email_exists")),
        ({"type": "signup", "email": BOB}, (422, "email_exists")),
        ({"type": "email_change_new", "email": BOB}, (400, "validation_failed")),
        ({"type": "email_change_new", "email": BOB, "new_email": "cat@example.com"}, (422, "email_exists")),
    ],
)
async def test_what_cannot_be_made_is_refused(strict: Any, body: Any, code: tuple[int, str]) -> None:
    for email in (BOB, "cat@example.com"):
        await confirmed(strict, email)
    assert await refused(strict, requests.generate_link(bearer(strict), GenerateLinkBody(**body))) == code


async def test_both_halves_of_a_change_of_address_can_be_handed_over(strict: Any) -> None:
    await confirmed(strict)
    old = await linked(strict, type="email_change_current", email=ANN, new_email=NEW)
    new = await linked(strict, type="email_change_new", email=ANN, new_email=NEW)
    assert new.new_email == NEW

    half = await post(strict, "/verify", {"type": "email_change", "token_hash": old.hashed_token})
    assert "access_token" not in half.json()
    whole = await post(strict, "/verify", {"type": "email_change", "email": NEW, "token": new.email_otp})
    assert whole.json()["user"]["email"] == NEW


async def test_the_half_of_a_change_to_another_address_is_worth_nothing(strict: Any) -> None:
    await confirmed(strict)
    first = await linked(strict, type="email_change_new", email=ANN, new_email="mallory@example.com")
    second = await linked(strict, type="email_change_current", email=ANN, new_email=NEW)

    for token in (second.hashed_token, first.hashed_token):
        await post(strict, "/verify", {"type": "email_change", "token_hash": token})
    user = await strict.parts.store.read(lambda records: records.users.by_email(ANN))
    assert user is not None


async def test_the_current_half_is_refused_where_only_the_new_address_confirms(make_provider: Any) -> None:
    async with make_provider(mail=MailConfig(secure_email_change=False)) as provider:
        await confirmed(provider)
        body = GenerateLinkBody(type="email_change_current", email=ANN, new_email=NEW)
        assert await refused(provider, requests.generate_link(bearer(provider), body)) == (400, "validation_failed")


async def test_the_audit_log_says_who_had_which_link_made(strict: Any) -> None:
    await confirmed(strict)
    await linked(strict, type="recovery", email=ANN)
    answer = await strict.send(requests.admin_audit(bearer(strict), per_page=1))
    (entry,) = responses.parse_audit(answer.status_code, answer.headers, answer.content)
    assert entry.payload["action"] == "link_generated"
    assert entry.payload["actor_username"] == "service_role"
    traits = entry.payload["traits"]
    assert isinstance(traits, dict)
    assert traits["link_type"] == "recovery"
