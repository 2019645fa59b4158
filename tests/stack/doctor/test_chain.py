"""Each link of the chain broken in turn: the doctor names it, the printed change is made, and it holds again."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.stack.doctor.parts import BRIEF, EMAIL, PATIENT, Parts, assert_whole, broken
from tests.support.programs import free_port

import cadenza
from cadenza.identity.config import IdentityConfig
from cadenza.identity.http_server import HttpServer
from cadenza.identity.server import IdentityServer
from cadenza.protocol.auth import endpoints
from cadenza.stack.doctor import Doctor, Finding, Link, Verdict
from cadenza.stack.serving import bind


async def mended(parts: Parts, environ: dict[str, str] | None = None) -> None:
    assert_whole(await parts.look(environ))


def only(found: dict[Link, Finding], link: Link) -> Finding:
    """The one link that is broken; the rest hold, or hang on it and were left out."""
    assert broken(found) == [link], found
    finding = found[link]
    assert finding.next_step
    return finding


async def test_a_whole_chain_is_good_from_end_to_end(parts: Parts) -> None:
    assert_whole(await parts.look())


async def test_no_secret_is_ever_shown(parts: Parts) -> None:
    operators = {
        **parts.environ,
        "CADENZA_API_KEY": parts.api_key,
        "CADENZA_PROXY_SECRET": parts.secret,
        "PORT": str(parts.backend_port),
    }
    found = await parts.look(operators)
    assert broken(found) == []
    async with cadenza.connect(environ=parts.environ) as api:
        session = api.auth.session
    assert session is not None
    told = repr(found)
    for secret in (session.access_token, session.refresh_token, parts.api_key, parts.secret, parts.password, EMAIL):
        assert secret not in told


# The environment


async def test_a_misspelt_variable(parts: Parts) -> None:
    wrong = {**parts.environ, "CADENZA_WS_ULR": parts.environ["CADENZA_WS_URL"]}
    del wrong["CADENZA_WS_URL"]
    finding = only(await parts.look(wrong), Link.ENVIRONMENT)
    assert "CADENZA_WS_ULR" in finding.message
    assert "CADENZA_WS_URL" in finding.next_step
    wrong["CADENZA_WS_URL"] = wrong.pop("CADENZA_WS_ULR")
    await mended(parts, wrong)


async def test_an_issuer_that_is_not_the_providers(parts: Parts) -> None:
    wrong = {**parts.environ, "CADENZA_ISSUER": "https://other.example/auth/v1"}
    del wrong["CADENZA_DATA_DIR"]
    wrong["CADENZA_DATA_DIR"] = parts.environ["CADENZA_DATA_DIR"] + "-new"
    finding = (await parts.look(wrong))[Link.ENVIRONMENT]
    assert finding.verdict is Verdict.BROKEN
    assert f"Set CADENZA_ISSUER to {parts.identity.issuer}" in finding.next_step
    await mended(parts, {**parts.environ, "CADENZA_ISSUER": parts.identity.issuer})


# The provider


async def test_a_provider_that_is_not_there(parts: Parts) -> None:
    nowhere = {**parts.environ, "SUPABASE_URL": f"http://127.0.0.1:{free_port()}"}
    finding = (await parts.look(nowhere))[Link.PROVIDER]
    assert finding.verdict is Verdict.BROKEN
    assert "set SUPABASE_URL to where it is" in finding.next_step
    await mended(parts, {**nowhere, "SUPABASE_URL": parts.environ["SUPABASE_URL"]})


async def test_an_address_where_something_else_answers(parts: Parts) -> None:
    wrong = {**parts.environ, "SUPABASE_URL": f"http://127.0.0.1:{parts.backend_port}"}
    finding = (await parts.look(wrong))[Link.PROVIDER]
    assert "no auth service" in finding.message
    assert "Set SUPABASE_URL" in finding.next_step
    await mended(parts)


@pytest.fixture
async def guarded(parts: Parts) -> AsyncIterator[str]:
    """Supabase's own gateway before the provider: it asks for the publishable key. Its address."""
    key = b"sb_publishable_right"
    async with httpx.AsyncClient() as http:

        async def front(scope: Any, receive: Any, send: Any) -> None:
            headers = dict(scope["headers"])
            if headers.get(b"apikey") != key:
                answer = httpx.Response(401, json={"message": "No API key found in request"})
            else:
                body = (await receive()).get("body", b"")
                kept = {n: v for n, v in headers.items() if n not in {b"host", b"content-length", b"connection"}}
                url = f"{parts.environ['SUPABASE_URL']}{scope['path']}?{scope['query_string'].decode()}"
                answer = await http.request(scope["method"], url, content=body, headers=list(kept.items()))
            sent = [(n, v) for n, v in answer.headers.raw if n.lower() == b"content-type"]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": sent})
            await send({"type": "http.response.body", "body": answer.content})

        server = HttpServer(front, bind("127.0.0.1", 0, what="front", option="-"), name="front")
        await server.start()
        yield f"http://127.0.0.1:{server.port}"
        await server.stop()


async def test_a_publishable_key_that_is_missing_or_wrong(parts: Parts, guarded: str) -> None:
    environ = {**parts.environ, "SUPABASE_URL": guarded, "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_right"}
    await parts.sign_in(environ=environ)
    await mended(parts, environ)
    new = {**environ, "CADENZA_DATA_DIR": parts.environ["CADENZA_DATA_DIR"] + "-new"}  # no sign-in remembers the key
    for wrong, said in (("", "asks for a publishable key"), ("sb_publishable_of_another", "does not take")):
        finding = (await parts.look({**new, "SUPABASE_PUBLISHABLE_KEY": wrong}))[Link.PROVIDER]
        assert said in finding.message
        assert "Set SUPABASE_PUBLISHABLE_KEY" in finding.next_step
    await mended(parts, environ)


async def test_a_clock_that_is_wrong(parts: Parts) -> None:
    """Rows A9 and H5."""
    for offset, verdict in ((-120.0, Verdict.BROKEN), (15.0, Verdict.WARNING)):
        finding = (await parts.look(clock=lambda offset=offset: time.time() + offset))[Link.CLOCK]  # type: ignore[misc]
        assert finding.verdict is verdict
        told = re.search(r"[+-]\d+", finding.message)
        assert told is not None
        assert abs(int(told[0]) + offset) < 8  # a busy machine takes its time to answer
        assert "timedatectl" in finding.next_step
    await mended(parts)


# The browser


async def test_ports_that_are_all_taken_let_no_browser_come_back(parts: Parts) -> None:
    """Row G1: the three fixed ports are tested, not only listed."""
    ports = endpoints.LOOPBACK_REDIRECTS  # the test's own
    taken = [bind("127.0.0.1", urlsplit(redirect).port or 0, what="test", option="-") for redirect in ports]
    try:
        found = await parts.look()
        assert found[Link.BROWSER].verdict is Verdict.WARNING
        assert "--no-browser" in found[Link.BROWSER].next_step
        taken.pop().close()
        finding = (await parts.look())[Link.BROWSER]
        assert str(urlsplit(ports[2]).port) in finding.message
    finally:
        for listener in taken:
            listener.close()
    await mended(parts)


# The session and its token


async def test_nobody_signed_in(parts: Parts) -> None:
    environ = {**parts.environ, "CADENZA_DATA_DIR": parts.environ["CADENZA_DATA_DIR"] + "-new"}
    found = await parts.look(environ)
    assert only(found, Link.SESSION).next_step == "Sign in: cadenza login."
    assert found[Link.CALL].verdict is Verdict.GOOD  # as nobody, as far as that leads
    assert found[Link.SUBSCRIPTION].verdict is Verdict.SKIPPED
    await parts.sign_in(environ=environ)
    await mended(parts, environ)


async def test_a_profiles_chain_names_the_profile_in_its_steps(parts: Parts) -> None:
    doctor = Doctor(parts.environ, profile="uat", patience=PATIENT)
    found = {finding.link: finding async for finding in doctor.look()}
    assert only(found, Link.SESSION).next_step == "Sign in: cadenza login --profile uat."


async def test_a_session_that_was_ended_elsewhere(parts: Parts) -> None:
    async with cadenza.connect(environ=parts.environ, session_store="memory") as other:
        await other.auth.sign_in_with_password(EMAIL, parts.password)
        await other.auth.sign_out("others")
    assert only(await parts.look(), Link.SESSION).next_step == "Sign in again: cadenza login."
    await parts.sign_in()
    await mended(parts)


async def test_a_session_of_another_address(parts: Parts) -> None:
    elsewhere = {**parts.environ, "CADENZA_WS_URL": f"ws://localhost:{parts.gateway_port}/connection/websocket"}
    finding = only(await parts.look(elsewhere), Link.SESSION)
    assert parts.environ["CADENZA_WS_URL"] in finding.message
    assert "unset CADENZA_WS_URL" in finding.next_step
    del elsewhere["CADENZA_WS_URL"]
    await mended(parts, elsewhere)


async def test_a_token_of_another_project(parts: Parts, tmp_path: Path) -> None:
    """Row A4: a token that is good, but not here."""
    async with IdentityServer(IdentityConfig(data_dir=tmp_path / "other", port=0)) as other:
        theirs = {**parts.environ, "SUPABASE_URL": other.url.removesuffix("/auth/v1")}
        async with cadenza.connect(environ=theirs, session_store="memory") as api:
            await api.auth.sign_up(EMAIL, parts.password)
            session = api.auth.session
        assert session is not None
    environ = {**parts.environ, "CADENZA_ACCESS_TOKEN": session.access_token}
    found = await parts.look(environ)
    assert broken(found) == [Link.SESSION, Link.TOKEN]
    assert "unset it" in found[Link.SESSION].next_step
    assert "a key that the provider does not publish" in found[Link.TOKEN].message
    del environ["CADENZA_ACCESS_TOKEN"]
    await mended(parts, environ)


# The gateway and what is behind it


async def test_a_gateway_that_is_not_there(parts: Parts) -> None:
    await parts.stop_gateway()
    finding = only(await parts.look(), Link.GATEWAY)
    assert "CADENZA_WS_URL" in finding.next_step
    await parts.run_gateway()
    await mended(parts)


async def test_a_path_where_there_is_no_websocket(parts: Parts) -> None:
    wrong = {**parts.environ, "CADENZA_WS_URL": f"ws://127.0.0.1:{parts.gateway_port}/socket"}
    finding = (await parts.look(wrong))[Link.GATEWAY]
    assert "404" in finding.message
    assert "/connection/websocket" in finding.next_step
    await mended(parts)


@pytest.mark.parametrize("wrong", [{"issuer": "https://other.example/auth/v1"}, {"audience": "somebody-else"}])
async def test_a_gateway_that_expects_another_issuer_or_audience(parts: Parts, wrong: dict[str, str]) -> None:
    """Row A4."""
    await parts.run_gateway(**wrong)
    step = only(await parts.look(), Link.CONNECTION).next_step
    right = {"issuer": parts.identity.issuer, "audience": "authenticated"}
    for name, value in right.items():
        assert f"client.token.{name} = {value}" in step
    await parts.run_gateway(**right)
    await mended(parts)


async def test_a_gateway_that_lets_nobody_sign_in_over_it(parts: Parts) -> None:
    await parts.run_gateway(lets_anybody_in=False)
    environ = {**parts.environ, "CADENZA_DATA_DIR": parts.environ["CADENZA_DATA_DIR"] + "-new"}
    found = await parts.look(environ)
    assert "client.allow_anonymous_connect_without_token = true" in found[Link.CONNECTION].next_step
    await parts.run_gateway(lets_anybody_in=True)
    assert (await parts.look(environ))[Link.CONNECTION].verdict is Verdict.GOOD


async def test_a_gateway_that_hands_no_calls_on(parts: Parts) -> None:
    await parts.run_gateway(rpc=False)
    assert "rpc.without_namespace.proxy_enabled = true" in only(await parts.look(), Link.CALL).next_step
    await parts.run_gateway(rpc=True)
    await mended(parts)


async def test_a_backend_that_is_not_there(parts: Parts) -> None:
    await mended(parts)  # and the gateway has its keys
    await parts.stop_backend()
    assert only(await parts.look(), Link.CALL).next_step.startswith("Start the backend")
    await parts.run_backend()
    await mended(parts)


async def test_a_backend_with_another_secret(parts: Parts) -> None:
    await parts.run_backend(secret="another-secret-than-the-gateway-has")
    operators = {**parts.environ, "CADENZA_PROXY_SECRET": parts.secret, "PORT": str(parts.backend_port)}
    found = await parts.look(operators)
    assert broken(found) == [Link.CALL, Link.BACKEND]
    assert "CADENZA_PROXY_SECRET" in found[Link.CALL].next_step
    assert "one secret" in found[Link.BACKEND].next_step
    await parts.run_backend(secret=parts.secret)
    await mended(parts, operators)


async def test_a_key_and_a_secret_that_are_being_replaced(parts: Parts) -> None:
    """Both are told apart from wrong ones: the chain holds, and what is still to be done is said."""
    operators = {
        **parts.environ,
        "CADENZA_API_KEY": "key-that-comes-next",
        "CADENZA_API_KEY_PREVIOUS": parts.api_key,
        "CADENZA_PROXY_SECRET": "secret-that-comes-next",
        "CADENZA_PROXY_SECRET_PREVIOUS": parts.secret,
        "PORT": str(parts.backend_port),
    }
    found = await parts.look(operators)
    assert broken(found) == []
    assert "not yet CADENZA_API_KEY: configure the gateway" in found[Link.SERVER_API].message
    assert "not yet CADENZA_PROXY_SECRET: restart it" in found[Link.BACKEND].message

    await parts.run_backend(
        api_key="key-that-comes-next",
        previous_api_key=parts.api_key,
        secret="secret-that-comes-next",
        previous_proxy_secret=parts.secret,
    )
    found = await parts.look(operators)
    assert broken(found) == []
    assert "is ready and takes the secret" in found[Link.BACKEND].message

    await parts.run_gateway(api_key="key-that-comes-next", secret="secret-that-comes-next")
    found = await parts.look(operators)
    assert broken(found) == []
    assert found[Link.SERVER_API].message.endswith("takes the key.")


async def test_a_backend_that_is_not_ready_names_what_is_wrong(parts: Parts) -> None:
    operators = {**parts.environ, "CADENZA_PROXY_SECRET": parts.secret, "PORT": str(parts.backend_port)}
    await parts.run_backend(jwks_url=f"http://127.0.0.1:{free_port()}/jwks.json")
    finding = (await parts.look(operators))[Link.BACKEND]
    assert (finding.verdict, "keys unreachable" in finding.message) == (Verdict.BROKEN, True)
    await parts.run_backend()
    await mended(parts, operators)


async def test_a_gateway_without_the_namespace(parts: Parts) -> None:
    # Not without "session": no token would connect, for each names a channel of it.
    await parts.run_gateway(namespaces=("tradingAccount", "session"))
    finding = only(await parts.look(), Link.SUBSCRIPTION)
    assert "channel.namespaces" in finding.next_step
    await parts.run_gateway()
    await mended(parts)


async def test_a_gateway_that_asks_nobody_who_may_join(parts: Parts) -> None:
    await parts.run_gateway(subscribe=False)
    assert "subscribe_proxy_enabled = true" in only(await parts.look(), Link.SUBSCRIPTION).next_step
    await parts.run_gateway(subscribe=True)
    await mended(parts)


async def test_a_backend_that_may_not_publish(parts: Parts) -> None:
    wrong = "another-key-than-the-gateway-has"
    await parts.run_backend(api_key=wrong)
    operators = {**parts.environ, "CADENZA_API_KEY": wrong}
    found = await parts.look(operators, patience=BRIEF)
    assert broken(found) == [Link.PUBLICATION, Link.SERVER_API]
    assert "CADENZA_API_KEY is http_api.key" in found[Link.PUBLICATION].next_step
    assert "Set CADENZA_API_KEY" in found[Link.SERVER_API].next_step
    await parts.run_backend(api_key=parts.api_key)
    await mended(parts, {**operators, "CADENZA_API_KEY": parts.api_key})
