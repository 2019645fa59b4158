"""Guessing passwords over HTTP: slowed down by account and address, with Retry-After, and the owner still comes in."""

from __future__ import annotations

import contextlib
import dataclasses

import httpx
import pytest
from tests.identity.conftest import PASSWORD, MakeProvider, Provider
from tests.identity.test_factors import challenge, code_of, enrol

from cadenza.identity.config import AttemptLimits, RateLimits
from cadenza.protocol.auth import requests

OWNER = "ann@example.com"
GUESSING_LIMITED = dataclasses.replace(
    RateLimits.off(), attempts=AttemptLimits(free_from_one_address=3, free_in_all=8, longest_wait_in_all_seconds=20)
)


async def guess(provider: Provider, email: str, password: str, address: str) -> httpx.Response:
    return await provider.send(requests.password_grant(email, password), **{"X-Caller": address})


def make(make_provider: MakeProvider) -> contextlib.AbstractAsyncContextManager[Provider]:
    return make_provider(limits=GUESSING_LIMITED, address_header="x-caller")


async def test_wrong_passwords_cost_ever_longer_waits_and_the_right_one_has_to_wait_too(
    make_provider: MakeProvider,
) -> None:
    async with make(make_provider) as provider:
        await provider.signed_up()
        answers = [await guess(provider, OWNER, f"wrong {number}", "198.51.100.1") for number in range(5)]
        right = await guess(provider, OWNER, PASSWORD, "198.51.100.1")

        assert [answer.status_code for answer in answers] == [400, 400, 400, 400, 429]
        assert right.status_code == 429
        assert (right.headers["retry-after"], right.json()["code"]) == ("1", "over_request_rate_limit")
        provider.clock.advance(1)
        assert (await guess(provider, OWNER, PASSWORD, "198.51.100.1")).status_code == 200


async def test_the_owner_is_not_locked_out_by_somebody_elses_guessing(make_provider: MakeProvider) -> None:
    async with make(make_provider) as provider:
        await provider.signed_up()
        for number in range(4):
            await guess(provider, OWNER, f"wrong {number}", "198.51.100.1")

        assert (await guess(provider, OWNER, PASSWORD, "203.0.113.7")).status_code == 200


async def test_many_addresses_are_slowed_down_together_but_not_where_the_owner_was_before(
    make_provider: MakeProvider,
) -> None:
    async with make(make_provider) as provider:
        await provider.signed_up()
        assert (await guess(provider, OWNER, PASSWORD, "203.0.113.7")).status_code == 200
        answers = [await guess(provider, OWNER, "wrong", f"198.51.100.{number}") for number in range(12)]

        assert [answer.status_code for answer in answers] == [400] * 9 + [429] * 3
        assert (await guess(provider, OWNER, PASSWORD, "203.0.113.7")).status_code == 200
        assert (await guess(provider, OWNER, PASSWORD, "203.0.113.8")).status_code == 429
        provider.clock.advance(20)
        assert (await guess(provider, OWNER, PASSWORD, "203.0.113.8")).status_code == 200


@pytest.mark.parametrize("email", [OWNER, "nobody@example.com"])
async def test_the_limit_does_not_tell_whether_there_is_such_a_user(email: str, make_provider: MakeProvider) -> None:
    async with make(make_provider) as provider:
        await provider.signed_up()
        answers = [await guess(provider, email, "wrong", "198.51.100.1") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 400, 429]


async def test_codes_of_a_second_factor_are_guessed_ever_slower_and_the_right_one_has_to_wait_too(
    make_provider: MakeProvider,
) -> None:
    async with make(make_provider) as provider:
        session = await provider.signed_up()
        factor = await enrol(provider, session)

        async def try_code(code: str) -> httpx.Response:
            challenge_id = await challenge(provider, session, factor)
            request = requests.verify_factor(session.access_token, factor.id, challenge_id=challenge_id, code=code)
            return await provider.send(request)

        wrong = "000000" if code_of(provider, factor) != "000000" else "000001"
        answers = [await try_code(wrong) for _ in range(5)]
        right = await try_code(code_of(provider, factor))

        assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 429]
        assert (right.status_code, right.headers["retry-after"]) == (429, "1")
        provider.clock.advance(1)
        assert (await try_code(code_of(provider, factor))).status_code == 200
