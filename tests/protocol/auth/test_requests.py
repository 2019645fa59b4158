"""Requests are those that the recorded clients sent."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import pytest

from cadenza.protocol.auth import (
    AdminUserBody,
    GenerateLinkBody,
    InviteBody,
    LogoutScope,
    OAuthClientBody,
    Request,
    ResendType,
    VerifyType,
    endpoints,
    requests,
    urls,
)

BUILT = {
    "signup_ok_2": requests.sign_up("u266026c0@example.com", "Password-123"),
    "password_ok": requests.password_grant("u0ba5a418@example.com", "Password-123"),
    "refresh_ok": requests.refresh_token_grant("uvse4sa2x6t3"),
    "user_get_ok": requests.get_user("token"),
    "user_update_data": requests.update_user("token", metadata={"name": "Al", "age": 3}),
    "user_update_password_ok": requests.update_user("token", password="Password-1239"),
    "logout_local": requests.log_out("token", scope=LogoutScope.LOCAL),
    "logout_others": requests.log_out("token", scope=LogoutScope.OTHERS),
    "signup_needs_confirmation": requests.sign_up(
        "u6be8c6ed@example.com", "Password-123", redirect_to="http://127.0.0.1:3000/welcome"
    ),
    "signup_phone_autoconfirm": requests.sign_up_by_phone("15555423087", "Password-123"),
    "anonymous_signup_ok": requests.sign_up_anonymously(metadata={"a": 1}),
    "anonymous_convert_email": requests.update_user("token", email="u6b6946a7@example.com"),
    "otp_email_existing": requests.send_otp("u6be8c6ed@example.com"),
    "verify_post_email_otp": requests.verify_code(VerifyType.EMAIL, "221555", email="u6be8c6ed@example.com"),
    "verify_phone_ok": requests.verify_code(VerifyType.SMS, "123456", phone="15555550100"),
    "verify_post_token_hash": requests.verify_token_hash(
        VerifyType.SIGNUP, "617a99f00299b3763b44dfd2d15a8e1e628a18d2798699bc7f1c1c74"
    ),
    "verify_recovery_otp": requests.verify_code(VerifyType.RECOVERY, "537695", email="u6be8c6ed@example.com"),
    "resend_signup": requests.resend(ResendType.SIGNUP, email="u6be8c6ed@example.com"),
    "pkce_ok": requests.pkce_grant(
        "cbf6a543-c473-4167-98c3-e0c2a15b133a", "RM5dZOPEsDC0SWQRTRKxTefb_r4_TCswAtH0QYZww32xZkk6C58BX-z9"
    ),
    "link_identity_authorize": requests.link_identity("token", "keycloak"),
    "mfa_enroll_totp": requests.enrol_totp("token", friendly_name="my totp", issuer="cadenza"),
    "mfa_challenge": requests.challenge_factor("token", "2d5141d9-8589-40a2-9091-f1b22ddd87d7"),
    "mfa_verify_ok": requests.verify_factor(
        "token",
        "2d5141d9-8589-40a2-9091-f1b22ddd87d7",
        challenge_id="18d7f8ee-ab39-44ce-b603-d4c1e5846832",
        code="856519",
    ),
    "mfa_unenroll_ok_aal2": requests.delete_factor("token", "2d5141d9-8589-40a2-9091-f1b22ddd87d7"),
    "admin_list": requests.admin_list_users("token", page=1, per_page=2),
    "admin_create_confirmed": requests.admin_create_user(
        "token",
        AdminUserBody(
            email="admff01ff52@example.com",
            password="Password-123",
            email_confirm=True,
            user_metadata={"n": 1},
            app_metadata={"roles": ["editor"]},
        ),
    ),
    "admin_ban": requests.admin_update_user(
        "token", "edf6de8c-d3a5-400d-a69b-14ee51bd8136", AdminUserBody(ban_duration="1h")
    ),
    "admin_soft_delete": requests.admin_delete_user("token", "edf6de8c-d3a5-400d-a69b-14ee51bd8136", softly=True),
    "admin_factors_list": requests.admin_list_factors("token", "edf6de8c-d3a5-400d-a69b-14ee51bd8136"),
    "admin_generate_link_signup": requests.generate_link(
        "token",
        GenerateLinkBody(
            type="signup",
            email="glc9a956ad@example.com",
            redirect_to="http://127.0.0.1:3000/x",
            password="Password-123",
        ),
    ),
    "admin_audit": requests.admin_audit("token", page=1, per_page=1),
    "invite_ok": requests.invite("token", InviteBody(email="inva47b6ebe@example.com", data={"a": 1})),
    "health": requests.health(),
    "settings": requests.settings(),
    "openid_configuration": requests.openid_configuration(),
}


@pytest.mark.parametrize("name", sorted(BUILT))
def test_a_request_is_the_recorded_one(name: str, exchanges: list[dict[str, Any]]) -> None:
    recorded = next(exchange["request"] for exchange in exchanges if exchange["name"] == name)
    built = BUILT[name]
    query = urllib.parse.urlencode(built.query)

    assert built.method == recorded["method"]
    assert f"{built.path}{'?' if query else ''}{query}" == recorded["path"]
    assert (json.loads(built.body) if built.body else None) == recorded["body"]
    assert ("Authorization" in built.headers()) == ("Authorization" in recorded["headers"])
    assert built.headers()["X-Supabase-Api-Version"] == recorded["headers"]["X-Supabase-Api-Version"]


def test_sign_up_carries_metadata_and_redirect() -> None:
    request = requests.sign_up("a@b.example", "pw", metadata={"n": 1}, redirect_to="http://127.0.0.1:3000/?a=b c")

    assert json.loads(request.body) == {"email": "a@b.example", "password": "pw", "data": {"n": 1}}
    assert request.query == (("redirect_to", "http://127.0.0.1:3000/?a=b c"),)


def test_headers_name_the_key_and_the_bearer_only_when_there_are_some() -> None:
    bare = Request(method="GET", path="/user").headers()
    full = Request(method="PUT", path="/user", body=b"{}", bearer="token").headers(api_key="key")

    assert set(bare) == {"Accept", "X-Supabase-Api-Version"}
    assert full["apikey"] == "key"
    assert full["Authorization"] == "Bearer token"
    assert full["Content-Type"].startswith("application/json")


def test_an_update_can_remove_a_key() -> None:
    assert json.loads(requests.update_user("token", metadata={"age": None}).body) == {"data": {"age": None}}


CHALLENGE = "E93AD9M0dEA5zPKJI8pcTnZuo1nKFnkftOdAow_M8i8"


@pytest.mark.parametrize(
    "built",
    [
        requests.sign_up("a@b.example", "pw", code_challenge=CHALLENGE),
        requests.send_otp("a@b.example", code_challenge=CHALLENGE),
        requests.send_magic_link("a@b.example", code_challenge=CHALLENGE),
        requests.recover("a@b.example", code_challenge=CHALLENGE),
        requests.resend(ResendType.SIGNUP, email="a@b.example", code_challenge=CHALLENGE),
        requests.update_user("token", email="a@b.example", code_challenge=CHALLENGE),
    ],
)
def test_a_challenge_never_goes_without_its_method(built: Request) -> None:
    body = json.loads(built.body)

    assert (body["code_challenge"], body["code_challenge_method"]) == (CHALLENGE, "s256")


def test_an_unknown_address_is_not_signed_up_where_the_caller_says_so() -> None:
    assert json.loads(requests.send_otp("a@b.example", create_user=False).body)["create_user"] is False


def test_the_browsers_address_is_the_recorded_one(exchanges: list[dict[str, Any]]) -> None:
    recorded = next(exchange["request"]["path"] for exchange in exchanges if exchange["name"] == "authorize_pkce")
    query = urls.authorize_query(
        "keycloak",
        redirect_to="http://127.0.0.1:3000/cb",
        scopes="profile",
        code_challenge=CHALLENGE,
        extra={"flow_type": "pkce", "provider": "another"},
    )

    assert urls.authorize_url("http://127.0.0.1:54321/auth/v1/", query) == f"http://127.0.0.1:54321/auth/v1{recorded}"


def test_a_links_address_is_what_the_provider_answers() -> None:
    url = urls.verify_url(
        "http://127.0.0.1:54321/auth/v1", token_hash="pkce_ab", verify_type="signup", redirect_to="http://h/?a=1&b=2"
    )

    assert url == (
        "http://127.0.0.1:54321/auth/v1/verify?token=pkce_ab&type=signup&redirect_to=http%3A%2F%2Fh%2F%3Fa%3D1%26b%3D2"
    )


@pytest.mark.parametrize("hostile", ["../admin/users", "a/b", "..", ".", "", "x?y=1", "x#y", "é"])
def test_an_id_never_becomes_another_path(hostile: str) -> None:
    for path in (endpoints.factor(hostile), endpoints.admin_user(hostile), endpoints.identity(hostile)):
        last = path.rpartition("/")[2]

        assert last not in {"", ".", ".."}
        assert not set(last) & set("/?#")
        assert urllib.parse.unquote(last) in {hostile, " "}


def test_third_party_applications_have_their_paths() -> None:
    made = requests.admin_create_client("token", OAuthClientBody(client_name="App", redirect_uris=("https://a/cb",)))
    paths = [
        requests.admin_list_clients("token"),
        requests.admin_get_client("token", "c"),
        requests.admin_update_client("token", "c", OAuthClientBody(client_name="B")),
        requests.admin_delete_client("token", "c"),
        requests.admin_regenerate_secret("token", "c"),
    ]

    assert json.loads(made.body) == {"client_name": "App", "redirect_uris": ["https://a/cb"]}
    assert [f"{request.method} {request.path}" for request in paths] == [
        "GET /admin/oauth/clients",
        "GET /admin/oauth/clients/c",
        "PUT /admin/oauth/clients/c",
        "DELETE /admin/oauth/clients/c",
        "POST /admin/oauth/clients/c/regenerate_secret",
    ]
