"""The real Supabase Auth and ours side by side: the same drawn acts of administrators and second factors, one answer.

Which request comes next is drawn, the same for both; what it refers to (an id, a token, a code) is each one's own. A
difference that is meant stands in ``MEANT`` with its reason.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.identity.acts import NAMES, NOBODY, Step, Story, told
from tests.identity.side_by_side import Real, Side, beside, running_real
from tests.identity.test_official_clients_admin import told_to_auth_js
from tests.support.real import find_programs

from cadenza.identity import IdentityConfig
from cadenza.identity.config import MailConfig

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})

pytestmark = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]

DEADLINE_SECONDS = 300
STEPS = 300
SETTINGS = {
    "GOTRUE_MAILER_AUTOCONFIRM": "false",
    "GOTRUE_SMTP_MAX_FREQUENCY": "1ns",
    "GOTRUE_RATE_LIMIT_EMAIL_SENT": "100000",
    "GOTRUE_EXTERNAL_ANONYMOUS_USERS_ENABLED": "true",
    "GOTRUE_MFA_TOTP_ENROLL_ENABLED": "true",
    "GOTRUE_MFA_TOTP_VERIFY_ENABLED": "true",
}
PASSWORDS = ("Password-1", "Password-2")
ODD_PASSWORDS = (*PASSWORDS, "short", "x" * 73, "")
FACTORS = ("phone", "tablet", "")
#: What is asked (its beginning), theirs, ours, and why.
MEANT = {
    (
        "POST /admin/users",
        "unexpected_failure",
        "validation_failed",
    ): "theirs fails at a password that is too long; ours says so",
    (
        "PUT /admin/users/",
        "unexpected_failure",
        "email_exists",
    ): "theirs runs into its database's constraint; ours says what is wrong",
    (
        "PUT /admin/users/",
        "unexpected_failure",
        "phone_exists",
    ): "theirs runs into its database's constraint; ours says what is wrong",
    (
        "POST /verify",
        "user_banned",
        "otp_expired",
    ): "theirs tells whoever knows the address that its user is banned; ours only who holds a good code",
    (
        "POST /token",
        "user_banned",
        "invalid_credentials",
    ): "theirs tells whoever knows the address that its user is banned; ours only who knows the password",
}
#: What theirs shows in an answer as it was before the request; what is asked next shows what it is.
STALE = {"PUT": ("identities",), "verify": ("factors",)}


def _some(drawn: random.Random, **fields: Any) -> dict[str, Any]:
    """Some of the fields; a list is drawn from."""
    body = {name: drawn.choice(value) if isinstance(value, list) else value for name, value in fields.items()}
    return {name: value for name, value in body.items() if drawn.random() < 0.4}


def _user_fields(drawn: random.Random) -> dict[str, Any]:
    return _some(
        drawn,
        email_confirm=[True, False],
        phone_confirm=[True, False],
        phone=["PHONE:+1 555 55501", "PHONE:155555502", "bad", ""],
        password=list(ODD_PASSWORDS),
        role=["editor", " spaced ", ""],
        user_metadata=[{"x": 1}, {"x": None}, {"email_verified": None}, {}, {"y": {"z": None}}],
        app_metadata=[{"role": "admin"}, {"role": None}, {"provider": None}, {"providers": ["x"]}],
        ban_duration=["24h", "1h30m", "none", "bad", "", "-1h", "0"],
    )


def draw_admin(drawn: random.Random) -> Step:
    """The next act of an administrator's, or what somebody makes of it."""
    name, other = drawn.choice(NAMES), drawn.choice([*NAMES, "bad", ""])
    email, user = f"EMAIL:{other}" if other in NAMES else other, f"/admin/users/ID:{name}"
    kind = drawn.choice(
        ["signup", "invite", "magiclink", "recovery", "email_change_current", "email_change_new", "zzz", ""]
    )
    shown = drawn.choice(["signup", "invite", "magiclink", "recovery", "email_change", "email", "zzz"])
    steps = [
        Step(method="POST", path="/admin/users", body={"email": email, **_user_fields(drawn)}),
        Step(method="POST", path="/admin/users", body=_user_fields(drawn)),
        Step(method="POST", path="/admin/users", body={"email": f"EMAIL:{name}", "password": PASSWORDS[0]}),
        Step(
            method="POST",
            path="/admin/users",
            body={"email": email, "id": drawn.choice(["bad", "00000000-0000-0000-0000-000000000000"])},
        ),
        Step(method="PUT", path=user, body=_user_fields(drawn)),
        Step(method="PUT", path=user, body=_user_fields(drawn)),
        Step(method="PUT", path=user, body={"email": drawn.choice([email, "EMAIL:new"]), **_user_fields(drawn)}),
        Step(method="PUT", path=user, body={"password": PASSWORDS[0], "email_confirm": True}),
        Step(method="PUT", path=drawn.choice(["/admin/users/bad", f"/admin/users/{NOBODY}"]), body={"email": "bad"}),
        Step(method="GET", path=user),
        Step(method="DELETE", path=user, body=drawn.choice([None, {}, {"should_soft_delete": True}])),
        Step(method="GET", path=f"{user}/factors"),
        Step(method="POST", path="/invite", body={"email": email, **_some(drawn, data=[{"a": 1, "b": None}])}),
        Step(
            method="POST",
            path="/admin/generate_link",
            body={
                "type": kind,
                "email": email,
                **_some(
                    drawn,
                    password=list(ODD_PASSWORDS),
                    new_email=["EMAIL:new", "EMAIL:ann", "bad"],
                    data=[{"a": 1, "b": None}],
                    redirect_to=["http://127.0.0.1:3000/x", "http://evil.test/"],
                ),
            },
            keep=other,
        ),
        Step(method="POST", path="/verify", body={"type": shown, "token_hash": f"HASH:{name}"}, keep=name),
        Step(
            method="POST",
            path="/verify",
            body={"type": shown, "email": f"EMAIL:{name}", "token": f"OTP:{name}"},
            keep=name,
        ),
        Step(
            method="POST",
            path="/token?grant_type=password",
            body={"email": f"EMAIL:{name}", "password": drawn.choice(PASSWORDS)},
            keep=name,
        ),
        Step(method="GET", path="/user", who=name),
    ]
    return drawn.choice(steps)


def draw_factor(drawn: random.Random) -> Step:
    """The next request about second factors, anonymous users among those who make it."""
    name, label = drawn.choice([*NAMES, "guest"]), drawn.choice(FACTORS)
    factor, other = f"{name}.{label}", f"{drawn.choice(NAMES)}.{label}"
    one, admin = f"/factors/FACTOR:{drawn.choice([factor, other])}", f"/admin/users/ID:{name}"
    password = {"email": f"EMAIL:{name}", "password": PASSWORDS[0]}
    wrong = drawn.choice(["000000", "", "12345678901234567890", "abc"])
    steps = [
        Step(method="POST", path="/token?grant_type=password", body=password, keep=name),
        Step(method="POST", path="/signup", body={}, keep="guest"),
        Step(
            method="POST",
            path="/factors",
            body={"factor_type": "totp", "friendly_name": label, **_some(drawn, issuer=["Cadenza", ""])},
            who=name,
            keep=factor,
        ),
        Step(method="POST", path="/factors", body={"factor_type": drawn.choice(["zzz", ""])}, who=name),
        *[Step(method="POST", path=f"/factors/FACTOR:{factor}/challenge", body={}, who=name, keep=factor)] * 2,
        Step(method="POST", path=f"{one}/challenge", who=name, keep=factor),
        *[
            Step(
                method="POST",
                path=f"/factors/FACTOR:{factor}/verify",
                body={"challenge_id": f"CHALLENGE:{factor}", "code": f"CODE:{factor}"},
                who=name,
            )
        ]
        * 3,
        Step(
            method="POST",
            path=f"{one}/verify",
            body={"challenge_id": drawn.choice([f"CHALLENGE:{other}", NOBODY]), "code": wrong},
            who=name,
        ),
        Step(method="POST", path=f"{one}/verify", body={"challenge_id": "bad", "code": "123456"}, who=name),
        Step(method="DELETE", path=one, who=name),
        Step(method="DELETE", path="/factors/bad", who=name),
        Step(method="GET", path="/user", who=name),
        Step(method="PUT", path="/user", body={"data": {"x": 1}, **_some(drawn, password=PASSWORDS[0])}, who=name),
        Step(method="GET", path=f"{admin}/factors"),
        Step(
            method="PUT",
            path=f"{admin}/factors/FACTOR:{drawn.choice([factor, other])}",
            body={"friendly_name": drawn.choice(["old", "older", ""])},
        ),
        Step(method="DELETE", path=f"{admin}/factors/FACTOR:{drawn.choice([factor, other])}"),
        Step(method="POST", path="/logout?scope=others", who=name),
    ]
    return drawn.choice(steps)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    assert not isinstance(_REAL, str)
    with running_real(_REAL, tmp_path_factory.mktemp("real"), SETTINGS) as running:
        yield running


@pytest.fixture
async def sides(real: Real, config: IdentityConfig) -> AsyncIterator[tuple[Side, Side]]:
    async with beside(real, config, autoconfirm=False, mail=MailConfig(interval_seconds=0)) as both:
        yield both


async def played(sides: tuple[Side, Side], run: str, steps: Iterator[Step]) -> list[str]:
    """The differences that are not meant."""
    stories = [Story(side=side, run=run) for side in sides]
    differences: list[str] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        for number, step in enumerate(steps):
            theirs, ours = [told(await step.on(story)) for story in stories]
            for stale in STALE.get(step.method if step.method == "PUT" else step.path.rpartition("/")[2], ()):
                theirs.pop(stale, None)
                ours.pop(stale, None)
            if theirs != ours and not _is_meant(step, theirs, ours):
                unlike = {name: (theirs.get(name), ours.get(name)) for name in {**theirs, **ours}}
                shown = {name: pair for name, pair in unlike.items() if pair[0] != pair[1]}
                differences.append(f"{number} {step}\n   theirs, ours: {shown}")
    return differences


def _is_meant(step: Step, theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
    asked = f"{step.method} {step.path}"
    codes = theirs.get("code"), ours.get("code")
    return any(asked.startswith(start) and codes == (their, our) for start, their, our in MEANT)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_acts_of_administrators_are_answered_alike(sides: tuple[Side, Side], seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - a plan, repeatable

    def steps() -> Iterator[Step]:
        for _ in range(STEPS):
            step = draw_admin(drawn)
            yield step
            if step.method == "PUT":
                yield Step(method="GET", path=step.path)

    differences = await played(sides, f"a{seed}", steps())

    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("seed", [4, 5, 6])
async def test_second_factors_are_answered_alike(sides: tuple[Side, Side], seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - a plan, repeatable

    def steps() -> Iterator[Step]:
        for name in NAMES:
            user = {"email": f"EMAIL:{name}", "password": PASSWORDS[0]}
            yield Step(method="POST", path="/admin/users", body={**user, "email_confirm": True})
            yield Step(method="POST", path="/token?grant_type=password", body=user, keep=name)
        for _ in range(STEPS):
            yield draw_factor(drawn)

    differences = await played(sides, f"f{seed}", steps())

    assert not differences, "\n".join(differences)


@pytest.mark.node
async def test_auth_js_is_told_the_same(tmp_path: Path, config: IdentityConfig) -> None:
    assert not isinstance(_REAL, str)
    settings = {**SETTINGS, "GOTRUE_MAILER_AUTOCONFIRM": "true"}
    with running_real(_REAL, tmp_path, settings) as running:
        async with beside(running, config, mail=MailConfig(interval_seconds=0)) as both:
            theirs, ours = [await told_to_auth_js(side.url, side.admin_token) for side in both]

    assert ours == theirs
