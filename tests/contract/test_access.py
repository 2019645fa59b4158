"""Who may do what, over every stack: rights come from the token's ``meta``, which each refresh replaces whole."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tests.contract.conftest import Account
from tests.contract.stacks import System
from tests.contract.wire import DEADLINE_SECONDS, Wire, connected, rpc
from tests.support.totp import STEP_SECONDS, totp

import cadenza
from cadenza.client import MemorySessionStore, SecondFactorRequest
from cadenza.errors import RpcError

requirement = pytest.mark.requirement

TICKERS = "market:ticker:PAPER"
#: For role service or admin. It is not served yet, and says so to whoever may call it.
FOR_SERVICE = "command.instrument.sync"
FOR_OWNERS_WITH_TWO_FACTORS = "command.credential.revoke"
NOT_SERVED = 18016


async def code_of(wire: Wire, method: str) -> int:
    """What a method that is not served answers: 18016 to whoever may call it, else why not."""
    code: int = (await rpc(wire, method))["error"]["code"]
    return code


class Provider:
    """What an administrator does at the provider, and its user."""

    def __init__(self, system: System, account: Account) -> None:
        self._system = system
        self._account = account
        self._refresh_token = str(account.session["refresh_token"])

    async def give_role(self, role: str) -> None:
        service = self._system.mint(role="service_role", sub=None)
        async with self._system.http() as http:
            answer = await http.put(
                f"{self._system.auth_url}/admin/users/{self._account.id}",
                headers={"Authorization": f"Bearer {service}"},
                json={"app_metadata": {"role": role}},
            )
        assert answer.status_code == 200, answer.text

    async def fresh_token(self) -> str:
        """Refresh the session."""
        async with self._system.http() as http:
            answer = await http.post(
                f"{self._system.auth_url}/token?grant_type=refresh_token", json={"refresh_token": self._refresh_token}
            )
        session: dict[str, Any] = answer.json()
        self._refresh_token = str(session["refresh_token"])
        return str(session["access_token"])


@requirement("ACCESS-ROLE")
async def test_a_role_is_had_and_lost_on_the_same_socket_with_the_next_refresh(
    system: System, account: Account
) -> None:
    """Row A8: ``meta`` is replaced by a new one only, so a token always has one."""
    provider = Provider(system, account)
    async with connected(system, account.token) as wire:
        assert await code_of(wire, FOR_SERVICE) == 26005
        await provider.give_role("admin")
        await wire.ask(refresh={"token": await provider.fresh_token()})
        assert await code_of(wire, FOR_SERVICE) == NOT_SERVED
        await provider.give_role("")
        await wire.ask(refresh={"token": await provider.fresh_token()})
        assert await code_of(wire, FOR_SERVICE) == 26005


@requirement("ACCESS-META-KEPT")
async def test_a_refresh_without_meta_keeps_the_old_rights(system: System) -> None:
    """Row A8, the trap itself: why the hook gives ``meta`` whole, always."""
    async with connected(system, system.mint(meta={"session_id": "s", "role": "admin"})) as wire:
        await wire.ask(refresh={"token": system.mint(meta=None)})
        assert await code_of(wire, FOR_SERVICE) == NOT_SERVED
        await wire.ask(refresh={"token": system.mint(meta={"session_id": "s"})})
        assert await code_of(wire, FOR_SERVICE) == 26005


@requirement("ACCESS-THIRD-PARTY")
async def test_a_third_partys_token_calls_and_joins_nothing(system: System, account: Account) -> None:
    """Row A6."""
    theirs = system.mint(client_id="app-1", meta={"session_id": "s", "role": "admin", "client_id": "app-1"})
    async with connected(system, theirs) as wire:
        assert (await rpc(wire, "query.ticker.list"))["error"]["code"] == 26005
        assert await code_of(wire, FOR_SERVICE) == 26005
        assert (await wire.ask(subscribe={"channel": TICKERS}))["error"]["code"] == 103
        assert "data" in await rpc(wire, "query.system.info")
    async with connected(system) as wire:  # nor does it in params
        theirs = system.mint(client_id="app-1", sub=account.id)
        refused = await rpc(wire, "query.auth.user", {"accessToken": theirs})
        assert (refused["error"]["code"], refused["error"]["field"]) == (26005, "accessToken")


@requirement("ACCESS-META")
async def test_a_token_that_does_not_say_whose_it_is_opens_nothing(system: System) -> None:
    async with connected(system, system.mint(meta=None)) as wire:
        refused = await rpc(wire, "query.ticker.list")
        assert refused["error"]["code"] == 26005
        assert "meta" in refused["error"]["message"]
        assert (await wire.ask(subscribe={"channel": TICKERS}))["error"]["code"] == 103


@requirement("ACCESS-AAL2")
async def test_a_guarded_command_wants_a_second_factor_of_the_connection(system: System) -> None:
    meta = {"session_id": "s", "role": "authenticated"}
    async with connected(system, system.mint(meta=meta | {"aal": "aal1"})) as wire:
        assert await code_of(wire, FOR_OWNERS_WITH_TWO_FACTORS) == 26006
        strong = {"accessToken": system.mint(session_id="s", aal="aal2")}
        assert (await rpc(wire, "command.auth.stepup", strong))["data"]["aal"] == "aal2"
        assert await code_of(wire, FOR_OWNERS_WITH_TWO_FACTORS) == NOT_SERVED
    async with connected(system, system.mint(meta=meta | {"aal": "aal2"})) as wire:
        assert await code_of(wire, FOR_OWNERS_WITH_TWO_FACTORS) == NOT_SERVED


@requirement("SDK-STEP-UP")
async def test_the_sdk_asks_for_the_code_raises_the_connection_and_repeats_the_call(
    system: System, account: Account
) -> None:
    asked: list[SecondFactorRequest] = []

    async def app(request: SecondFactorRequest) -> str:
        asked.append(request)
        return totp(enrolled.secret, time.time() + STEP_SECONDS)  # that of now was spent to enrol

    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        cadenza.connect(
            system.ws_url,
            supabase_url=system.supabase_url,
            session_store=MemorySessionStore(),
            second_factor=app,
            environ={},
        ) as sdk,
    ):
        await sdk.auth.sign_in_with_password(account.email, account.password)
        enrolled = await sdk.auth.mfa.enroll("phone")
        await sdk.auth.mfa.verify(totp(enrolled.secret, time.time()), factor_id=enrolled.factor_id)
        await sdk.auth.sign_in_with_password(account.email, account.password)
        await sdk.market.venues.list()
        connection = sdk.client_id
        for _ in range(2):
            with pytest.raises(RpcError) as answered:
                await sdk.call(FOR_OWNERS_WITH_TWO_FACTORS, {"credentialId": account.id})
            assert answered.value.code == NOT_SERVED
        assert sdk.client_id == connection
        assert [request.method for request in asked] == [FOR_OWNERS_WITH_TWO_FACTORS]
