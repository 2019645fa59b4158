"""A rule decides, by the verified token alone, and says which claim it hung on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend import AccessConfig
from cadenza.backend.access import Gate, Rule
from cadenza.backend.ports import Caller
from cadenza.schema.access import Access, Guarded
from cadenza.schema.channels import CHANNELS, ParsedChannel, parse_channel
from cadenza.schema.codes import Code
from cadenza.schema.method import Method
from cadenza.schema.methods import COMMAND_CREDENTIAL_CREATE, COMMAND_TRADE_ORDER_SUBMIT, METHODS
from cadenza.schema.system import NoParams

GATE = Gate(AccessConfig())


def caller(user: str = "ann", raised: str = "", **meta: object) -> Caller:
    whole = {"session_id": "s1", "aal": "aal1", "role": "authenticated"} | meta
    return Caller(user=user, meta=json.dumps(whole).encode(), raised=raised)


def method(access: Access, guarded: Guarded | None = None) -> Method[Any, Any]:
    return Method("query.some.thing", NoParams, str, access=access, guarded=guarded)


def channel(name: str) -> ParsedChannel:
    parsed = parse_channel(name)
    assert parsed is not None
    return parsed


ANONYMOUS = Caller()
USER = caller()
SERVICE = caller("robot", role="service")
ADMIN = caller("root", role="admin")


@pytest.mark.parametrize(
    ("access", "who", "refusal", "rule", "claim"),
    [
        (Access.ANONYMOUS, ANONYMOUS, None, Rule.ANONYMOUS, ""),
        (Access.ANONYMOUS, USER, None, Rule.ANONYMOUS, ""),
        (Access.USER, ANONYMOUS, Code.SIGN_IN_REQUIRED, Rule.USER, "sub"),
        (Access.USER, USER, None, Rule.USER, "sub"),
        (Access.OWNER, ANONYMOUS, Code.SIGN_IN_REQUIRED, Rule.USER, "sub"),
        (Access.OWNER, USER, None, Rule.OWNER, "sub"),
        (Access.SERVICE, ANONYMOUS, Code.SIGN_IN_REQUIRED, Rule.USER, "sub"),
        (Access.SERVICE, USER, Code.ACCESS_DENIED, Rule.SERVICE, "meta.role"),
        (Access.SERVICE, SERVICE, None, Rule.SERVICE, "meta.role"),
        (Access.SERVICE, ADMIN, None, Rule.SERVICE, "meta.role"),
        (Access.ADMIN, USER, Code.ACCESS_DENIED, Rule.ROLE, "meta.role"),
        (Access.ADMIN, SERVICE, Code.ACCESS_DENIED, Rule.ROLE, "meta.role"),
        (Access.ADMIN, ADMIN, None, Rule.ROLE, "meta.role"),
    ],
)
def test_a_rule_decides_and_names_the_claim_it_hung_on(
    access: Access, who: Caller, refusal: Code | None, rule: Rule, claim: str
) -> None:
    decision = GATE.call(method(access), who)
    assert decision.refusal is refusal
    assert (decision.decided_by.rule, decision.decided_by.claim) == (rule, claim)
    assert decision.decided_by.passed is (refusal is None)
    assert all(check.passed for check in decision.checks[:-1])
    assert bool(decision.mend) is bool(decision.message) is (refusal is not None)


def test_an_anonymous_connection_may_call_auth_and_system_methods_and_nothing_else() -> None:
    allowed = {name for name, each in METHODS.items() if GATE.call(each, ANONYMOUS).refusal is None}
    assert {"query.system.info", "query.system.check", "command.auth.login", "query.auth.user"} <= allowed
    assert all(name.split(".")[1] in {"auth", "system"} for name in allowed)


@pytest.mark.parametrize("name", [each.example for each in CHANNELS])
def test_an_anonymous_connection_may_join_nothing(name: str) -> None:
    assert GATE.join(channel(name), ANONYMOUS).refusal is Code.SIGN_IN_REQUIRED


@pytest.mark.parametrize("name", [each.example for each in CHANNELS])
@pytest.mark.parametrize("who", [USER, SERVICE, ADMIN])
def test_market_channels_are_for_any_user_and_account_channels_for_nobody_yet(name: str, who: Caller) -> None:
    decision = GATE.join(channel(name), who)
    assert (decision.refusal is None) is name.startswith("market:")
    assert decision.decided_by.rule is (Rule.USER if name.startswith("market:") else Rule.OWNER)


class TestSecondFactor:
    """``design/decisions.md``, "Access": credential, order and wallet commands may demand aal2 by configuration."""

    def test_it_is_demanded_only_where_the_operator_says_so(self) -> None:
        gate = Gate(AccessConfig(second_factor_for=frozenset({Guarded.CREDENTIALS})))
        decision = gate.call(COMMAND_CREDENTIAL_CREATE, USER)
        assert decision.refusal is Code.SECOND_FACTOR_REQUIRED
        assert (decision.decided_by.rule, decision.decided_by.found) == (Rule.AAL2, "aal1")
        assert gate.call(COMMAND_TRADE_ORDER_SUBMIT, USER).refusal is None
        assert GATE.call(COMMAND_CREDENTIAL_CREATE, USER).refusal is None

    def test_the_tokens_level_counts_and_so_does_the_one_the_connection_was_raised_to(self) -> None:
        gate = Gate(AccessConfig(second_factor_for=frozenset(Guarded)))
        for who in (caller(aal="aal2"), caller(raised="aal2")):
            decision = gate.call(COMMAND_CREDENTIAL_CREATE, who)
            assert (decision.refusal, decision.decided_by.found) == (None, "aal2")

    def test_whoever_lacks_the_role_is_not_asked_for_a_code_first(self) -> None:
        gate = Gate(AccessConfig(second_factor_for=frozenset(Guarded)))
        assert gate.call(method(Access.ADMIN, Guarded.WALLETS), USER).refusal is Code.ACCESS_DENIED
        assert gate.call(method(Access.ADMIN, Guarded.WALLETS), ADMIN).refusal is Code.SECOND_FACTOR_REQUIRED


class TestThirdParties:
    """Row A6: a third party's token has the user's own audience, and differs by ``client_id`` alone."""

    def test_their_tokens_open_nothing_but_what_is_open_to_anyone(self) -> None:
        theirs = caller(client_id="app-1", role="admin")
        for name, each in METHODS.items():
            expected = None if each.access is Access.ANONYMOUS else Code.ACCESS_DENIED
            assert GATE.call(each, theirs).refusal is expected, name
        for pattern in CHANNELS:
            decision = GATE.join(channel(pattern.example), theirs)
            assert (decision.decided_by.rule, decision.decided_by.found) == (Rule.CLIENT, "app-1")

    def test_a_listed_one_is_let_in_and_no_other(self) -> None:
        gate = Gate(AccessConfig(oauth_clients=frozenset({"app-1"})))
        assert gate.call(method(Access.USER), caller(client_id="app-1")).refusal is None
        for other in ("app-2", "app", "APP-1", "*"):
            assert gate.call(method(Access.USER), caller(client_id=other)).refusal is Code.ACCESS_DENIED

    @pytest.mark.parametrize(
        "meta", [b"", b"{}", b"null", b"[]", b'{"session_id":""}', b'{"session_id":5}', b"nonsense", b"[" * 100_000]
    )
    def test_a_token_that_does_not_say_whose_it_is_is_refused_unless_any_may_come(self, meta: bytes) -> None:
        unknown = Caller(user="ann", meta=meta)
        decision = GATE.call(method(Access.USER), unknown)
        assert (decision.refusal, decision.decided_by.claim) == (Code.ACCESS_DENIED, "meta")
        assert "cadenza identity hook-sql" in decision.mend
        any_client = Gate(AccessConfig(oauth_clients=frozenset({"*"})))
        assert any_client.call(method(Access.USER), unknown).refusal is None
        assert any_client.call(method(Access.SERVICE), unknown).refusal is Code.ACCESS_DENIED

    def test_no_client_id_may_be_null_or_empty(self) -> None:
        for client_id in (None, ""):
            assert GATE.call(method(Access.USER), caller(client_id=client_id)).refusal is None


@given(meta=st.binary(max_size=40) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_no_meta_but_the_right_one_gives_the_service_role(meta: bytes | str) -> None:
    raw = meta if isinstance(meta, bytes) else meta.encode()
    assert GATE.call(method(Access.SERVICE), Caller(user="ann", meta=raw)).refusal is Code.ACCESS_DENIED


@pytest.mark.parametrize("role", [["admin"], "Admin", "admin ", None, 1])
def test_a_role_that_only_looks_right_gives_nothing(role: object) -> None:
    assert GATE.call(method(Access.SERVICE), caller(role=role)).refusal is Code.ACCESS_DENIED
    assert GATE.call(method(Access.SERVICE), caller(ROLE="admin")).refusal is Code.ACCESS_DENIED
