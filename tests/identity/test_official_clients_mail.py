"""Unmodified supabase-auth (both kinds) and auth-js through every flow that a mail is part of."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from supabase_auth import AsyncGoTrueClient, AsyncMemoryStorage, SyncGoTrueClient, SyncMemoryStorage
from supabase_auth.errors import AuthApiError

from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config import MailConfig

ANN, NEW = "ann@example.com", "new@example.com"
PASSWORD = "correct horse 1"
DEADLINE_SECONDS = 60
JS = Path(__file__).resolve().parent.parent / "js"


@pytest.fixture
async def server(config: IdentityConfig) -> AsyncIterator[IdentityServer]:
    """A provider where addresses must be confirmed and mails may follow one another at once."""
    settings = dataclasses.replace(config, port=0, autoconfirm=False, mail=MailConfig(interval_seconds=0))
    async with IdentityServer(settings) as server:
        yield server


def newest(url: str, to: str) -> dict[str, str]:
    """The newest mail to an address, as a program reads it."""
    answer = httpx.get(f"{url}/inbox", params={"to": to}, headers={"Accept": "application/json"}, trust_env=False)
    mail: dict[str, str] = answer.json()["mails"][0]
    return mail


def followed(link: str) -> dict[str, str]:
    """What the address says that a mail's link leads to."""
    parts = urlsplit(httpx.get(link, trust_env=False).headers["location"])
    return dict(parse_qsl(parts.query) + parse_qsl(parts.fragment))


async def test_the_asynchronous_client_goes_every_way_of_a_mail(server: IdentityServer) -> None:
    client = AsyncGoTrueClient(
        url=server.url, auto_refresh_token=False, storage=AsyncMemoryStorage(), flow_type="implicit"
    )

    async def mail(to: str = ANN) -> dict[str, str]:
        return await asyncio.to_thread(newest, server.url, to)

    async with asyncio.timeout(DEADLINE_SECONDS), client:
        signed_up = await client.sign_up({"email": ANN, "password": PASSWORD})
        assert signed_up.session is None
        await client.resend({"type": "signup", "email": ANN})
        confirmed = await client.verify_otp({"type": "signup", "email": ANN, "token": (await mail())["code"]})
        assert confirmed.session is not None
        user_id = confirmed.session.user.id

        await client.sign_in_with_otp({"email": ANN, "options": {"should_create_user": False}})
        entered = await client.verify_otp({"type": "email", "email": ANN, "token": (await mail())["code"]})
        assert entered.user is not None
        assert entered.user.id == user_id
        with pytest.raises(AuthApiError) as unknown:
            await client.sign_in_with_otp({"email": "nobody@example.com", "options": {"should_create_user": False}})
        assert unknown.value.code == "otp_disabled"

        await client.reset_password_for_email(ANN)
        token_hash = dict(parse_qsl(urlsplit((await mail())["link"]).query))["token"]
        recovered = await client.verify_otp({"type": "recovery", "token_hash": token_hash})
        assert recovered.session is not None
        await client.update_user({"password": "quite another 2"})

        await client.reauthenticate()
        assert (await mail())["code"] in (await mail())["subject"]
        changed = await client.update_user({"email": NEW})
        assert changed.user.new_email == NEW
        await asyncio.to_thread(followed, (await mail(ANN))["link"])
        moved = await client.verify_otp({"type": "email_change", "email": NEW, "token": (await mail(NEW))["code"]})
        assert moved.user is not None
        assert moved.user.email == NEW
        with pytest.raises(AuthApiError) as used:
            await client.verify_otp({"type": "email_change", "email": NEW, "token": (await mail(NEW))["code"]})
        assert used.value.code == "otp_expired"


async def test_the_synchronous_client_trades_the_code_of_a_link(server: IdentityServer) -> None:
    def flow() -> None:
        storage = SyncMemoryStorage()
        with SyncGoTrueClient(url=server.url, auto_refresh_token=False, storage=storage, flow_type="pkce") as client:
            client.sign_in_with_otp({"email": ANN, "options": {"email_redirect_to": "http://127.0.0.1:3000/cb"}})
            code = followed(newest(server.url, ANN)["link"])["code"]
            session = client.exchange_code_for_session(
                {"auth_code": code, "redirect_to": "http://127.0.0.1:3000/cb", "code_verifier": ""}
            )
            assert session.user is not None
            assert session.user.email == ANN
            client.sign_out()
            client.reset_password_for_email(ANN)
            code = followed(newest(server.url, ANN)["link"])["code"]
            again = client.exchange_code_for_session({"auth_code": code, "redirect_to": "", "code_verifier": ""})
            assert again.session is not None
            client.update_user({"password": "quite another 2"})
            assert client.sign_in_with_password({"email": ANN, "password": "quite another 2"}).session

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.to_thread(flow)


@pytest.mark.node
async def test_auth_js_goes_every_way_of_a_mail(server: IdentityServer) -> None:
    node = shutil.which("node")
    assert node is not None, "node is not on PATH: install Node.js 20 or later"
    process = await asyncio.create_subprocess_exec(
        node,
        str(JS / "mail_flow.mjs"),
        server.url,
        cwd=JS,
        env={**os.environ, "PASSWORD": PASSWORD},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    result: dict[str, Any] = json.loads(out)

    for step, outcome in result.items():
        assert outcome["error"] is None or step == "usedCode", (step, outcome)
    assert result["signUp"]["session"] is False
    assert result["verifySignUp"]["email"] == "ann@example.com"
    assert result["verifyCode"]["email"] == "ann@example.com"
    assert result["exchange"]["email"] == "ann@example.com"
    assert result["verifyChange"]["email"] == "new@example.com"
    assert result["usedCode"]["error"]["code"] == "otp_expired"
