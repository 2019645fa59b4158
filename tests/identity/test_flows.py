"""A flow comes back once, in time, to whoever began it."""

from __future__ import annotations

from typing import Any

import pytest

from cadenza.identity.errors import RefusalError
from cadenza.identity.flows import Flows, FlowSecrets, check_challenge
from cadenza.identity.records import FlowStateRow, Records
from cadenza.identity.sealing import Vault
from cadenza.protocol.auth import pkce, requests

VERIFIER = "v" * 43
CHALLENGE = pkce.challenge_of(VERIFIER)


@pytest.fixture
def flows(provider: Any) -> Flows:
    numbers = iter(range(1, 1000))

    def new_id() -> str:
        return f"00000000-0000-4000-8000-{next(numbers):012}"

    vault = Vault(b"k" * 32, random_bytes=bytes)
    return Flows(provider.config, vault=vault, clock=provider.clock, new_id=new_id)


async def write(provider: Any, work: Any) -> Any:
    return await provider.parts.store.write(work)


async def begin(provider: Any, flows: Flows, **changes: Any) -> FlowStateRow:
    arguments = {"provider": "email", "method": "magiclink", "challenge": CHALLENGE, **changes}
    flow: FlowStateRow = await write(provider, lambda records: flows.begin(records, **arguments))
    return flow


async def issued(provider: Any, flows: Flows, **changes: Any) -> tuple[str, str]:
    """A user's id and their code."""
    user_id = (await provider.signed_up()).user.id
    flow = await begin(provider, flows, **changes)
    secrets = FlowSecrets(provider_token="theirs")
    code = await write(provider, lambda records: flows.issue_code(records, flow, user_id=user_id, secrets=secrets))
    return user_id, code


async def refusal_of(work: Any) -> str:
    with pytest.raises(RefusalError) as caught:
        await work
    return caught.value.error_code.value


async def test_a_code_is_traded_once_for_what_was_sealed_with_it(provider: Any, flows: Flows) -> None:
    user_id, code = await issued(provider, flows)

    traded = await write(provider, lambda records: flows.trade(records, code, VERIFIER))

    assert traded.user_id == user_id
    assert flows.secrets_of(traded).provider_token == "theirs"
    again = write(provider, lambda records: flows.trade(records, code, VERIFIER))
    assert await refusal_of(again) == "flow_state_not_found"


async def test_a_wrong_verifier_leaves_the_code_to_whoever_has_the_right_one(provider: Any, flows: Flows) -> None:
    _, code = await issued(provider, flows)

    wrong = write(provider, lambda records: flows.trade(records, code, "w" * 43))

    assert await refusal_of(wrong) == "bad_code_verifier"
    assert await write(provider, lambda records: flows.trade(records, code, VERIFIER))


async def test_pkce_downgrade_a_code_of_the_implicit_flow_is_none(provider: Any, flows: Flows) -> None:
    _, code = await issued(provider, flows, challenge="")

    assert await refusal_of(write(provider, lambda records: flows.trade(records, code, ""))) == "flow_state_not_found"


async def test_a_code_is_good_for_the_flow_lifetime_from_its_issue_on(provider: Any, flows: Flows) -> None:
    user_id = (await provider.signed_up()).user.id
    flow = await begin(provider, flows)
    provider.clock.advance(3000)
    code = await write(provider, lambda records: flows.issue_code(records, flow, user_id=user_id))

    provider.clock.advance(provider.config.flow_lifetime_seconds + 1)

    late = write(provider, lambda records: flows.trade(records, code, VERIFIER))
    assert await refusal_of(late) == "flow_state_expired"


async def test_a_state_is_taken_once_and_says_when_it_is_too_old(provider: Any, flows: Flows) -> None:
    flow = await begin(provider, flows)
    assert not flows.is_expired(flow)
    provider.clock.advance(provider.config.flow_lifetime_seconds + 1)

    taken = await write(provider, lambda records: flows.take(records, flow.id))

    assert flows.is_expired(taken)
    assert await write(provider, lambda records: flows.take(records, flow.id)) is None


async def test_the_database_holds_neither_codes_nor_tokens_in_clear(provider: Any, flows: Flows) -> None:
    _, code = await issued(provider, flows)

    content = b"".join(path.read_bytes() for path in provider.config.data_dir.glob("identity.db*"))

    assert code.encode() not in content
    assert b"theirs" not in content


async def test_flows_nobody_came_back_from_are_forgotten(provider: Any, flows: Flows) -> None:
    old = await begin(provider, flows)
    provider.clock.advance(2 * 24 * 3600)
    await begin(provider, flows)

    def find(records: Records) -> FlowStateRow | None:
        return records.flow_states.by_id(old.id)

    assert await write(provider, find) is None


@pytest.mark.parametrize(
    ("challenge", "method"),
    [(CHALLENGE, ""), ("", "s256"), ("short", "s256"), ("!" * 43, "s256"), (CHALLENGE, "plain"), (CHALLENGE, "zzz")],
)
def test_a_challenge_that_proves_nothing_is_refused(challenge: str, method: str) -> None:
    with pytest.raises(RefusalError) as caught:
        check_challenge(challenge, method)
    assert caught.value.error_code == "validation_failed"


def test_a_challenge_is_taken_in_either_case_of_its_method() -> None:
    assert check_challenge(CHALLENGE, "S256") == CHALLENGE
    assert check_challenge(None, None) == ""


async def test_the_grant_wants_code_and_verifier(provider: Any) -> None:
    answer = await provider.send(requests.pkce_grant("x", ""))
    unknown = await provider.send(requests.pkce_grant("00000000-0000-4000-8000-000000000000", VERIFIER))

    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "flow_state_not_found")
