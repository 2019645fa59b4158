"""Requests are those that the recorded clients sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cadenza.protocol.auth import LogoutScope, Request, requests

BUILT = {
    "signup_ok_2": requests.sign_up("u266026c0@example.com", "Password-123"),
    "password_ok": requests.password_grant("u0ba5a418@example.com", "Password-123"),
    "refresh_ok": requests.refresh_token_grant("uvse4sa2x6t3"),
    "user_get_ok": requests.get_user("token"),
    "user_update_data": requests.update_user("token", metadata={"name": "Al", "age": 3}),
    "user_update_password_ok": requests.update_user("token", password="Password-1239"),
    "logout_local": requests.log_out("token", scope=LogoutScope.LOCAL),
    "logout_others": requests.log_out("token", scope=LogoutScope.OTHERS),
    "health": requests.health(),
    "settings": requests.settings(),
    "openid_configuration": requests.openid_configuration(),
}


@pytest.mark.parametrize("name", sorted(BUILT))
def test_a_request_is_the_recorded_one(name: str, exchanges: list[dict[str, Any]]) -> None:
    recorded = next(exchange["request"] for exchange in exchanges if exchange["name"] == name)
    built = BUILT[name]
    query = "&".join(f"{key}={value}" for key, value in built.query)

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
