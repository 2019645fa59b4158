"""Second factors: what raises a session, what does not, and what a factor takes with it when it goes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pyotp.totp import TOTP

from cadenza.errors import IdentityError
from cadenza.identity import totp
from cadenza.protocol.auth import EnrolledFactor, Session, requests, responses
from cadenza.tokens.claims import check_form


async def enrol(provider: Any, session: Session, name: str = "phone") -> EnrolledFactor:
    answer = await provider.send(requests.enrol_totp(session.access_token, friendly_name=name))
    return responses.parse_enrolled_factor(answer.status_code, answer.headers, answer.content)


def code_of(provider: Any, factor: EnrolledFactor, *, steps: int = 0) -> str:
    assert factor.totp is not None
    return TOTP(factor.totp.secret).at(int(provider.clock.now) + 30 * steps)


async def challenge(provider: Any, session: Session, factor: EnrolledFactor) -> str:
    answer = await provider.send(requests.challenge_factor(session.access_token, factor.id))
    return responses.parse_factor_challenge(answer.status_code, answer.headers, answer.content).id


async def verify(provider: Any, session: Session, factor: EnrolledFactor, code: str, challenge_id: str = "") -> Session:
    challenge_id = challenge_id or await challenge(provider, session, factor)
    request = requests.verify_factor(session.access_token, factor.id, challenge_id=challenge_id, code=code)
    answer = await provider.send(request)
    return responses.parse_session(answer.status_code, answer.headers, answer.content)


async def remove(provider: Any, session: Session, factor: EnrolledFactor) -> None:
    answer = await provider.send(requests.delete_factor(session.access_token, factor.id))
    responses.parse_unenrolled_factor(answer.status_code, answer.headers, answer.content)


async def raised(provider: Any) -> tuple[Session, EnrolledFactor]:
    """A session at aal2, and its factor."""
    session = await provider.signed_up()
    factor = await enrol(provider, session)
    return await verify(provider, session, factor, code_of(provider, factor)), factor


async def test_a_code_raises_the_session_in_place(provider: Any) -> None:
    first = await provider.signed_up()
    factor = await enrol(provider, first)
    strong = await verify(provider, first, factor, code_of(provider, factor))

    before, after = check_form(first.access_token).claims, check_form(strong.access_token).claims
    assert (before.aal, after.aal) == ("aal1", "aal2")
    assert before.session_id == after.session_id
    assert [factor.status for factor in strong.user.factors] == ["verified"]


async def test_sessions_that_are_lower_end_when_a_factor_is_proved(provider: Any) -> None:
    first = await provider.signed_up()
    other = await provider.signed_in()
    factor = await enrol(provider, first)
    await verify(provider, first, factor, code_of(provider, factor))

    answer = await provider.send(requests.get_user(other.access_token))
    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_found")


async def test_a_new_sign_in_is_low_and_can_neither_add_nor_remove(provider: Any) -> None:
    _, factor = await raised(provider)
    low = await provider.signed_in()
    assert check_form(low.access_token).claims.aal == "aal1"
    for attempt in (enrol(provider, low, "second"), remove(provider, low, factor)):
        with pytest.raises(IdentityError) as caught:
            await attempt
        assert caught.value.error_code == "insufficient_aal"


async def test_a_factor_that_goes_lowers_what_it_raised(provider: Any) -> None:
    strong, factor = await raised(provider)
    await remove(provider, strong, factor)
    answer = await provider.send(requests.refresh_token_grant(strong.refresh_token))
    session = responses.parse_session(answer.status_code, answer.headers, answer.content)
    assert check_form(session.access_token).claims.aal == "aal1"
    assert session.user.factors == ()


async def test_a_code_works_once(provider: Any) -> None:
    """RFC 6238 section 5.2: whoever looked over a shoulder comes too late."""
    strong, factor = await raised(provider)
    with pytest.raises(IdentityError) as caught:
        await verify(provider, strong, factor, code_of(provider, factor))
    assert caught.value.error_code == "mfa_verification_failed"
    provider.clock.advance(30)
    assert (await verify(provider, strong, factor, code_of(provider, factor))).access_token


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_clock_may_be_wrong_by_half_a_minute(provider: Any, steps: int, is_right: bool) -> None:  # noqa: FBT001
    session = await provider.signed_up()
    factor = await enrol(provider, session)
    attempt = verify(provider, session, factor, code_of(provider, factor, steps=steps))
    if is_right:
        assert (await attempt).access_token
        return
    with pytest.raises(IdentityError):
        await attempt


async def test_a_challenge_is_answered_once_and_in_time(provider: Any) -> None:
    session = await provider.signed_up()
    factor = await enrol(provider, session)
    old = await challenge(provider, session, factor)
    provider.clock.advance(301)
    with pytest.raises(IdentityError) as expired:
        await verify(provider, session, factor, code_of(provider, factor), old)
    assert expired.value.error_code == "mfa_challenge_expired"
    used = await challenge(provider, session, factor)
    strong = await verify(provider, session, factor, code_of(provider, factor), used)
    provider.clock.advance(30)
    with pytest.raises(IdentityError) as again:
        await verify(provider, strong, factor, code_of(provider, factor), used)
    assert again.value.error_code == "mfa_ip_address_mismatch"


async def test_another_users_factor_is_not_found(provider: Any) -> None:
    ann = await provider.signed_up()
    factor = await enrol(provider, ann)
    bob = await provider.signed_up("bob@example.com")
    for attempt in (challenge(provider, bob, factor), remove(provider, bob, factor)):
        with pytest.raises(IdentityError) as caught:
            await attempt
        assert (caught.value.status, caught.value.error_code) == (404, "mfa_factor_not_found")


async def test_what_was_begun_and_forgotten_makes_room(provider: Any) -> None:
    session = await provider.signed_up()
    await enrol(provider, session)
    with pytest.raises(IdentityError) as taken:
        await enrol(provider, session)
    assert taken.value.error_code == "mfa_factor_name_conflict"
    provider.clock.advance(301)
    assert (await enrol(provider, session)).totp is not None


async def test_a_bearer_of_no_session_enrols_nothing_and_an_id_that_is_none_is_refused(provider: Any) -> None:
    session = await provider.signed_up()
    for path in ("/factors/nonsense/challenge", "/factors/nonsense/verify"):
        answer = await provider.http.post(path, headers={"Authorization": f"Bearer {session.access_token}"})
        assert answer.status_code == 404


async def test_neither_secret_nor_code_stands_in_the_database(provider: Any) -> None:
    _, factor = await raised(provider)
    assert factor.totp is not None
    kept = b"".join(path.read_bytes() for path in provider.config.data_dir.iterdir() if path.is_file())
    assert factor.totp.secret.encode() not in kept
    assert factor.totp.secret not in repr(factor)


def test_the_picture_is_an_svg_that_fits_a_data_url() -> None:
    """supabase-py and auth-js put it behind ``data:image/svg+xml;utf-8,`` as it stands: a ``#`` would cut it short."""
    uri = totp.address_of("A" * 32, issuer="127.0.0.1:3000", account="ann@example.com")
    picture = totp.qr_code(uri)
    assert uri.startswith(
        "otpauth://totp/127.0.0.1:3000:ann@example.com?algorithm=SHA1&digits=6&issuer=127.0.0.1%3A3000"
    )
    assert picture.startswith('<?xml version="1.0"?>')
    assert "#" not in picture
    assert len(re.findall(r"h1v1h-1z", picture)) > 400


async def test_an_anonymous_user_has_a_session_and_nothing_else(provider: Any) -> None:
    answer = await provider.send(requests.sign_up_anonymously(metadata={"a": 1}))
    session = responses.parse_session(answer.status_code, answer.headers, answer.content)
    claims = check_form(session.access_token).claims
    assert claims.is_anonymous
    assert (session.user.email, session.user.identities, session.user.user_metadata) == ("", (), {"a": 1})
    assert session.user.is_anonymous


async def test_an_anonymous_user_has_a_second_factor_once_they_are_one_no_more(provider: Any) -> None:
    guest = (await provider.http.post("/signup", json={})).json()
    enrol_with = requests.enrol_totp(guest["access_token"], friendly_name="phone")
    answer = await provider.send(enrol_with)
    assert (answer.status_code, answer.json()["code"]) == (403, "no_authorization")

    headers = {"Authorization": f"Bearer {guest['access_token']}"}
    upgraded = await provider.http.put("/user", json={"email": "ann@example.com"}, headers=headers)
    assert upgraded.json()["is_anonymous"] is False
    assert (await provider.send(enrol_with)).status_code == 403  # the token still says what they were
    renewed = await provider.send(requests.refresh_token_grant(guest["refresh_token"]))
    answer = await provider.send(requests.enrol_totp(renewed.json()["access_token"], friendly_name="phone"))
    assert answer.status_code == 200
