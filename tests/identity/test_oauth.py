"""Through another provider and back: once, in time, in the same browser, to an allowed place, as who they are there."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.identity import keycloak_stub
from tests.identity.test_administration import bearer as admin

from cadenza.identity.config import OAuthProvider
from cadenza.protocol.auth import GenerateLinkBody, pkce, requests

VERIFIER = "v" * 43
CHALLENGE = pkce.challenge_of(VERIFIER)
KEYCLOAK = OAuthProvider(name="keycloak", client_id="kc-client", client_secret="kc-secret", url=keycloak_stub.URL)
END = "http://127.0.0.1:53682/callback"
NAVIGATION = {"sec-fetch-mode": "navigate", "host": "127.0.0.1:54321"}


@pytest.fixture
def provider_of(make_provider: Any) -> Any:
    def make(**changes: Any) -> Any:
        settings = {"providers": (KEYCLOAK,), "make_client": keycloak_stub.make_client, **changes}
        return make_provider(**settings)

    return make


@pytest.fixture
async def provider(provider_of: Any) -> Any:
    async with provider_of() as provider:
        yield provider


def fields(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return dict(parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(parts.fragment, keep_blank_values=True))


async def authorize(provider: Any, *, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
    asked = {"provider": "keycloak", "redirect_to": END, **query}
    answer: httpx.Response = await provider.http.get("/authorize", params=asked, headers=headers or {})
    return answer


async def begun(provider: Any, **query: Any) -> str:
    """A flow's state."""
    return fields((await authorize(provider, **query)).headers["location"])["state"]


async def come_back(provider: Any, state: str, code: str = "ann", **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    answer: httpx.Response = await provider.http.get(
        "/callback", params={"state": state, "code": code, **more}, headers=headers
    )
    return answer


async def pkce_code(provider: Any, code: str = "ann", **query: str) -> str:
    state = await begun(provider, code_challenge=CHALLENGE, code_challenge_method="s256", **query)
    return fields((await come_back(provider, state, code)).headers["location"])["code"]


async def signed_in(provider: Any, code: str = "ann") -> dict[str, Any]:
    answer = await provider.send(requests.pkce_grant(await pkce_code(provider, code), VERIFIER))
    session: dict[str, Any] = answer.json()
    return session


async def test_a_browser_comes_back_with_a_code_that_is_traded_for_a_session(provider: Any) -> None:
    session = await signed_in(provider)

    assert session["user"]["email"] == "ann@oauth.example"
    assert session["user"]["app_metadata"] == {"provider": "keycloak", "providers": ["keycloak"]}
    assert (session["provider_token"], session["provider_refresh_token"]) == ("at-ann", "rt-ann")


async def test_the_same_person_is_the_same_user_the_next_time(provider: Any) -> None:
    first, second = await signed_in(provider), await signed_in(provider)

    assert first["user"]["id"] == second["user"]["id"]
    assert len(second["user"]["identities"]) == 1


async def test_a_state_is_good_once(provider: Any) -> None:
    state = await begun(provider)
    assert "access_token" in fields((await come_back(provider, state)).headers["location"])

    replay = await come_back(provider, state)

    assert replay.status_code == 303
    assert fields(replay.headers["location"])["error_code"] == "bad_oauth_state"


async def test_of_many_who_come_back_at_once_with_a_state_or_a_code_one_comes_in(provider: Any) -> None:
    state = await begun(provider, code_challenge=CHALLENGE, code_challenge_method="s256")

    backs = await asyncio.gather(*(come_back(provider, state) for _ in range(20)))
    codes = [fields(back.headers["location"]).get("code") for back in backs]
    (code,) = [each for each in codes if each]
    traded = await asyncio.gather(*(provider.send(requests.pkce_grant(code, VERIFIER)) for _ in range(20)))

    assert sorted(answer.status_code for answer in traded) == [200] + [404] * 19


async def test_a_code_is_good_once(provider: Any) -> None:
    code = await pkce_code(provider)
    assert (await provider.send(requests.pkce_grant(code, VERIFIER))).status_code == 200

    assert (await provider.send(requests.pkce_grant(code, VERIFIER))).json()["code"] == "flow_state_not_found"


async def test_a_code_is_no_use_to_whoever_did_not_begin_the_flow(provider: Any) -> None:
    code = await pkce_code(provider)

    assert (await provider.send(requests.pkce_grant(code, "w" * 43))).json()["code"] == "bad_code_verifier"


async def test_pkce_downgrade_a_challenge_with_the_plain_method_is_refused(provider: Any) -> None:
    answer = await authorize(provider, code_challenge=VERIFIER, code_challenge_method="plain")

    assert (answer.status_code, answer.json()["error_code"]) == (400, "validation_failed")


async def test_a_browser_that_was_away_for_too_long_begins_again(provider: Any) -> None:
    state = await begun(provider)
    provider.clock.advance(provider.config.flow_lifetime_seconds + 1)

    answer = await come_back(provider, state)

    assert fields(answer.headers["location"])["error_description"] == "OAuth state has expired"


async def test_g1_open_redirect_a_browser_is_led_to_no_stranger_with_a_session(provider: Any) -> None:
    for stranger in ("https://evil.test/", "http://127.0.0.1:53682@evil.test/callback", "//evil.test", "javascript:x"):
        state = await begun(provider, redirect_to=stranger)

        answer = await come_back(provider, state)

        assert answer.headers["location"].startswith(f"{provider.config.site_url}#")


async def test_csrf_a_flow_that_one_browser_began_is_not_finished_in_another(provider: Any) -> None:
    left = await authorize(provider, headers=NAVIGATION)
    state = fields(left.headers["location"])["state"]
    cookie = left.headers["set-cookie"].partition(";")[0]
    assert "HttpOnly; SameSite=Lax" in left.headers["set-cookie"]
    provider.http.cookies.clear()

    stranger = await come_back(provider, state)

    assert fields(stranger.headers["location"])["error_description"] == "OAuth state belongs to another browser"
    replay = await come_back(provider, state, headers={"cookie": cookie})
    assert fields(replay.headers["location"])["error_code"] == "bad_oauth_state"
    await provider.parts.refusals.close()
    noted = await provider.parts.store.read(lambda records: records.audit.newest(limit=5))
    assert ['"error_code":"bad_oauth_state"' in each.payload for each in noted] == [True, True]


@pytest.mark.parametrize("others", ['theme={"dark": 1}', "nonsense", "a=b c", 'open="', "list[0]=1", "=", "", "\xe4=1"])
async def test_cookies_of_other_programs_on_this_machine_disturb_no_flow(provider: Any, others: str) -> None:
    left = await authorize(provider, headers=NAVIGATION)
    cookie = left.headers["set-cookie"].partition(";")[0]
    provider.http.cookies.clear()

    answer = await come_back(
        provider,
        fields(left.headers["location"])["state"],
        "ann",
        headers={"cookie": f"{others}; {cookie}; {others}".encode("latin-1")},
    )

    assert fields(answer.headers["location"])["provider_token"] == "at-ann"


async def test_e9_two_flows_of_one_browser_do_not_disturb_each_other(provider: Any) -> None:
    first = await authorize(provider, headers=NAVIGATION)
    second = await authorize(provider, headers=NAVIGATION)
    provider.http.cookies.clear()
    cookies = "; ".join(each.headers["set-cookie"].partition(";")[0] for each in (first, second))

    for left, who in ((first, "ann"), (second, "bob")):
        state = fields(left.headers["location"])["state"]
        answer = await come_back(provider, state, who, headers={"cookie": cookies})
        assert fields(answer.headers["location"])["provider_token"] == f"at-{who}"
        assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_mix_up_an_answer_that_names_another_issuer_is_refused_and_its_code_shown_to_nobody(
    provider: Any,
) -> None:
    state = await begun(provider)

    answer = await come_back(provider, state, iss="https://evil.test")

    assert fields(answer.headers["location"])["error_code"] == "bad_oauth_callback"
    good = await come_back(provider, await begun(provider), iss=keycloak_stub.URL)
    assert "access_token" in fields(good.headers["location"])


async def test_what_is_ours_to_say_to_the_provider_cannot_be_said_by_the_caller(provider: Any) -> None:
    answer = await authorize(
        provider, redirect_uri="https://evil.test/", client_id="x", state="x", response_type="token", prompt="login"
    )

    sent = fields(answer.headers["location"])
    assert sent["redirect_uri"] == "http://127.0.0.1:54321/auth/v1/callback"
    assert (sent["client_id"], sent["response_type"], sent["prompt"]) == ("kc-client", "code", "login")
    assert sent["code_challenge_method"] == "S256"


async def test_what_the_provider_refuses_is_told_where_the_flow_was_to_end(provider: Any) -> None:
    state = await begun(provider)

    answer = await provider.http.get(
        "/callback", params={"state": state, "error": "access_denied", "error_description": "<b>No</b>"}
    )

    where, _, fragment = answer.headers["location"].partition("#")
    assert where == f"{END}?error=access_denied&error_description=%3Cb%3ENo%3C%2Fb%3E"
    assert fragment == "error=access_denied&error_description=%3Cb%3ENo%3C%2Fb%3E&sb="
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("bad code", "Unable to exchange external code: bad "),
        ("", "OAuth callback with missing authorization code missing"),
    ],
)
async def test_a_code_the_provider_does_not_take_ends_the_flow_with_an_error(
    provider: Any, code: str, said: str
) -> None:
    answer = await come_back(provider, await begun(provider), code)

    assert fields(answer.headers["location"])["error_description"] == said


async def test_a_provider_that_cannot_be_asked_is_an_error_and_not_a_crash(provider_of: Any) -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with provider_of(make_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(down))) as provider:
        answer = await come_back(provider, await begun(provider))

    assert fields(answer.headers["location"])["error"] == "server_error"


async def test_an_answer_may_come_as_a_form_from_the_providers_own_page(provider: Any) -> None:
    state = await begun(provider)

    answer = await provider.http.post(
        "/callback",
        data={"state": state, "code": "ann"},
        headers={"origin": "https://appleid.apple.com"},
    )

    assert "access_token" in fields(answer.headers["location"])


async def test_who_is_led_away_stands_in_the_audit_log(provider_of: Any) -> None:
    async with provider_of(disable_sign_up=True) as provider:
        answer = await come_back(provider, await begun(provider))
        await provider.parts.refusals.close()
        newest = await provider.parts.store.read(lambda records: records.audit.newest(limit=1))

    assert fields(answer.headers["location"])["error_code"] == "signup_disabled"
    assert '"error_code":"signup_disabled"' in newest[0].payload
    assert "/callback" in newest[0].payload


async def test_settings_say_which_providers_are_open(provider: Any) -> None:
    external = (await provider.http.get("/settings")).json()["external"]

    assert (external["keycloak"], external["github"]) == (True, False)


# Ways in


async def bearer(provider: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {(await provider.signed_up()).access_token}"}


async def linked(provider: Any, headers: dict[str, str], code: str = "ann") -> httpx.Response:
    asked = {"provider": "keycloak", "redirect_to": END, "skip_http_redirect": "true"}
    answer = await provider.http.get("/user/identities/authorize", params=asked, headers=headers)
    return await come_back(provider, fields(answer.json()["url"])["state"], code)


async def test_a_way_in_is_added_and_removed_again(provider: Any) -> None:
    headers = await bearer(provider)
    await linked(provider, headers)

    user = (await provider.http.get("/user", headers=headers)).json()
    assert user["app_metadata"] == {"provider": "email", "providers": ["email", "keycloak"]}
    added = next(each for each in user["identities"] if each["provider"] == "keycloak")
    removed = await provider.http.delete(f"/user/identities/{added['identity_id']}", headers=headers)

    assert (removed.status_code, removed.json()) == (200, {})
    user = (await provider.http.get("/user", headers=headers)).json()
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert user["email"] == "ann@example.com"


async def test_a_way_in_that_is_somebodys_is_not_added_again(provider: Any) -> None:
    headers = await bearer(provider)
    await linked(provider, headers)

    again = await linked(provider, headers)

    assert fields(again.headers["location"])["error_description"] == "Identity is already linked"
    assert fields(again.headers["location"])["error_code"] == "identity_already_exists"
    other = await provider.signed_up("bob@example.com")
    taken = await linked(provider, {"authorization": f"Bearer {other.access_token}"})
    assert fields(taken.headers["location"])["error_description"] == "Identity is already linked to another user"


@pytest.mark.parametrize(
    ("identity_id", "status", "code"),
    [("no-uuid", 404, "validation_failed"), ("00000000-0000-4000-8000-000000000000", 422, "identity_not_found")],
)
async def test_a_way_in_that_is_not_there_cannot_be_removed(
    provider: Any, identity_id: str, status: int, code: str
) -> None:
    headers = await bearer(provider)
    await linked(provider, headers)

    answer = await provider.http.delete(f"/user/identities/{identity_id}", headers=headers)

    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


# Invitations


async def invitation(provider: Any, email: str = "ann@oauth.example") -> str:
    """The token in the link of one."""
    body = GenerateLinkBody(type="invite", email=email)
    answer = await provider.send(requests.generate_link(admin(provider), body))
    token: str = answer.json()["hashed_token"]
    return token


async def test_an_invitation_is_accepted_by_a_provider_and_no_password_is_left(provider_of: Any) -> None:
    async with provider_of(autoconfirm=False, disable_sign_up=True) as provider:
        token = await invitation(provider)
        answer = await authorize(provider, invite_token=token)
        assert token not in answer.headers["location"]
        assert "access_token" in fields(
            (await come_back(provider, fields(answer.headers["location"])["state"])).headers["location"]
        )

        user = await provider.parts.store.read(lambda records: records.users.by_email("ann@oauth.example"))
        ways = await provider.parts.store.read(lambda records: records.identities.of(user.id))
        newest = await provider.parts.store.read(lambda records: records.audit.newest(limit=2))
    assert (user.email_confirmed_at is not None, user.password_hash) == (True, None)
    assert [way.provider for way in ways] == ["keycloak"]
    assert [entry.action for entry in newest] == ["login", "invite_accepted"]


async def test_an_invitation_is_for_one_address_and_good_once(provider: Any) -> None:
    token = await invitation(provider)
    for_another = await come_back(provider, await begun(provider, invite_token=token), "bob")
    assert fields(for_another.headers["location"])["error_code"] == "validation_failed"

    first, second = await begun(provider, invite_token=token), await begun(provider, invite_token=token)
    assert "access_token" in fields((await come_back(provider, first)).headers["location"])
    assert fields((await come_back(provider, second)).headers["location"])["error_code"] == "invite_not_found"
    assert (await authorize(provider, invite_token=token)).status_code == 404


async def test_an_invitation_does_not_take_over_a_way_in_of_another_user(provider: Any) -> None:
    await signed_in(provider)
    assert await provider.parts.users.ensure("other@oauth.example", "correct horse 1")
    user_id = (await signed_in(provider))["user"]["id"]
    body = {"email": "moved@oauth.example"}
    headers = {"authorization": f"Bearer {admin(provider)}"}
    assert (await provider.http.put(f"/admin/users/{user_id}", json=body, headers=headers)).status_code == 200

    token = await invitation(provider)
    back = await come_back(provider, await begun(provider, invite_token=token))
    assert fields(back.headers["location"])["error_code"] == "identity_already_exists"


async def test_an_invitation_that_is_too_old_leads_nowhere(provider: Any) -> None:
    token = await invitation(provider)
    provider.clock.advance(provider.config.mail.code_lifetime_seconds + 1)
    assert (await authorize(provider, invite_token=token)).status_code == 404
