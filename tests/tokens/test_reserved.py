"""Row A10: a claim that the gateway reads in its own way is pointed out before anybody wonders why nothing connects."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.identity.access_token_hook import meta_of, session_channel
from cadenza.tokens.claims import Claims, decode_claims
from cadenza.tokens.reserved import lint

WHOLE: dict[str, Any] = {
    "sub": "ann",
    "session_id": "s1",
    "aal": "aal1",
    "meta": meta_of("s1", "aal1", "authenticated", {}),
    "channels": [session_channel("s1")],
}


def findings(**claims: Any) -> dict[str, bool]:
    """Claims that were found, and whether each is fatal."""
    merged = {name: value for name, value in (WHOLE | claims).items() if value is not None}
    return {finding.claim: finding.is_fatal for finding in lint(decode_claims(msgspec.json.encode(merged)))}


def test_nothing_is_wrong_with_what_our_own_hook_gives() -> None:
    assert findings() == {}
    assert findings(channels=None) == {}


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({"channel": "news"}, {"channel": True}),
        ({"channel": ""}, {}),
        ({"info": {"name": "Ann"}}, {"info": False}),
        ({"b64info": "e30="}, {"b64info": False}),
        ({"expire_at": 0}, {"expire_at": False}),
        ({"expire_at": 1_900_000_000}, {"expire_at": False}),
        ({"subs": {"news": {}}}, {"subs": False}),
        ({"channels": None, "subs": {"news": {}}}, {}),
        ({"channels": ["session:s2"]}, {"channels": False}),
        ({"meta": None}, {"meta": False}),
        ({"meta": {}}, {"meta": False}),
        ({"meta": "admin"}, {"meta": False}),
        ({"meta": {"session_id": "s1", "aal": "aal1"}}, {"meta": False}),
        ({"meta": {"session_id": "s1", "aal": "aal2", "role": "user"}}, {"meta": False}),
        ({"meta": {"session_id": "s2", "aal": "aal1", "role": "user"}}, {"meta": False}),
        ({"client_id": "app-1"}, {"meta": False}),
        ({"client_id": "app-1", "meta": WHOLE["meta"] | {"client_id": "app-1"}}, {}),
        ({"meta": WHOLE["meta"] | {"client_id": None}}, {}),
        ({"channel": "news", "info": 1, "meta": None}, {"channel": True, "info": False, "meta": False}),
    ],
)
def test_a_reserved_claim_is_pointed_out_where_it_does_harm(claims: dict[str, Any], found: dict[str, bool]) -> None:
    assert findings(**claims) == found


def test_the_worst_comes_first_and_each_says_what_to_change() -> None:
    found = lint(Claims(channel="news", b64info="e30=", expire_at=0))
    assert [finding.claim for finding in found] == ["channel", "meta", "b64info", "expire_at"]
    assert all(finding.message and finding.next_step for finding in found)


@given(meta=st.binary(max_size=30))
def test_no_meta_can_make_it_fail(meta: bytes) -> None:
    lint(Claims(meta=msgspec.Raw(meta)))
