"""Unmodified supabase-auth (both kinds) and auth-js: administration of users, second factors, anonymous users."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from supabase_auth import AsyncGoTrueClient, AsyncMemoryStorage, SyncGoTrueClient, SyncMemoryStorage
from supabase_auth.errors import AuthApiError
from tests.identity.test_official_clients_oauth import admin_token
from tests.support.totp import STEP_SECONDS, totp

from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config import MailConfig

ANN, BOB, CAT = "ann@example.com", "bob@example.com", "cat@example.com"
PASSWORD = "correct horse 1"
DEADLINE_SECONDS = 60
JS = Path(__file__).resolve().parent.parent / "js"


@pytest.fixture
async def server(config: IdentityConfig) -> AsyncIterator[IdentityServer]:
    settings = dataclasses.replace(config, port=0, anonymous_users=True, mail=MailConfig(interval_seconds=0))
    async with IdentityServer(settings) as server:
        yield server


def new_client(url: str, token: str = "") -> AsyncGoTrueClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return AsyncGoTrueClient(url=url, headers=headers, auto_refresh_token=False, storage=AsyncMemoryStorage())


def new_sync_client(url: str, token: str = "") -> SyncGoTrueClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return SyncGoTrueClient(url=url, headers=headers, auto_refresh_token=False, storage=SyncMemoryStorage())


def code_of(secret: str, *, steps: int = 0) -> str:
    return totp(secret, time.time() + steps * STEP_SECONDS)


async def test_the_asynchronous_client_administers_users(server: IdentityServer) -> None:
    client = new_client(server.url, admin_token(server))
    async with asyncio.timeout(DEADLINE_SECONDS), client, new_client(server.url) as ann:
        admin = client.admin
        made = await admin.create_user(
            {"email": ANN, "password": PASSWORD, "email_confirm": True, "app_metadata": {"role": "editor"}}
        )
        assert made.user.app_metadata["role"] == "editor"
        assert (await ann.sign_in_with_password({"email": ANN, "password": PASSWORD})).session is not None
        assert [user.email for user in await admin.list_users(page=1, per_page=10)] == [ANN]
        changed = await admin.update_user_by_id(made.user.id, {"user_metadata": {"name": "Ann"}})
        assert changed.user.user_metadata["name"] == "Ann"
        assert (await admin.get_user_by_id(made.user.id)).user.email == ANN

        invited = await admin.invite_user_by_email(BOB, {"data": {"team": "blue"}})
        assert invited.user.invited_at is not None
        assert invited.user.user_metadata["team"] == "blue"
        with pytest.raises(AuthApiError) as known:
            await admin.invite_user_by_email(ANN)
        assert known.value.code == "email_exists"

        link = await admin.generate_link({"type": "recovery", "email": ANN})
        entered = await ann.verify_otp({"type": "recovery", "token_hash": link.properties.hashed_token})
        assert entered.user is not None
        assert entered.user.id == made.user.id

        await admin.delete_user(made.user.id, should_soft_delete=True)
        await admin.delete_user(made.user.id)
        with pytest.raises(AuthApiError) as gone:
            await admin.get_user_by_id(made.user.id)
        assert gone.value.code == "user_not_found"


@pytest.mark.parametrize(
    "kind", ["signup", "invite", "magiclink", "recovery", "email_change_current", "email_change_new"]
)
async def test_the_asynchronous_client_has_every_kind_of_link_made(server: IdentityServer, kind: str) -> None:
    client = new_client(server.url, admin_token(server))
    async with asyncio.timeout(DEADLINE_SECONDS), client:
        if kind not in {"signup", "invite"}:
            await client.admin.create_user({"email": ANN, "email_confirm": True})
        params: Any = {"type": kind, "email": ANN, "password": PASSWORD, "new_email": CAT}
        made = await client.admin.generate_link(params)
        assert made.properties.verification_type == kind
        shown = {"type": kind.removesuffix("_current").removesuffix("_new"), "token_hash": made.properties.hashed_token}
        assert (await client.verify_otp(shown)).session is not None  # type: ignore[arg-type]  # one of its shapes


async def test_the_asynchronous_client_raises_a_session_by_a_second_factor(server: IdentityServer) -> None:
    client = new_client(server.url, admin_token(server))
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        client,
        new_client(server.url) as first,
        new_client(server.url) as later,
    ):
        signed_up = await first.sign_up({"email": ANN, "password": PASSWORD})
        assert signed_up.user is not None
        factor = await first.mfa.enroll({"factor_type": "totp", "friendly_name": "phone", "issuer": "Cadenza"})
        assert factor.totp is not None
        challenge = await first.mfa.challenge({"factor_id": factor.id})
        answer = {"factor_id": factor.id, "challenge_id": challenge.id}
        with pytest.raises(AuthApiError) as wrong:
            await first.mfa.verify({**answer, "code": "000000"})  # type: ignore[typeddict-item]  # it has all of them
        assert wrong.value.code == "mfa_verification_failed"
        await first.mfa.verify({**answer, "code": code_of(factor.totp.secret)})  # type: ignore[typeddict-item]  # so has this
        level = await first.mfa.get_authenticator_assurance_level()
        assert (level.current_level, level.next_level) == ("aal2", "aal2")
        assert {entry.method for entry in level.current_authentication_methods} == {"password", "totp"}
        assert [each.friendly_name for each in (await first.mfa.list_factors()).totp] == ["phone"]

        await later.sign_in_with_password({"email": ANN, "password": PASSWORD})
        level = await later.mfa.get_authenticator_assurance_level()
        assert (level.current_level, level.next_level) == ("aal1", "aal2")
        with pytest.raises(AuthApiError) as low:
            await later.mfa.unenroll({"factor_id": factor.id})
        assert low.value.code == "insufficient_aal"
        code = code_of(factor.totp.secret, steps=1)
        await later.mfa.challenge_and_verify({"factor_id": factor.id, "code": code})
        await later.mfa.unenroll({"factor_id": factor.id})
        assert (await later.mfa.list_factors()).all == []

        lost = await later.mfa.enroll({"factor_type": "totp", "friendly_name": "lost", "issuer": "Cadenza"})
        user_id = signed_up.user.id
        listed = await client.admin.mfa.list_factors({"user_id": user_id})
        assert [each.id for each in listed] == [lost.id]
        await client.admin.mfa.delete_factor({"user_id": user_id, "id": lost.id})
        assert await client.admin.mfa.list_factors({"user_id": user_id}) == []


async def test_the_asynchronous_client_upgrades_an_anonymous_user(server: IdentityServer) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), new_client(server.url) as guest, new_client(server.url) as later:
        signed_in = await guest.sign_in_anonymously({"options": {"data": {"theme": "dark"}}})
        assert signed_in.user is not None
        assert signed_in.user.is_anonymous
        with pytest.raises(AuthApiError) as refused:
            await guest.mfa.enroll({"factor_type": "totp", "friendly_name": "phone", "issuer": "Cadenza"})
        assert refused.value.code == "no_authorization"
        upgraded = await guest.update_user({"email": CAT})
        assert (upgraded.user.id, upgraded.user.is_anonymous) == (signed_in.user.id, False)
        await guest.update_user({"password": PASSWORD})
        lasting = await later.sign_in_with_password({"email": CAT, "password": PASSWORD})
        assert lasting.user is not None
        assert (lasting.user.id, lasting.user.user_metadata["theme"]) == (signed_in.user.id, "dark")


async def test_the_synchronous_client_does_all_of_it(server: IdentityServer) -> None:
    token = admin_token(server)

    def flow() -> None:
        with new_sync_client(server.url, token) as client, new_sync_client(server.url) as ann:
            user = client.admin.create_user({"email": ANN, "password": PASSWORD, "email_confirm": True}).user
            assert client.admin.update_user_by_id(user.id, {"role": "editor"}).user.role == "editor"
            assert client.admin.invite_user_by_email(BOB).user.invited_at is not None
            assert {each.email for each in client.admin.list_users()} == {ANN, BOB}
            link = client.admin.generate_link({"type": "magiclink", "email": ANN})
            assert ann.verify_otp({"type": "magiclink", "token_hash": link.properties.hashed_token}).session

            factor = ann.mfa.enroll({"factor_type": "totp", "friendly_name": "phone", "issuer": "Cadenza"})
            assert factor.totp is not None
            challenge = ann.mfa.challenge({"factor_id": factor.id})
            code = code_of(factor.totp.secret)
            ann.mfa.verify({"factor_id": factor.id, "challenge_id": challenge.id, "code": code})
            assert ann.mfa.get_authenticator_assurance_level().current_level == "aal2"
            again = code_of(factor.totp.secret, steps=1)
            ann.mfa.challenge_and_verify({"factor_id": factor.id, "code": again})
            assert [each.id for each in ann.mfa.list_factors().totp] == [factor.id]
            assert [each.id for each in client.admin.mfa.list_factors({"user_id": user.id})] == [factor.id]
            ann.mfa.unenroll({"factor_id": factor.id})

            guest = ann.sign_in_anonymously().user
            assert guest is not None
            assert ann.update_user({"email": CAT}).user.id == guest.id
            client.admin.delete_user(user.id)
            assert {each.email for each in client.admin.list_users()} == {BOB, CAT}

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.to_thread(flow)


async def told_to_auth_js(url: str, token: str) -> dict[str, Any]:
    """What auth-js makes of the whole flow."""
    node = shutil.which("node")
    assert node is not None, "node is not on PATH: install Node.js 20 or later"
    process = await asyncio.create_subprocess_exec(
        node,
        str(JS / "admin_flow.mjs"),
        url,
        cwd=JS,
        env={**os.environ, "PASSWORD": PASSWORD, "ADMIN_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    result: dict[str, Any] = json.loads(out)
    levels = [(level["currentLevel"], level["nextLevel"]) for level in result["levels"]]
    return {**result, "levels": levels}


@pytest.mark.node
async def test_auth_js_does_all_of_it(server: IdentityServer) -> None:
    assert await told_to_auth_js(server.url, admin_token(server)) == {
        "levels": [("aal2", "aal2"), ("aal1", "aal2"), ("aal2", "aal2")],
        "role": "editor",
        "listed": [ANN],
        "updated": "Ann",
        "found": True,
        "invited": ["blue", True],
        "link": ["magiclink", ANN],
        "entered": True,
        "qrCode": True,
        "wrong": "mfa_verification_failed",
        "factors": ["phone"],
        "asAdmin": ["lost"],
        "left": 0,
        "anonymous": True,
        "upgraded": [True, CAT, False, "dark"],
        "lasting": True,
        "softlyDeleted": True,
        "gone": "user_not_found",
        "refused": 401,
    }
