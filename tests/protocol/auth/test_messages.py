"""The structs hold what Supabase Auth sends, and show nothing of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.protocol import auth
from cadenza.protocol.auth import (
    PasswordGrantBody,
    RefreshTokenGrantBody,
    Session,
    SignupBody,
    User,
    WeakPassword,
    requests,
)


def test_each_recorded_session_survives_a_round_trip(sessions: list[dict[str, Any]]) -> None:
    assert len(sessions) > 40
    for body in sessions:
        written = msgspec.json.encode(msgspec.json.decode(msgspec.json.encode(body), type=Session))

        assert list(json.loads(written)) == list(body)  # the order too
        assert list(json.loads(written)["user"]) == list(body["user"])
        assert json.loads(written) == body


def test_each_recorded_user_is_read(exchanges: list[dict[str, Any]]) -> None:
    bodies = [exchange["response"]["body"] for exchange in exchanges if exchange["request"]["path"] == "/user"]
    users = [body for body in bodies if isinstance(body, dict) and "app_metadata" in body]

    assert len(users) > 10
    for body in users:
        assert msgspec.convert(body, User).id == body["id"]


def test_weak_password_is_told_apart_absent_null_and_given(sessions: list[dict[str, Any]]) -> None:
    body = {name: value for name, value in sessions[0].items() if name != "weak_password"}
    weak = {"message": "Password should be at least 8 characters.", "reasons": ["length"]}

    assert msgspec.convert(body, Session).weak_password is msgspec.UNSET
    assert msgspec.convert({**body, "weak_password": None}, Session).weak_password is None
    given_weak = msgspec.convert({**body, "weak_password": weak}, Session).weak_password
    assert given_weak == WeakPassword(message="Password should be at least 8 characters.", reasons=("length",))


def test_unknown_fields_are_ignored(sessions: list[dict[str, Any]]) -> None:
    assert msgspec.convert({**sessions[0], "new_in_2027": 1}, Session).token_type == "bearer"


def test_what_is_secret_or_personal_never_shows(sessions: list[dict[str, Any]]) -> None:
    session = msgspec.convert(sessions[0], Session)
    held: list[msgspec.Struct] = [
        session,
        session.user,
        *(session.user.identities or ()),
        SignupBody(email="ann@example.com", password="open sesame"),
        PasswordGrantBody(email="ann@example.com", password="open sesame"),
        RefreshTokenGrantBody(refresh_token=session.refresh_token),
        requests.password_grant("ann@example.com", "open sesame"),
        requests.get_user(session.access_token),
    ]

    for message in held:
        shown = f"{message!r} {message} {list(message.__rich_repr__())}"
        for secret in (session.access_token, session.refresh_token, session.user.email, "open sesame", "ann@"):
            assert secret not in shown


@settings(deadline=None)
@given(st.builds(SignupBody, email=st.text(), password=st.text(), data=st.dictionaries(st.text(), st.integers())))
def test_a_body_survives_a_round_trip(body: SignupBody) -> None:
    assert msgspec.json.decode(msgspec.json.encode(body), type=SignupBody) == body


def test_the_door_is_pinned() -> None:
    assert set(auth.__all__) == {
        "PKCE_PREFIX",
        "S256",
        "SESSION_OVER",
        "AccountExport",
        "Action",
        "AdminDeleteBody",
        "AdminFactorBody",
        "AdminUserBody",
        "AuditEntry",
        "Callback",
        "CallbackCode",
        "CallbackMessage",
        "CallbackSession",
        "ChallengeFactorBody",
        "ClientType",
        "DeleteAccountBody",
        "DeletedAccount",
        "Empty",
        "EnrolFactorBody",
        "EnrolledFactor",
        "ErrorCode",
        "Factor",
        "FactorChallenge",
        "FactorStatus",
        "FactorType",
        "GenerateLinkBody",
        "GeneratedLink",
        "GrantType",
        "HalfConfirmed",
        "Health",
        "IdTokenGrantBody",
        "Identity",
        "InviteBody",
        "LinkType",
        "LogoutScope",
        "MagicLinkBody",
        "OAuthClient",
        "OAuthClientBody",
        "OAuthClientList",
        "OpenIdConfiguration",
        "OtpBody",
        "OtpSent",
        "PasswordGrantBody",
        "Pkce",
        "PkceGrantBody",
        "ProviderUrl",
        "RecoverBody",
        "RefreshTokenGrantBody",
        "Request",
        "ResendBody",
        "ResendType",
        "Session",
        "Settings",
        "SignupBody",
        "TokenEndpointAuthMethod",
        "Totp",
        "UnenrolledFactor",
        "User",
        "UserList",
        "UserUpdateBody",
        "VerifyBody",
        "VerifyFactorBody",
        "VerifyType",
        "WeakPassword",
        "admin",
        "bodies",
        "callbacks",
        "codes",
        "endpoints",
        "errors",
        "pkce",
        "read_callback",
        "read_state",
        "requests",
        "responses",
        "urls",
    }
    assert all(hasattr(auth, name) for name in auth.__all__)


@pytest.mark.parametrize("name", ["email", "password", "data"])
def test_null_reads_like_absent(name: str) -> None:
    assert msgspec.json.decode(msgspec.json.encode({name: None}), type=SignupBody) == SignupBody()
