"""Users: registered, confirmed, recognised, changed."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from argon2 import PasswordHasher

from cadenza.errors import IdentityError
from cadenza.identity.config import MailConfig, PasswordHashing, RateLimits
from cadenza.identity.errors import RefusalError
from cadenza.protocol.auth import Session, User, requests, responses

PASSWORD = "correct horse 1"
ANN = "ann@example.com"


async def sign_up(provider: Any, email: str = ANN, password: str = PASSWORD, **more: Any) -> Session | User:
    answer = await provider.send(requests.sign_up(email, password, **more))
    return responses.parse_sign_up(answer.status_code, answer.headers, answer.content)


async def sign_in_code(provider: Any, password: str) -> str:
    try:
        await provider.signed_in(ANN, password)
    except IdentityError as error:
        return error.error_code
    return ""


async def test_an_unconfirmed_user_comes_in_once_confirmed(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        user = await sign_up(provider)
        assert isinstance(user, User)
        assert not user.email_confirmed_at
        assert await sign_in_code(provider, PASSWORD) == "email_not_confirmed"
        assert await sign_in_code(provider, "wrong") == "invalid_credentials"

        assert await provider.parts.users.confirm("ANN@example.com")

        session = await provider.signed_in()
        assert session.user.id == user.id
        assert session.user.user_metadata["email_verified"] is True
        assert not await provider.parts.users.confirm("nobody@example.com")


async def test_whether_an_address_is_taken_is_told_to_nobody(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        real = await sign_up(provider)
        await provider.parts.users.confirm(ANN)
        provider.clock.advance(60)

        fake = await sign_up(provider, password="another password 2")

        assert isinstance(fake, User)
        assert fake.id != real.id  # type: ignore[union-attr]
        assert fake.identities == ()
        assert await sign_in_code(provider, "another password 2") == "invalid_credentials"


async def test_an_address_waits_before_it_is_asked_again(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False, mail=MailConfig(interval_seconds=60)) as provider:
        await sign_up(provider)
        provider.clock.advance(50.5)
        answer = await provider.send(requests.sign_up(ANN, PASSWORD))

        assert answer.json()["code"] == "over_email_send_rate_limit"
        assert answer.json()["message"].endswith("after 9 seconds.")
        assert answer.headers["Retry-After"] == "10"
        provider.clock.advance(9.5)
        assert isinstance(await sign_up(provider), User)


async def test_the_password_of_whoever_confirms_counts_not_of_whoever_came_first(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        await sign_up(provider, password="of a stranger 1")
    async with make_provider() as provider:
        assert isinstance(await sign_up(provider), Session)

        assert await sign_in_code(provider, PASSWORD) == ""
        assert await sign_in_code(provider, "of a stranger 1") == "invalid_credentials"


async def test_two_sign_ups_for_one_address_at_once_make_one_user(provider: Any) -> None:
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(provider.send(requests.sign_up(ANN, PASSWORD)) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 7


async def test_a_wrong_password_and_an_unknown_user_are_answered_alike_after_one_check(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await provider.signed_up()
    await provider.send(requests.password_grant("warm.up@example.com", "x"))
    checks: list[str] = []
    verify = PasswordHasher.verify

    def counted(hasher: PasswordHasher, hashed: Any, password: Any) -> Any:
        checks.append("check")
        return verify(hasher, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    answers = []
    for email in (ANN, "nobody@example.com"):
        answers.append(await provider.send(requests.password_grant(email, "wrong")))
        checks.append(email)

    assert checks == ["check", ANN, "check", "nobody@example.com"]
    assert answers[0].content == answers[1].content
    assert dict(answers[0].headers) == dict(answers[1].headers)


async def test_a_sign_up_hashes_once_whether_the_address_is_taken_or_not(
    make_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []
    make = PasswordHasher.hash

    def counted(hasher: PasswordHasher, password: Any, **more: Any) -> str:
        hashes.append("hash")
        return make(hasher, password, **more)

    async with make_provider(autoconfirm=False) as provider:
        await sign_up(provider)
        await provider.parts.users.confirm(ANN)
        monkeypatch.setattr(PasswordHasher, "hash", counted)
        for email in (ANN, "nobody@example.com"):
            await sign_up(provider, email)
            hashes.append(email)

    assert hashes == ["hash", ANN, "hash", "nobody@example.com"]


async def test_a_hash_of_an_older_cost_is_renewed_at_sign_in(make_provider: Any) -> None:
    async with make_provider() as provider:
        await provider.signed_up()
    dearer = PasswordHashing(passes=2, memory_kib=16, lanes=1)
    async with make_provider(hashing=dearer) as provider:
        await provider.signed_in()
        user = await provider.parts.store.read(lambda records: records.users.by_email(ANN))
        await provider.signed_in()

    assert "m=16,t=2" in user.password_hash


async def test_a_password_changed_while_it_was_being_checked_lets_nobody_in(provider: Any) -> None:
    session = await provider.signed_up()
    recognised = await provider.parts.users.authenticate(ANN, PASSWORD)
    await provider.send(requests.update_user(session.access_token, password="quite another 2"))

    with pytest.raises(RefusalError) as caught:
        await provider.parts.store.read(lambda records: provider.parts.users.recall(records, recognised))

    assert caught.value.error_code == "invalid_credentials"
    assert await sign_in_code(provider, "quite another 2") == ""


async def test_a_password_that_is_weak_today_is_reported_at_sign_in(make_provider: Any) -> None:
    async with make_provider() as provider:
        assert (await provider.signed_up()).weak_password is not None  # absent
        assert (await provider.signed_in()).weak_password is None
    async with make_provider(password_min_length=20) as provider:
        weak = (await provider.signed_in()).weak_password

    assert weak.reasons == ("length",)
    assert "20" in weak.message


async def test_ensure_makes_a_user_once_and_keeps_the_password(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    users = provider.parts.users

    assert await users.ensure("Ready@example.com", PASSWORD) is True
    with monkeypatch.context() as patch:
        patch.setattr(PasswordHasher, "hash", None)  # the second time costs no hash
        assert await users.ensure("ready@example.com", "quite another 2") is False

    assert (await provider.signed_in("ready@example.com")).user.email_confirmed_at
    with pytest.raises(RefusalError):
        await users.ensure("ready2@example.com", "short")
    with pytest.raises(RefusalError):
        await users.ensure("no address", PASSWORD)


async def test_metadata_is_merged_and_a_null_removes(provider: Any) -> None:
    session = await sign_up(provider, metadata={"name": "Ann", "age": 3})
    assert isinstance(session, Session)

    answer = await provider.send(requests.update_user(session.access_token, metadata={"age": None, "city": "Rome"}))

    metadata = answer.json()["user_metadata"]
    assert (metadata["name"], metadata["city"]) == ("Ann", "Rome")
    assert "age" not in metadata


async def test_a_null_in_the_metadata_of_a_sign_up_is_no_entry(provider: Any) -> None:
    session = await sign_up(provider, metadata={"name": "Ann", "age": None})

    assert isinstance(session, Session)
    assert session.user.user_metadata["name"] == "Ann"
    assert "age" not in session.user.user_metadata


async def test_metadata_has_a_size_and_a_depth_because_tokens_carry_it(provider: Any) -> None:
    session = await provider.signed_up()
    deep: dict[str, Any] = {}
    for _ in range(20):
        deep = {"in": deep}

    for bad in ({"x": "y" * 9000}, deep):
        for request in (
            requests.update_user(session.access_token, metadata=bad),
            requests.sign_up("new@example.com", PASSWORD, metadata=bad),
        ):
            answer = await provider.send(request)
            assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")

    almost = {"x": "y" * 4000}
    assert (await provider.send(requests.update_user(session.access_token, metadata=almost))).status_code == 200
    more = {"z": "y" * 4100}
    assert (await provider.send(requests.update_user(session.access_token, metadata=more))).status_code == 400
    assert (await provider.signed_in()).user.user_metadata["x"] == "y" * 4000


async def test_telephone_numbers_are_refused_by_name(provider: Any) -> None:
    for path, status in (("/signup", 400), ("/token?grant_type=password", 422)):
        answer = await provider.http.post(path, json={"phone": "15555550100", "password": PASSWORD})
        assert (answer.status_code, answer.json()["error_code"]) == (status, "phone_provider_disabled")
    both = {"phone": "15555550100", "email": ANN, "password": PASSWORD}
    answer = await provider.http.post("/token?grant_type=password", json=both)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "validation_failed")


async def test_sign_ups_are_limited_by_address(make_provider: Any) -> None:
    limits = RateLimits(sign_ups_per_five_minutes=30, burst=2)
    async with make_provider(limits=limits) as provider:
        answers = [await provider.send(requests.sign_up(f"u{n}@example.com", PASSWORD)) for n in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "over_request_rate_limit"
        assert answers[2].headers["Retry-After"] == "10"
        provider.clock.advance(10)
        assert (await provider.send(requests.sign_up("u3@example.com", PASSWORD))).status_code == 200


async def test_guessing_is_limited_by_address(make_provider: Any) -> None:
    limits = dataclasses.replace(RateLimits(), token_requests_per_five_minutes=150, burst=5)
    async with make_provider(limits=limits) as provider:
        codes = [await sign_in_code(provider, f"guess {n}") for n in range(6)]

    assert codes == ["invalid_credentials"] * 5 + ["over_request_rate_limit"]
