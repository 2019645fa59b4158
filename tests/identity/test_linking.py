"""Whose user somebody at another provider is: Supabase Auth's rules, and where they would let a stranger in, ours."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cadenza.identity.errors import RefusalError
from cadenza.identity.linking import Linking, Waiting
from cadenza.identity.providers import Profile, ProviderEmail
from cadenza.identity.records import Records, UserRow
from cadenza.protocol.auth import VerifyType, requests

PASSWORD = "correct horse 1"


def profile(subject: str = "s1", email: str = "ann@example.com", *, verified: bool = True) -> Profile:
    emails = (ProviderEmail(address=email, verified=verified),) if email else ()
    data = {"sub": subject, "email": email, "email_verified": verified, "name": "Ann"}
    return Profile(subject=subject, emails=emails, data=data)


class Hand:
    """Linking over a provider's store."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.linking: Linking = provider.parts.linking

    async def sign_in(self, who: Profile, *, at: str = "google", **options: Any) -> Any:
        return await self.write(lambda records: self.linking.sign_in(records, who, provider=at, **options))

    async def link(self, user_id: str, who: Profile, *, at: str = "google") -> Any:
        return await self.write(lambda records: self.linking.link(records, user_id, who, provider=at))

    async def write(self, work: Any) -> Any:
        return await self.provider.parts.store.write(work)

    async def user(self, user_id: str) -> UserRow:
        found: UserRow = await self.write(lambda records: records.users.by_id(user_id))
        return found

    async def ways_in(self, user_id: str) -> list[str]:
        def read(records: Records) -> list[str]:
            return [each.provider for each in records.identities.of(user_id)]

        found: list[str] = await self.write(read)
        return found


async def refused(work: Any) -> str:
    with pytest.raises(RefusalError) as caught:
        await work
    return caught.value.error_code.value


async def test_somebody_new_is_a_new_user_confirmed_by_the_providers_word(provider: Any) -> None:
    hand = Hand(provider)

    user = await hand.sign_in(profile())

    assert isinstance(user, UserRow)
    assert (user.email, user.password_hash) == ("ann@example.com", None)
    assert user.email_confirmed_at is not None


async def test_an_address_both_vouch_for_links_to_the_user_there_is(provider: Any) -> None:
    session = await provider.signed_up()
    hand = Hand(provider)

    user = await hand.sign_in(profile(email="ANN@example.com"))

    assert isinstance(user, UserRow)
    assert user.id == session.user.id
    assert await hand.ways_in(user.id) == ["email", "google"]
    assert msgspec.json.decode(user.app_metadata)["providers"] == ["email", "google"]


async def test_takeover_an_unconfirmed_password_laid_as_a_trap_is_removed_when_the_owner_comes(
    make_provider: Any,
) -> None:
    async with make_provider(autoconfirm=False) as provider:
        await provider.send(requests.sign_up("ann@example.com", PASSWORD, metadata={"planted": True}))
        hand = Hand(provider)

        user = await hand.sign_in(profile())

        assert isinstance(user, UserRow)
        assert await hand.ways_in(user.id) == ["google"]
        assert user.password_hash is None
        assert "planted" not in user.user_metadata
        answer = await provider.send(requests.password_grant("ann@example.com", PASSWORD))
        assert answer.json()["code"] == "invalid_credentials"


async def test_an_address_the_provider_does_not_vouch_for_links_nobody(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        await provider.parts.users.ensure("ann@example.com", PASSWORD)
        hand = Hand(provider)

        outcome = await hand.sign_in(profile(verified=False))

        assert isinstance(outcome, Waiting)
        assert outcome.refusal.error_code == "provider_email_needs_verification"
        assert outcome.mail is None
        found = await hand.write(lambda records: records.identities.by_subject("google", "s1"))
        owner = await hand.user(found.user_id)
        assert (owner.email, owner.email_confirmed_at) == (None, None)


async def test_it_is_taken_once_the_provider_vouches_for_it(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        hand = Hand(provider)
        outcome = await hand.sign_in(profile(verified=False))
        assert isinstance(outcome, Waiting)
        assert outcome.mail is not None

        user = await hand.sign_in(profile(verified=True))

        assert isinstance(user, UserRow)
        assert user.email_confirmed_at is not None


async def test_takeover_a_way_in_with_an_address_nobody_verified_receives_nobody(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        await provider.parts.users.ensure("mallory@example.com", PASSWORD)
        hand = Hand(provider)
        mallory = await hand.write(lambda records: records.users.by_email("mallory@example.com"))
        await hand.link(mallory.id, profile("m1", "ann@example.com", verified=False), at="gitlab")

        user = await hand.sign_in(profile("a1", "ann@example.com"))

        assert isinstance(user, UserRow)
        assert user.id != mallory.id


async def test_new_users_are_not_taken_where_sign_up_is_off(make_provider: Any) -> None:
    async with make_provider(disable_sign_up=True) as provider:
        assert await refused(Hand(provider).sign_in(profile())) == "signup_disabled"


async def test_addresses_of_several_users_decide_nothing(provider: Any) -> None:
    for email in ("ann@example.com", "bob@example.com"):
        await provider.signed_up(email)
    both = Profile(
        subject="s1",
        emails=(
            ProviderEmail(address="ann@example.com", verified=True),
            ProviderEmail(address="bob@example.com", verified=True, primary=False),
        ),
        data={"sub": "s1"},
    )

    assert await refused(Hand(provider).sign_in(both)) == "unexpected_failure"


async def test_somebody_without_an_address_comes_in_where_that_is_allowed(provider: Any) -> None:
    user = await Hand(provider).sign_in(profile(email=""), email_optional=True)

    assert isinstance(user, UserRow)
    assert user.email is None


async def test_what_a_provider_says_at_length_does_not_outgrow_the_tokens(make_provider: Any) -> None:
    async with make_provider(user_metadata_limit_bytes=2000) as provider:
        long = msgspec.structs.replace(
            profile(), data={"sub": "s1", "email": "ann@example.com", "custom_claims": {"groups": ["g" * 50] * 100}}
        )

        user = await Hand(provider).sign_in(long)

        assert isinstance(user, UserRow)
        assert len(user.user_metadata) < 2000


async def test_an_address_nobody_vouches_for_is_confirmed_by_mail(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        hand = Hand(provider)
        outcome = await hand.sign_in(profile(verified=False))

        assert await refused(hand.linking.turn_away(outcome)) == "provider_email_needs_verification"

        mail = provider.parts.inbox.newest(to="ann@example.com")[0]
        answer = await provider.send(requests.verify_code(VerifyType.SIGNUP, mail.code, email="ann@example.com"))
        assert answer.json()["user"]["app_metadata"]["providers"] == ["google"]


async def test_a_second_confirmation_waits_as_long_as_any_mail(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        hand = Hand(provider)
        await hand.sign_in(profile(verified=False))

        assert await refused(hand.sign_in(profile(verified=False))) == "over_email_send_rate_limit"


async def test_what_was_linked_and_removed_stands_in_the_audit_log(provider: Any) -> None:
    session = await provider.signed_up()
    hand = Hand(provider)
    await hand.link(session.user.id, profile())

    def unlink(records: Records) -> list[str]:
        user = records.users.by_id(session.user.id)
        assert user is not None
        added = next(each for each in records.identities.of(user.id) if each.provider == "google")
        hand.linking.unlink(records, user, added.id)
        return [entry.action for entry in records.audit.of(user.id)]

    assert (await hand.write(unlink))[-2:] == ["identity_linked", "identity_unlinked"]


async def anonymous(hand: Hand) -> str:
    user = await hand.sign_in(profile("x", ""), at="anonymous", email_optional=True)
    assert isinstance(user, UserRow)

    def strip(records: Records) -> None:
        for each in records.identities.of(user.id):
            records.identities.delete(each.id)
        records.users.update(msgspec.structs.replace(user, is_anonymous=True, app_metadata="{}", user_metadata="{}"))

    await hand.write(strip)
    return user.id


async def test_an_anonymous_user_who_adds_a_way_in_is_none_any_more(provider: Any) -> None:
    hand = Hand(provider)
    user_id = await anonymous(hand)

    user = await hand.link(user_id, profile())

    assert isinstance(user, UserRow)
    assert (user.is_anonymous, user.email) == (False, "ann@example.com")
    assert user.email_confirmed_at is not None
    assert msgspec.json.decode(user.app_metadata) == {"provider": "google", "providers": ["google"]}


async def test_an_anonymous_user_cannot_become_somebody_else(provider: Any) -> None:
    await provider.signed_up()
    hand = Hand(provider)
    user_id = await anonymous(hand)

    assert await refused(hand.link(user_id, profile())) == "email_exists"
    assert (await hand.user(user_id)).is_anonymous


async def test_who_loses_the_way_in_of_their_address_has_that_of_another(provider: Any) -> None:
    session = await provider.signed_up()
    hand = Hand(provider)
    await hand.link(session.user.id, profile("s1", "ann@work.example"))

    def unlink(records: Records) -> UserRow:
        user = records.users.by_id(session.user.id)
        assert user is not None
        own = next(each for each in records.identities.of(user.id) if each.provider == "email")
        return hand.linking.unlink(records, user, own.id)

    user = await hand.write(unlink)

    assert user.email == "ann@work.example"
    assert await refused(hand.write(unlink_last(hand, session.user.id))) == "single_identity_not_deletable"


def unlink_last(hand: Hand, user_id: str) -> Any:
    def unlink(records: Records) -> UserRow:
        user = records.users.by_id(user_id)
        assert user is not None
        return hand.linking.unlink(records, user, records.identities.of(user_id)[0].id)

    return unlink
