"""Bodies with a field of the wrong kind: the real Supabase Auth and ours refuse the same ones, with the same word."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.identity.acts import Step, Story, told
from tests.identity.side_by_side import Side, beside, running_real
from tests.identity.test_admin_real import SETTINGS
from tests.support.real import find_programs

from cadenza.identity import IdentityConfig
from cadenza.identity.config import MailConfig

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})

pytestmark = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]

ODD: list[Any] = [5, 1.5, "x", "", [], ["a"], {}, {"a": 1}, None, True, False]
RAW = ["", "[]", "5", '"x"', "{", "null", "{}x", b"\xff"]
ANN = {"email": "EMAIL:ann", "password": "Password-1"}
USER = "id aud role email phone password email_confirm phone_confirm user_metadata app_metadata ban_duration"
#: Method and path, the fields that are odd in turn, the rest of the body.
ASKED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("POST", "/admin/users", USER + " password_hash", {"email": "EMAIL:bob"}),
    ("PUT", "/admin/users/ID:ann", USER, {}),
    ("DELETE", "/admin/users/ID:ann", "should_soft_delete", {}),
    ("POST", "/invite", "email data", {"email": "EMAIL:cat"}),
    (
        "POST",
        "/admin/generate_link",
        "type email new_email password data redirect_to",
        {"type": "recovery", "email": "EMAIL:ann"},
    ),
    ("POST", "/factors", "factor_type friendly_name issuer phone", {"factor_type": "totp"}),
    ("POST", "/factors/FACTOR:ann.phone/challenge", "channel", {}),
    (
        "POST",
        "/factors/FACTOR:ann.phone/verify",
        "challenge_id code",
        {"challenge_id": "CHALLENGE:ann.phone", "code": "000000"},
    ),
    ("PUT", "/admin/users/ID:ann/factors/FACTOR:ann.phone", "friendly_name phone", {}),
    ("PUT", "/user", "email phone password nonce data app_metadata channel", {}),
    ("POST", "/signup", "email phone password data channel", {"email": "EMAIL:cat", "password": "Password-1"}),
    ("POST", "/otp", "email phone create_user data channel", {"email": "EMAIL:ann"}),
    (
        "POST",
        "/verify",
        "type token token_hash email phone redirect_to",
        {"type": "email", "email": "EMAIL:ann", "token": "000000"},
    ),
    ("POST", "/recover", "email", {}),
    ("POST", "/resend", "type email phone", {"type": "signup", "email": "EMAIL:ann"}),
    ("POST", "/token?grant_type=password", "email phone password", {"email": "EMAIL:ann", "password": "x"}),
    ("POST", "/token?grant_type=refresh_token", "refresh_token", {}),
    ("POST", "/token?grant_type=pkce", "auth_code code_verifier", {"auth_code": "x", "code_verifier": "y"}),
]
#: Path and field where theirs runs into a constraint of its database (500), and ours says what is wrong.
CONSTRAINTS = {("/admin/users", "aud"), ("/admin/users/ID:ann/factors/FACTOR:ann.phone", "friendly_name")}


@pytest.fixture
async def sides(tmp_path: Path, config: IdentityConfig) -> AsyncIterator[tuple[Side, Side]]:
    assert not isinstance(_REAL, str)
    with running_real(_REAL, tmp_path, SETTINGS) as real:
        async with beside(real, config, autoconfirm=False, mail=MailConfig(interval_seconds=0)) as both:
            yield both


async def begin(story: Story) -> None:
    """Ann, signed in, with a factor that was begun; whoever was there by that name is gone."""
    await story.side.ask("DELETE", f"/admin/users/{story.ids.get('ann', 'nobody')}")
    for step in (
        Step(method="POST", path="/admin/users", body={**ANN, "email_confirm": True}),
        Step(method="POST", path="/token?grant_type=password", body=ANN, keep="ann"),
        Step(method="POST", path="/factors", body={"factor_type": "totp"}, who="ann", keep="ann.phone"),
    ):
        assert (await step.on(story)).status_code == 200


async def test_fields_of_the_wrong_kind_are_answered_alike(sides: tuple[Side, Side]) -> None:
    stories = [Story(side=side, run="o1") for side in sides]
    for story in stories:
        await begin(story)
    differences = []
    for method, path, fields, rest in ASKED:
        who = "ann" if path.startswith(("/factors", "/user")) else ""
        for field in fields.split():
            for value in ODD:
                step = Step(method=method, path=path, body={**rest, field: value}, who=who)
                theirs, ours = [_said(told(await step.on(story))) for story in stories]
                if theirs != ours and not (theirs[0] == 500 and (path, field) in CONSTRAINTS):
                    differences.append(f"{method} {path} {field}={value!r}: theirs {theirs}, ours {ours}")
                if 200 in {theirs[0], ours[0]} and method != "POST":
                    for story in stories:
                        await begin(story)

    assert not differences, "\n".join(differences)


async def test_bodies_that_are_no_objects_are_answered_alike(sides: tuple[Side, Side]) -> None:
    differences = []
    for raw in RAW:
        for method, path in (
            ("POST", "/admin/users"),
            ("POST", "/invite"),
            ("POST", "/admin/generate_link"),
            ("PUT", "/admin/users/11111111-1111-4111-8111-111111111111"),
            ("POST", "/signup"),
            ("POST", "/token?grant_type=password"),
        ):
            theirs, ours = [_said(told(await side.ask(method, path, raw))) for side in sides]
            if theirs != ours:
                differences.append(f"{method} {path} {raw!r}: theirs {theirs}, ours {ours}")

    assert not differences, "\n".join(differences)


def _said(answer: dict[str, Any]) -> tuple[int, str | None]:
    return answer["status"], answer.get("code")
