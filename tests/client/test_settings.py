"""Where the client connects, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from cadenza.client.settings import (
    DEFAULT_SUPABASE_URL,
    DEFAULT_WS_URL,
    KNOWN_VARIABLES,
    Addresses,
    Environment,
    default_data_dir,
    is_loopback,
    read_environment,
    refuse_unknown_variables,
    resolve_addresses,
)
from cadenza.errors import ConfigurationError


def resolve(
    ws_url: str | None = None,
    supabase_url: str | None = None,
    *,
    environment: Environment | None = None,
    stored: Addresses | None = None,
    allow_insecure: bool = False,
) -> Addresses:
    return resolve_addresses(
        ws_url=ws_url,
        supabase_url=supabase_url,
        environment=environment or Environment(),
        stored=stored,
        allow_insecure=allow_insecure,
    )


def test_nothing_given_leads_to_the_embedded_stack() -> None:
    assert resolve() == Addresses(ws_url=DEFAULT_WS_URL, supabase_url=DEFAULT_SUPABASE_URL)


def test_nothing_given_but_a_stored_session_leads_where_the_session_was_made() -> None:
    stored = Addresses(ws_url="wss://live.example/connection/websocket", supabase_url="https://auth.example")
    assert resolve(stored=stored) == stored


def test_environment_wins_over_the_stored_session_and_arguments_over_the_environment() -> None:
    environment = Environment(ws_url="wss://env.example/ws", supabase_url="https://env.example")
    stored = Addresses(ws_url="wss://stored.example/ws", supabase_url="https://stored.example")
    assert resolve(environment=environment, stored=stored) == Addresses(
        ws_url="wss://env.example/ws", supabase_url="https://env.example"
    )
    assert resolve("wss://arg.example/ws", environment=environment, stored=stored) == Addresses(
        ws_url="wss://arg.example/ws", supabase_url="https://env.example"
    )


def test_one_given_address_takes_the_other_from_the_session_made_with_it_only() -> None:
    stored = Addresses(ws_url="wss://live.example/ws", supabase_url="https://auth.example")
    assert resolve("wss://live.example/ws", stored=stored) == stored
    assert resolve(supabase_url="https://auth.example/auth/v1", stored=stored) == stored
    assert resolve("wss://other.example/ws", stored=stored).supabase_url is None
    assert resolve("ws://127.0.0.1:9/ws", stored=stored).supabase_url == DEFAULT_SUPABASE_URL


def test_stored_addresses_are_checked_like_any_other() -> None:
    with pytest.raises(ConfigurationError, match="unencrypted"):
        resolve(stored=Addresses(ws_url="ws://live.example/ws", supabase_url=None))


def test_a_gateway_alone_beyond_this_machine_leaves_sign_in_to_the_websocket() -> None:
    assert resolve("wss://live.example/ws").supabase_url is None


def test_a_gateway_alone_on_this_machine_has_the_embedded_provider_beside_it() -> None:
    assert resolve("ws://127.0.0.1:9000/connection/websocket").supabase_url == DEFAULT_SUPABASE_URL


def test_a_provider_alone_beyond_this_machine_asks_for_the_gateway() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(supabase_url="https://abc.supabase.co")
    assert caught.value.setting == "CADENZA_WS_URL"


@pytest.mark.parametrize(
    "given",
    ["https://a.example", "https://a.example/", "https://a.example/auth/v1", "https://a.example/auth/v1/"],
)
def test_supabase_url_may_end_in_the_auth_path_already(given: str) -> None:
    assert resolve("wss://g.example/ws", given).supabase_url == "https://a.example"


def test_a_gateway_without_a_path_gets_centrifugos() -> None:
    assert resolve("wss://g.example", "https://a.example").ws_url == "wss://g.example/connection/websocket"


@pytest.mark.parametrize(
    ("ws_url", "supabase_url", "setting"),
    [
        ("ws://live.example/ws", "https://a.example", "ws_url"),
        ("wss://live.example/ws", "http://a.example", "supabase_url"),
        ("ws://10.0.0.7/ws", None, "ws_url"),
        ("ws://127.0.0.1.evil.example/ws", None, "ws_url"),
    ],
)
def test_unencrypted_addresses_beyond_this_machine_are_refused(
    ws_url: str, supabase_url: str | None, setting: str
) -> None:
    with pytest.raises(ConfigurationError, match="unencrypted") as caught:
        resolve(ws_url, supabase_url)
    assert caught.value.setting == setting
    assert resolve(ws_url, supabase_url, allow_insecure=True).ws_url == ws_url


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/", "ws://[::1]:8000/x", "http://localhost:3", "ws://127.9.9.9/"])
def test_loopback_is_recognised(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["ws://localhost.example/", "ws://0.0.0.0/", "ws://[::2]/", "ws:///x", "nonsense"])
def test_what_only_looks_like_loopback_is_not(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize("url", ["live.example", "http://live.example", "ws://", "ws://h:notaport/", "ws://h:99999/"])
def test_a_bad_gateway_address_names_its_setting(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(environment=Environment(ws_url=url))
    assert caught.value.setting == "CADENZA_WS_URL"


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve("wss://ann:hunter22@live.example/ws")
    assert "hunter22" not in str(caught.value)


def test_the_environment_is_read_once_with_supabases_own_names() -> None:
    environment = read_environment(
        {
            "SUPABASE_URL": "https://a.example",
            "SUPABASE_ANON_KEY": "anon",
            "CADENZA_WS_URL": "wss://g.example/ws",
            "CADENZA_DATA_DIR": "/data",
            "CADENZA_ISSUER": "",
            "HOME": "/home/ann",
        }
    )
    assert environment == Environment(
        ws_url="wss://g.example/ws", supabase_url="https://a.example", anon_key="anon", data_dir=Path("/data")
    )
    assert "anon" not in repr(environment)


def test_the_publishable_key_wins_over_the_older_anon_key() -> None:
    assert read_environment({"SUPABASE_ANON_KEY": "old", "SUPABASE_PUBLISHABLE_KEY": "new"}).anon_key == "new"


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("CADENZA_WSURL", "CADENZA_WS_URL"), ("CADENZA_DATADIR", "CADENZA_DATA_DIR"), ("CADENZA_ISUER", "CADENZA_ISSUER")],
)
def test_an_unknown_variable_is_an_error_that_names_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=near) as caught:
        read_environment({wrong: "x"})
    assert caught.value.setting == wrong


def test_known_and_foreign_variables_pass() -> None:
    refuse_unknown_variables(dict.fromkeys(KNOWN_VARIABLES, "x") | {"PATH": "/bin", "cadenza_lower": "x"})


def test_the_data_folder_is_the_given_one_or_the_platforms() -> None:
    assert default_data_dir(Environment(data_dir=Path("/data"))) == Path("/data")
    assert default_data_dir(Environment()).name == "cadenza"
