"""`cadenza explain`: the rule and the claim that decide, from the function that decides."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from cadenza.backend import AccessConfig
from cadenza.backend.access import Gate
from cadenza.backend.ports import Caller
from cadenza.schema.access import Guarded
from cadenza.schema.methods import METHODS
from cadenza.tokens.signer import Signer, SigningKey

CadenzaCommand = Callable[..., Any]


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate("ES256")


def token(key: SigningKey, **claims: object) -> str:
    meta = {"session_id": "s1", "aal": "aal1", "role": "authenticated"}
    whole = {"sub": "ann", "session_id": "s1", "aal": "aal1", "exp": int(time.time()) + 600, "meta": meta, **claims}
    return Signer(key).sign({name: value for name, value in whole.items() if value is not None})


def explained(cadenza: CadenzaCommand, *argv: str, code: int, **options: Any) -> dict[str, Any]:
    ran = cadenza("explain", *argv, "--json", **options)
    assert ran.code == code, ran.err
    shown: dict[str, Any] = json.loads(ran.out)
    assert shown["allowed"] is (code == 0)
    return shown


def test_it_says_which_rule_and_which_claim_decide_and_what_mends_it(cadenza: CadenzaCommand) -> None:
    ran = cadenza("explain", "command.instrument.sync", "--as", "ann")
    assert ran.code == 4
    assert "no, 26005: This is for role service or admin." in ran.out
    assert "service, by the claim meta.role" in ran.out
    assert "PUT /admin/users/ann" in ran.out
    last = ran.out.splitlines()[-1].split()
    assert (last[0], last[1], last[-2:]) == ("service", "meta.role", ["authenticated", "refused"])
    assert cadenza("explain", "command.instrument.sync", "--claim", "role=service").code == 0


@pytest.mark.parametrize("role", ["authenticated", "service", "admin"])
def test_a_method_of_each_rule_is_explained_as_the_backend_decides_it(cadenza: CadenzaCommand, role: str) -> None:
    gate = Gate(AccessConfig(second_factor_for=frozenset({Guarded.WALLETS})))
    meta = {"session_id": "described", "aal": "aal1", "role": role}
    ann = Caller(user="ann", meta=json.dumps(meta).encode())
    one_of_each = {(method.access, method.guarded): method for method in METHODS.values()}
    assert len(one_of_each) >= 8
    for method in one_of_each.values():
        decision = gate.call(method, ann)
        shown = explained(
            cadenza, method.name, "--as", "ann", "--claim", f"role={role}",
            code=0 if decision.refusal is None else 4, environ={"CADENZA_SECOND_FACTOR_FOR": "wallets"},
        )  # fmt: skip
        assert shown.get("code") == (decision.refusal and decision.refusal.value)
        assert shown["decidedBy"]["rule"] == decision.decided_by.rule
        assert shown["settings"]["secondFactorFor"] == ["wallets"]


def test_nobody_is_told_to_sign_in(cadenza: CadenzaCommand) -> None:
    shown = explained(cadenza, "query.ticker.list", "--as", "anonymous", code=3)
    assert (shown["code"], shown["decidedBy"]["claim"], shown["nextStep"]) == (26001, "sub", "Sign in: cadenza login.")
    assert explained(cadenza, "query.system.info", "--as", "anonymous", code=0)["decidedBy"]["rule"] == "anonymous"


def test_a_token_on_stdin_is_taken_at_its_word_and_nothing_of_it_is_shown(
    cadenza: CadenzaCommand, key: SigningKey
) -> None:
    theirs = token(key, meta={"session_id": "s1", "aal": "aal1", "role": "admin", "client_id": "app-1"})
    for options in ((), ("--json",)):
        ran = cadenza("explain", "market:ticker:PAPER", "--as", "-", *options, stdin=theirs)
        assert ran.code == 4
        assert "app-1" in ran.out
        assert not any(part in ran.out + ran.err for part in theirs.split("."))
    shown = explained(cadenza, "market:ticker:PAPER", "--as", "-", code=4, stdin=theirs)
    assert (shown["code"], shown["decidedBy"]["found"]) == (103, "app-1")
    listed = {"CADENZA_OAUTH_CLIENTS": "app-1"}
    assert explained(cadenza, "market:ticker:PAPER", "--as", "-", code=0, stdin=theirs, environ=listed)["notes"] == []


def test_a_token_without_meta_leads_to_the_hook(cadenza: CadenzaCommand, key: SigningKey) -> None:
    """Row A7: the role stands in the token, and the backend never sees it."""
    bare = token(key, meta=None, app_metadata={"role": "admin"})
    shown = explained(cadenza, "command.ticker.save", "--as", "-", code=4, stdin=bare)
    assert shown["decidedBy"]["claim"] == "meta"
    assert "cadenza identity hook-sql" in shown["nextStep"]
    assert any(note.startswith("meta: ") for note in shown["notes"])


def test_what_would_be_with_another_claim_can_be_tried(cadenza: CadenzaCommand, key: SigningKey) -> None:
    demanded = {"CADENZA_SECOND_FACTOR_FOR": "credentials"}
    asked = ("command.credential.create", "--as", "-")
    weak = explained(cadenza, *asked, code=4, stdin=token(key), environ=demanded)
    assert (weak["code"], weak["decidedBy"]["claim"], weak["decidedBy"]["found"]) == (26006, "meta.aal", "aal1")
    assert any("command.auth.stepup" in note for note in weak["notes"])
    for claim in ("aal=aal2", "meta.aal=aal2"):
        strong = explained(cadenza, *asked, "--claim", claim, code=0, stdin=token(key), environ=demanded)
        assert strong["decidedBy"]["found"] == "aal2"


def test_an_expired_token_is_noted(cadenza: CadenzaCommand, key: SigningKey) -> None:
    shown = explained(cadenza, "query.ticker.list", "--as", "-", code=0, stdin=token(key, exp=int(time.time()) - 60))
    assert any("expired" in note for note in shown["notes"])


def test_a_channels_pattern_stands_for_its_channels(cadenza: CadenzaCommand) -> None:
    assert explained(cadenza, "market:ticker:{venue}", "--as", "ann", code=0)["access"] == "user"
    shown = explained(cadenza, "tradingAccount:{accountId}", "--as", "ann", code=4)
    assert (shown["code"], shown["decidedBy"]["rule"]) == (103, "owner")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("query.tiker.list", "--as", "ann"), "query.ticker.list"),
        (("market:tickers:PAPER", "--as", "ann"), "no channel is spelt like that"),
        (("query.ticker.list", "--claim", "admin"), "NAME=VALUE"),
        (("query.ticker.list", "--as", "anonymous", "--claim", "role=admin"), "nobody is signed in"),
        (("query.ticker.list", "--as", "-"), "token"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_says_what_can(
    cadenza: CadenzaCommand, argv: tuple[str, ...], said: str
) -> None:
    ran = cadenza("explain", *argv)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_token_as_an_argument_is_refused_without_repeating_it(cadenza: CadenzaCommand, key: SigningKey) -> None:
    secret = token(key)
    ran = cadenza("explain", "query.ticker.list", "--as", secret)
    assert ran.code == 2
    assert "pipe it in" in ran.err
    assert not any(part in ran.err for part in secret.split("."))


def test_without_a_session_and_without_a_word_the_next_step_is_to_sign_in(cadenza: CadenzaCommand) -> None:
    ran = cadenza("explain", "query.ticker.list")
    assert ran.code == 3
    assert "cadenza login" in ran.err


def test_a_misspelt_setting_is_refused_and_not_explained_away(cadenza: CadenzaCommand) -> None:
    ran = cadenza("explain", "query.ticker.list", "--as", "ann", environ={"CADENZA_OAUTH_CLIENT": "x"})
    assert ran.code == 2
    assert "CADENZA_OAUTH_CLIENTS" in ran.err
