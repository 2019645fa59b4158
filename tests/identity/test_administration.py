"""What an administrator does with users, and that nobody else does it."""

from __future__ import annotations

from typing import Any

import pytest

from cadenza.errors import IdentityError
from cadenza.identity.keys import load_key_ring
from cadenza.protocol.auth import AdminUserBody, Request, User, requests, responses


def bearer(provider: Any, role: str = "service_role") -> str:
    """What an operator signs: a role, and no user."""
    now = int(provider.clock.now)
    claims = {"iss": provider.config.token_issuer, "aud": provider.config.audience, "role": role}
    return load_key_ring(provider.config, random_bytes=bytes).signer.sign({**claims, "iat": now, "exp": now + 600})


async def made(provider: Any, **body: Any) -> User:
    answer = await provider.send(requests.admin_create_user(bearer(provider), AdminUserBody(**body)))
    return responses.parse_user(answer.status_code, answer.headers, answer.content)


async def refused(provider: Any, request: Request) -> tuple[int, str]:
    answer = await provider.send(request)
    with pytest.raises(IdentityError) as caught:
        responses.expect_success(answer.status_code, answer.headers, answer.content)
    return caught.value.status, caught.value.error_code


async def test_a_user_made_here_signs_in_with_the_role_they_were_given(provider: Any) -> None:
    user = await made(
        provider,
        email="Ann@Example.com",
        password="correct horse 1",
        email_confirm=True,
        app_metadata={"role": "admin"},
    )
    session = await provider.signed_in()
    assert (session.user.id, session.user.app_metadata["role"]) == (user.id, "admin")


async def test_nobody_but_an_administrator_is_let_in(provider: Any) -> None:
    session = await provider.signed_up()
    for token in (session.access_token, bearer(provider, "anon"), bearer(provider, "authenticated")):
        for request in (
            requests.admin_list_users(token),
            requests.admin_create_user(token, AdminUserBody(email="x@example.com")),
            requests.admin_get_user(token, session.user.id),
            requests.admin_update_user(token, session.user.id, AdminUserBody(role="service_role")),
            requests.admin_delete_user(token, session.user.id),
            requests.admin_list_factors(token, session.user.id),
            requests.admin_audit(token),
        ):
            assert await refused(provider, request) == (403, "not_admin")
    assert (await provider.send(requests.get_user(session.access_token))).status_code == 200


async def test_a_new_password_ends_every_session(provider: Any) -> None:
    session = await provider.signed_up()
    body = AdminUserBody(password="correct horse 2")
    answer = await provider.send(requests.admin_update_user(bearer(provider), session.user.id, body))
    assert answer.status_code == 200
    assert await refused(provider, requests.get_user(session.access_token)) == (403, "session_not_found")
    assert (await provider.signed_in(password="correct horse 2")).user.id == session.user.id


async def test_an_address_that_is_taken_stays_its_owners(provider: Any) -> None:
    await provider.signed_up()
    bob = await provider.signed_up("bob@example.com")
    body = AdminUserBody(email="ANN@example.com")
    assert await refused(provider, requests.admin_create_user(bearer(provider), body)) == (422, "email_exists")
    update = requests.admin_update_user(bearer(provider), bob.user.id, body)
    assert await refused(provider, update) == (422, "email_exists")


@pytest.mark.parametrize("softly", [False, True])
async def test_a_deleted_user_is_gone_and_the_address_is_free(provider: Any, softly: bool) -> None:  # noqa: FBT001
    session = await provider.signed_up()
    answer = await provider.send(requests.admin_delete_user(bearer(provider), session.user.id, softly=softly))
    assert answer.json() == {}
    assert (await provider.send(requests.get_user(session.access_token))).status_code == 403
    again = await provider.signed_up()
    assert again.user.id != session.user.id
    if softly:
        kept = await provider.send(requests.admin_get_user(bearer(provider), session.user.id))
        assert "ann@" not in kept.text
        assert kept.json()["deleted_at"]


async def test_who_lost_the_device_has_the_factor_removed(provider: Any) -> None:
    session = await provider.signed_up()
    enrolled = await provider.send(requests.enrol_totp(session.access_token, friendly_name="phone"))
    factor_id, token = enrolled.json()["id"], bearer(provider)
    renamed = await provider.send(
        requests.admin_update_factor(token, session.user.id, factor_id, friendly_name="old phone")
    )
    assert renamed.json()["friendly_name"] == "old phone"
    assert (await provider.send(requests.admin_delete_factor(token, session.user.id, factor_id))).status_code == 200
    left = await provider.send(requests.admin_list_factors(token, session.user.id))
    assert left.json() == []


async def test_a_list_goes_by_pages(provider: Any) -> None:
    for number in range(5):
        await made(provider, email=f"u{number}@example.com")
    answer = await provider.send(requests.admin_list_users(bearer(provider), page=2, per_page=2))
    page = responses.parse_user_list(answer.status_code, answer.headers, answer.content)
    assert [user.email for user in page.users] == ["u2@example.com", "u1@example.com"]
    assert responses.total_count(answer.headers) == 5
    assert answer.headers["link"].endswith('</admin/users?page=3&per_page=2>; rel="last"')
    for query in ("page=0", "page=x", "per_page=-1", "page=" + "9" * 40):
        bad = await provider.http.get(f"/admin/users?{query}", headers={"Authorization": f"Bearer {bearer(provider)}"})
        assert bad.status_code == 400


async def listed(provider: Any, **query: str) -> list[str]:
    headers = {"Authorization": f"Bearer {bearer(provider)}"}
    answer = await provider.http.get("/admin/users", params=query, headers=headers)
    return [user["email"] for user in answer.json()["users"]]


async def test_users_are_sorted_by_age_either_way(provider: Any) -> None:
    for name in ("ann", "bob", "cat"):
        await made(provider, email=f"{name}@example.com")
        provider.clock.advance(1)
    oldest_first = ["ann@example.com", "bob@example.com", "cat@example.com"]
    assert await listed(provider, sort="created_at asc") == oldest_first
    assert await listed(provider, sort="created_at", per_page="2") == oldest_first[:0:-1]
    for sort in ("email", "created_at up", "", "created_at asc, email"):
        token = bearer(provider)
        bad = await provider.http.get(
            "/admin/users", params={"sort": sort}, headers={"Authorization": f"Bearer {token}"}
        )
        assert (bad.status_code, bad.json()["error_code"]) == (400, "validation_failed")


async def test_users_are_found_by_a_part_of_their_address_or_full_name(provider: Any) -> None:
    await made(provider, email="ann_a@example.com", user_metadata={"full_name": "Ann Ännchen"})
    await made(provider, email="annxa@example.com", user_metadata={"name": "Ann"})
    await made(provider, email="bob@example.com", user_metadata={"full_name": "bob of 50% off"})
    found = {
        "ann": ["annxa@example.com", "ann_a@example.com"],
        "ANN": ["ann_a@example.com"],  # the case of an address counts, as it does there
        "ÄNN": ["ann_a@example.com"],
        "n_a": ["annxa@example.com", "ann_a@example.com"],
        r"n\_a": ["ann_a@example.com"],
        "0%": ["bob@example.com"],
        "b%.com": ["bob@example.com"],
        "nobody": [],
        "": ["bob@example.com", "annxa@example.com", "ann_a@example.com"],
    }
    assert {part: await listed(provider, filter=part) for part in found} == found
    answer = await provider.http.get(
        "/admin/users?filter=ann&per_page=1", headers={"Authorization": f"Bearer {bearer(provider)}"}
    )
    assert (answer.headers["x-total-count"], len(answer.json()["users"])) == ("2", 1)


async def test_users_of_another_audience_are_listed_when_it_is_named(provider: Any) -> None:
    await made(provider, email="ann@example.com", aud="others")
    headers = {"Authorization": f"Bearer {bearer(provider)}"}
    theirs = await provider.http.get("/admin/users", headers={**headers, "X-JWT-AUD": "others"})
    assert await listed(provider) == []
    assert (theirs.json()["aud"], [user["email"] for user in theirs.json()["users"]]) == ("others", ["ann@example.com"])


async def test_the_audit_log_is_searched_by_author_action_and_type(provider: Any) -> None:
    session = await provider.signed_up()
    await provider.send(requests.admin_delete_user(bearer(provider), session.user.id))
    headers = {"Authorization": f"Bearer {bearer(provider)}"}

    async def actions(query: str) -> list[str]:
        answer = await provider.http.get("/admin/audit", params={"query": query}, headers=headers)
        assert answer.headers["x-total-count"] == str(len(answer.json()))
        return [entry["payload"]["action"] for entry in answer.json()]

    everything = ["user_deleted", "login", "user_signedup"]
    assert await actions("action:LOG") == ["login"]
    assert await actions("type:team") == ["user_deleted", "user_signedup"]
    assert await actions("author:ann@") == ["login", "user_signedup"]
    assert await actions("author:service_role") == ["user_deleted"]
    assert await actions("action:user_d%d") == ["user_deleted"]
    assert await actions("action:") == everything
    assert await actions("") == everything
    for query in ("login", "actor:ann", ":", "ACTION:login"):
        bad = await provider.http.get("/admin/audit", params={"query": query}, headers=headers)
        assert (bad.status_code, bad.json()["error_code"]) == (400, "validation_failed")


async def test_every_act_stands_in_the_audit_log_with_who_did_it(provider: Any) -> None:
    user = await made(provider, email="ann@example.com")
    await provider.send(requests.admin_delete_user(bearer(provider), user.id))
    answer = await provider.send(requests.admin_audit(bearer(provider), per_page=2))
    entries = responses.parse_audit(answer.status_code, answer.headers, answer.content)
    assert [entry.payload["action"] for entry in entries] == ["user_deleted", "user_signedup"]
    assert {entry.payload["actor_username"] for entry in entries} == {"service_role"}


@pytest.mark.parametrize("act", ["password", "delete"])
async def test_no_link_sent_before_leads_back_in(provider: Any, act: str) -> None:
    session = await provider.signed_up()
    user_id, admin = session.user.id, bearer(provider)
    await provider.send(requests.recover("ann@example.com"))
    mail = provider.parts.inbox.newest(to="ann@example.com")[0]

    if act == "password":
        change = requests.admin_update_user(admin, user_id, AdminUserBody(password="another horse 2"))
    else:
        change = requests.admin_delete_user(admin, user_id, softly=True)
    assert (await provider.send(change)).status_code == 200

    body = {"type": "recovery", "email": "ann@example.com", "token": mail.code}
    answer = await provider.http.post("/verify", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "otp_expired")


@pytest.mark.parametrize("way", [{"email": "ann@example.com"}, {"phone": "15555550100"}])
async def test_an_anonymous_user_is_none_once_an_admin_has_confirmed_a_way_in(
    provider: Any, way: dict[str, str]
) -> None:
    signed_up = (await provider.http.post("/signup", json={})).json()
    body = AdminUserBody(**way, **{f"{name}_confirm": True for name in way})  # type: ignore[arg-type]
    answer = await provider.send(requests.admin_update_user(bearer(provider), signed_up["user"]["id"], body))
    user = responses.parse_user(answer.status_code, answer.headers, answer.content)
    assert (signed_up["user"]["is_anonymous"], user.is_anonymous) == (True, False)


async def changed(provider: Any, user_id: str, **body: Any) -> User:
    request = requests.admin_update_user(bearer(provider), user_id, AdminUserBody(**body))
    answer = await provider.send(request)
    return responses.parse_user(answer.status_code, answer.headers, answer.content)


async def shown(provider: Any, user_id: str) -> User:
    answer = await provider.send(requests.admin_get_user(bearer(provider), user_id))
    return responses.parse_user(answer.status_code, answer.headers, answer.content)


async def test_a_null_removes_a_key_at_once_and_later(provider: Any) -> None:
    user = await made(provider, email="ann@example.com", app_metadata={"role": None, "team": "blue"})
    assert user.app_metadata == {"provider": "email", "providers": ["email"], "team": "blue"}
    user = await changed(provider, user.id, app_metadata={"team": None}, user_metadata={"x": 1})
    assert "team" not in user.app_metadata
    assert (await changed(provider, user.id, user_metadata={"x": None})).user_metadata == {}


async def test_confirming_an_address_says_so_in_the_way_in_and_closes_what_was_sent_before(provider: Any) -> None:
    session = await provider.signed_up()
    await provider.send(requests.recover("ann@example.com"))
    code = provider.parts.inbox.newest(to="ann@example.com")[0].code
    first = session.user.email_confirmed_at
    provider.clock.advance(60)

    await changed(provider, session.user.id, email="new@example.com", email_confirm=True)

    user = await shown(provider, session.user.id)
    assert user.email_confirmed_at != first
    assert user.identities is not None
    assert user.identities[0].identity_data["email"] == "new@example.com"
    assert user.identities[0].identity_data["email_verified"] is True
    body = {"type": "recovery", "email": "ann@example.com", "token": code}
    assert (await provider.http.post("/verify", json=body)).status_code == 403
    await changed(provider, session.user.id, email="newer@example.com")
    user = await shown(provider, session.user.id)
    assert user.identities is not None
    assert user.identities[0].identity_data["email_verified"] is False


async def test_a_new_password_leaves_nothing_under_way(provider: Any) -> None:
    session = await provider.signed_up()
    await provider.send(requests.recover("ann@example.com"))
    assert (await shown(provider, session.user.id)).recovery_sent_at is not None
    await changed(provider, session.user.id, password="correct horse 2")
    assert (await shown(provider, session.user.id)).recovery_sent_at is None


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"password": ""}, (422, "weak_password")),
        ({"password": "x" * 73}, (400, "validation_failed")),
        ({"ban_duration": "soon"}, (400, "validation_failed")),
        ({"phone": "bad"}, (400, "validation_failed")),
    ],
)
async def test_a_change_that_is_not_valid_is_refused(provider: Any, body: Any, refusal: tuple[int, str]) -> None:
    user = await made(provider, email="ann@example.com")
    assert await refused(provider, requests.admin_update_user(bearer(provider), user.id, AdminUserBody(**body))) == (
        refusal
    )


@pytest.mark.parametrize(
    "body",
    [
        {"password": "x" * 73},
        {"id": "00000000-0000-0000-0000-000000000000"},
        {"id": "bad"},
        {"password_hash": "$argon2id$bad"},
        {"password_hash": "$argon2id$v=19$m=4000000000,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"},
        {"password_hash": "bad"},
        {"password": "correct horse 1", "password_hash": "bad"},
    ],
)
async def test_a_user_who_cannot_be_made_is_refused(provider: Any, body: Any) -> None:
    request = requests.admin_create_user(bearer(provider), AdminUserBody(email="ann@example.com", **body))
    assert await refused(provider, request) == (400, "validation_failed")


async def test_a_user_comes_along_with_the_hash_of_their_password(provider: Any) -> None:
    hashed = await provider.parts.passwords.hash("correct horse 1")
    await made(provider, email="ann@example.com", password_hash=hashed, email_confirm=True)
    assert (await provider.signed_in()).user.email == "ann@example.com"


async def test_an_id_is_known_in_every_form(provider: Any) -> None:
    user = await made(provider, email="ann@example.com")
    for form in (user.id.upper(), user.id.replace("-", ""), f"{{{user.id}}}", f"urn:uuid:{user.id}"):
        assert (await shown(provider, form)).id == user.id


async def test_of_a_user_deleted_softly_the_ways_in_are_left_without_what_they_held(provider: Any) -> None:
    session = await provider.signed_up()
    await provider.send(requests.admin_delete_user(bearer(provider), session.user.id, softly=True))
    user = await shown(provider, session.user.id)
    assert user.identities is not None
    assert [(way.provider, way.identity_data, way.email) for way in user.identities] == [("email", {}, None)]
    assert user.identities[0].id != user.id


async def test_that_a_user_is_banned_is_told_to_who_knows_the_password(provider: Any) -> None:
    user = await made(provider, email="ann@example.com", password="correct horse 1")
    await changed(provider, user.id, ban_duration="1h")
    for password, refusal in (("correct horse 1", "user_banned"), ("wrong", "invalid_credentials")):
        assert await refused(provider, requests.password_grant("ann@example.com", password)) == (400, refusal)
