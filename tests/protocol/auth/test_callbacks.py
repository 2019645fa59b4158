"""The address a browser comes back to says what happened, and shows nothing of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.errors import IdentityError, ProtocolError
from cadenza.protocol.auth import Callback, read_callback, read_state
from cadenza.protocol.auth.callbacks import CallbackCode, CallbackMessage, CallbackSession


@pytest.fixture
def locations(exchanges: list[dict[str, Any]]) -> dict[str, str]:
    """Every recorded redirect, by name."""
    return {
        exchange["name"]: exchange["response"]["headers"]["Location"]
        for exchange in exchanges
        if "Location" in exchange["response"]["headers"]
    }


def test_a_link_of_the_implicit_flow_yields_a_session(locations: dict[str, str]) -> None:
    session = read_callback(locations["verify_get_signup_link_implicit"])

    assert isinstance(session, CallbackSession)
    assert session.refresh_token == "ozq44kswjslg"
    assert (session.expires_in, session.expires_at, session.kind) == (3600, 1795426702, "signup")


def test_a_provider_hands_its_own_tokens_over(locations: dict[str, str]) -> None:
    session = read_callback(locations["callback_implicit"])

    assert isinstance(session, CallbackSession)
    assert (session.provider_token, session.provider_refresh_token) == ("at-ocdcdb24", "rt-ocdcdb24")


@pytest.mark.parametrize("name", ["verify_get_pkce", "callback_pkce"])
def test_a_flow_with_a_challenge_yields_a_code(name: str, locations: dict[str, str]) -> None:
    assert isinstance(read_callback(locations[name]), CallbackCode)


def test_every_recorded_redirect_with_an_error_is_a_refusal(locations: dict[str, str]) -> None:
    refused = {name: url for name, url in locations.items() if "error=" in url}

    assert len(refused) >= 5
    for url in refused.values():
        with pytest.raises(IdentityError) as caught:
            read_callback(url)
        assert caught.value.error_code in {"otp_expired", "bad_oauth_state", "bad_oauth_callback"}
        assert caught.value.next_step


def test_the_state_of_the_flow_is_read_before_anything_is_believed() -> None:
    assert read_state("http://127.0.0.1:53682/cb?state=s1&code=c") == "s1"
    assert read_state("http://127.0.0.1:53682/cb?state=s1#error=access_denied") == "s1"
    assert read_state("http://127.0.0.1:53682/cb?code=c") == ""
    callback = read_callback("http://127.0.0.1:53682/cb?state=s1&code=c")
    assert callback == CallbackCode(code="c", state="s1")


def test_a_part_of_the_address_will_do_for_who_pastes_it() -> None:
    assert read_callback(" ?code=c \n") == CallbackCode(code="c")
    assert read_callback("#message=Confirmation+link+accepted.&sb=") == CallbackMessage(
        message="Confirmation link accepted."
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1/",
        "http://127.0.0.1/?code=",
        "http://[::1/?code=c",
        "http://127.0.0.1/#access_token=eyJsecret",
        "http://127.0.0.1/#access_token=eyJsecret&refresh_token=r&expires_in=soon&expires_at=1",
        "http://127.0.0.1/#access_token=eyJsecret&refresh_token=r&expires_in=-1&expires_at=1",
        "?code=" + "x" * 40_000,
        "?" + "a=b&" * 100 + "code=c",
    ],
)
def test_another_address_is_told_apart_and_not_quoted(url: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_callback(url)
    assert "eyJsecret" not in f"{caught.value}"


def test_nothing_of_it_shows_in_a_repr(locations: dict[str, str]) -> None:
    for name in ("callback_implicit", "callback_pkce"):
        callback: Callback = read_callback(locations[name])
        assert repr(callback) == f"<{type(callback).__name__}>"


@settings(deadline=None)
@given(st.text() | st.text().map("http://127.0.0.1/#".__add__) | st.text().map("?".__add__))
def test_garbage_raises_only_the_two_errors(url: str) -> None:
    try:
        read_callback(url)
    except (IdentityError, ProtocolError):
        return
