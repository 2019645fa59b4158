"""The rules of access, row by row, and that nothing in a token's meta can break them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend.access import may_call, may_join
from cadenza.backend.ports import Caller
from cadenza.schema.access import Access
from cadenza.schema.channels import CHANNELS, parse_channel
from cadenza.schema.codes import Code
from cadenza.schema.methods import METHODS

ANONYMOUS = Caller()
USER = Caller(user="ann", meta=b'{"role":"authenticated","session_id":"s"}')
SERVICE = Caller(user="robot", meta=b'{"role":"service"}')
ADMIN = Caller(user="root", meta=b'{"role":"admin"}')


@pytest.mark.parametrize(
    ("access", "caller", "refusal"),
    [
        (Access.ANONYMOUS, ANONYMOUS, None),
        (Access.ANONYMOUS, USER, None),
        (Access.USER, ANONYMOUS, Code.SIGN_IN_REQUIRED),
        (Access.USER, USER, None),
        (Access.OWNER, ANONYMOUS, Code.SIGN_IN_REQUIRED),
        (Access.OWNER, USER, None),
        (Access.SERVICE, ANONYMOUS, Code.SIGN_IN_REQUIRED),
        (Access.SERVICE, USER, Code.ACCESS_DENIED),
        (Access.SERVICE, Caller(user="ann"), Code.ACCESS_DENIED),
        (Access.SERVICE, SERVICE, None),
        (Access.SERVICE, ADMIN, None),
    ],
)
def test_a_rule_decides_who_may_call(access: Access, caller: Caller, refusal: Code | None) -> None:
    assert may_call(access, caller) is refusal


def test_an_anonymous_connection_may_call_auth_and_system_methods_and_nothing_else() -> None:
    allowed = {name for name, method in METHODS.items() if may_call(method.access, ANONYMOUS) is None}
    assert {"query.system.info", "query.system.check", "command.auth.login", "query.auth.user"} <= allowed
    assert all(name.split(".")[1] in {"auth", "system"} for name in allowed)


@pytest.mark.parametrize("channel", [channel.example for channel in CHANNELS])
def test_an_anonymous_connection_may_join_nothing(channel: str) -> None:
    parsed = parse_channel(channel)
    assert parsed is not None
    assert not may_join(parsed, ANONYMOUS)


@pytest.mark.parametrize("channel", [channel.example for channel in CHANNELS])
@pytest.mark.parametrize("caller", [USER, SERVICE, ADMIN])
def test_market_channels_are_for_any_user_and_account_channels_for_nobody_yet(channel: str, caller: Caller) -> None:
    parsed = parse_channel(channel)
    assert parsed is not None
    assert may_join(parsed, caller) is channel.startswith("market:")


@given(meta=st.binary(max_size=40) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_no_meta_but_the_right_one_gives_the_service_role(meta: bytes | str) -> None:
    raw = meta if isinstance(meta, bytes) else meta.encode()
    assert may_call(Access.SERVICE, Caller(user="ann", meta=raw)) is Code.ACCESS_DENIED


@pytest.mark.parametrize("meta", [b'{"role":["admin"]}', b'{"role":"Admin"}', b'{"ROLE":"admin"}', b"[" * 100_000])
def test_a_meta_that_only_looks_right_gives_nothing(meta: bytes) -> None:
    assert may_call(Access.SERVICE, Caller(user="ann", meta=meta)) is Code.ACCESS_DENIED
