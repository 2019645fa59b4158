from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from cadenza.errors import ConfigurationError
from cadenza.schema.access import Guarded
from cadenza.stack.external import ExternalBackend, external_settings_from_environment
from cadenza.stack.outgoing import http_client, server_api_url

WHOLE = {
    "SUPABASE_URL": "https://ref.supabase.co",
    "CADENZA_WS_URL": "wss://gateway.example/connection/websocket",
    "CADENZA_API_KEY": "key-of-the-server-api",
    "CADENZA_PROXY_SECRET": "secret-between-the-two",
}


def test_the_rest_follows_from_four_variables() -> None:
    settings = external_settings_from_environment(WHOLE)
    assert settings.auth_url == "https://ref.supabase.co/auth/v1"
    assert settings.issuer == "https://ref.supabase.co/auth/v1"
    assert settings.jwks_url == "https://ref.supabase.co/auth/v1/.well-known/jwks.json"
    assert settings.api_url == "https://gateway.example/api"
    assert settings.audience == "authenticated"


def test_a_provider_elsewhere_is_named_apart() -> None:
    settings = external_settings_from_environment(
        WHOLE
        | {
            "CADENZA_ISSUER": "http://127.0.0.1:9999",
            "CADENZA_JWKS_URL": "http://127.0.0.1:9999/.well-known/jwks.json",
            "CADENZA_AUDIENCE": "other",
        }
    )
    assert settings.issuer == "http://127.0.0.1:9999"
    assert settings.jwks_url == "http://127.0.0.1:9999/.well-known/jwks.json"
    assert settings.audience == "other"


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        external_settings_from_environment({key: value for key, value in WHOLE.items() if key != name})
    assert refused.value.setting == name


@pytest.mark.parametrize("name", ["SUPABASE_URL", "CADENZA_JWKS_URL"])
@pytest.mark.parametrize("url", ["ref.supabase.co", "https://", "ftp://ref.supabase.co", "http://[", "nonsense"])
def test_an_address_that_is_none_names_its_variable(name: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as refused:
        external_settings_from_environment(WHOLE | {name: url})
    assert refused.value.setting == name


@pytest.mark.parametrize("name", ["CADENZA_API_KEY", "SUPABASE_PUBLISHABLE_KEY"])
@pytest.mark.parametrize("key", ["two\nlines", "schlüssel", "nul\x00"])
def test_a_key_that_fits_no_header_is_refused_at_the_start_and_not_shown(name: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as refused:
        external_settings_from_environment(WHOLE | {name: key})
    assert key not in str(refused.value)


def test_the_header_that_tells_the_provider_an_address_is_named_by_the_operator() -> None:
    """E7: without it, everybody who signs in over the WebSocket has one share of the provider's limits."""
    assert external_settings_from_environment(WHOLE).address_header is None
    named = external_settings_from_environment(WHOLE | {"CADENZA_ADDRESS_HEADER": "X-Forwarded-For"})
    assert named.address_header == "X-Forwarded-For"


@pytest.mark.parametrize("name", ["X Forwarded", "X:", "X\r\nY", "ä", "x" * 65])
def test_a_header_that_is_none_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(ConfigurationError, match="CADENZA_ADDRESS_HEADER"):
        external_settings_from_environment(WHOLE | {"CADENZA_ADDRESS_HEADER": name})


@pytest.mark.parametrize(("text", "port"), [("", 8080), ("0", 0), ("9090", 9090)])
def test_the_port_is_that_of_the_environment(text: str, port: int) -> None:
    assert external_settings_from_environment(WHOLE).port == 8080
    assert external_settings_from_environment(WHOLE | {"PORT": text}).port == port


@pytest.mark.parametrize("text", ["80x", "-1", "65536", "8080.0", "9" * 5000])
def test_a_port_that_is_none_is_an_error_and_never_another_port(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        external_settings_from_environment(WHOLE | {"PORT": text})
    assert refused.value.setting == "PORT"
    assert len(str(refused.value)) < 200


def test_no_secret_shows_in_the_settings() -> None:
    shown = repr(external_settings_from_environment(WHOLE))
    assert "key-of-the-server-api" not in shown
    assert "secret-between-the-two" not in shown


@pytest.mark.parametrize("url", ["https://gateway.example", "gateway.example", "ws:///x", "ws://[", ""])
def test_what_is_no_websocket_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        server_api_url(url)


@pytest.mark.parametrize(
    ("changed", "proxied"),
    [
        ({}, (True, True)),
        ({"SUPABASE_URL": "http://127.0.0.1:54321"}, (False, True)),
        ({"CADENZA_WS_URL": "ws://localhost:8000/connection/websocket"}, (True, False)),
        ({"CADENZA_WS_URL": "ws://[::1]:8000/connection/websocket"}, (True, False)),
    ],
)
async def test_the_environments_proxy_counts_but_never_for_this_machine(
    changed: Mapping[str, str], proxied: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    settings = external_settings_from_environment({**WHOLE, **changed})
    asked: list[str] = []

    async def refuse(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        asked.append("proxy" if "Proxy" in type(self._pool).__name__ else "direct")
        return httpx.Response(204)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", refuse)
    async with http_client((settings.auth_url, settings.jwks_url, settings.api_url)) as http:
        await http.get(settings.auth_url)
        await http.get(settings.api_url)

    assert asked == ["proxy" if through else "direct" for through in proxied]


def test_what_goes_beyond_the_access_rules_is_read() -> None:
    environ = {**WHOLE, "CADENZA_SECOND_FACTOR_FOR": "credentials", "CADENZA_OAUTH_CLIENTS": "app-1"}
    settings = external_settings_from_environment(environ)
    assert settings.second_factor_for == {Guarded.CREDENTIALS}
    assert settings.oauth_clients == {"app-1"}


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match="SUPABASE_URL, CADENZA_WS_URL, CADENZA_API_KEY, CADENZA_PROXY_SECRET"):
        external_settings_from_environment({})


def test_what_is_being_replaced_is_read_and_does_not_show_and_is_reminded_of() -> None:
    previous = {"CADENZA_API_KEY_PREVIOUS": "key-before", "CADENZA_PROXY_SECRET_PREVIOUS": "secret-before-this-one"}
    settings = external_settings_from_environment(WHOLE | previous)
    assert (settings.previous_api_key, settings.previous_proxy_secret) == tuple(previous.values())
    assert [name in warning for name, warning in zip(previous, settings.warnings, strict=True)] == [True, True]
    assert not any(secret in f"{settings}{settings.warnings}" for secret in previous.values())
    assert external_settings_from_environment(WHOLE).warnings == ()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "backend.internal"])  # noqa: S104 - what is tried
def test_beyond_loopback_a_name_is_needed(host: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        external_settings_from_environment(WHOLE, host=host)
    assert refused.value.setting == "--host"
    named = external_settings_from_environment(
        {**WHOLE, "CADENZA_ALLOWED_HOSTS": "backend.internal, [fd00::5]", "CADENZA_TRUSTED_PROXIES": "10.0.0.0/8"},
        host=host,
    )
    assert (named.allowed_hosts, named.trusted_proxies) == (("backend.internal", "[fd00::5]"), ("10.0.0.0/8",))
    assert named.warnings == ()


@pytest.mark.parametrize("name", ["backend.internal:8080", "http://backend", "a b", "fd00::5", "x" * 300])
def test_a_host_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not the name of a host"):
        external_settings_from_environment(WHOLE, allowed_hosts=(name,))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CADENZA_PROXY_SECRET", "short"),
        ("CADENZA_PROXY_SECRET_PREVIOUS", "short"),
        ("CADENZA_TRUSTED_PROXIES", "the-gateway"),
    ],
)
async def test_what_the_backend_refuses_is_named_by_its_variable_before_a_port_is_taken(name: str, value: str) -> None:
    settings = external_settings_from_environment(WHOLE | {name: value}, host="192.0.2.1", allowed_hosts=("backend",))
    with pytest.raises(ConfigurationError) as refused:
        await ExternalBackend(settings).__aenter__()
    assert refused.value.setting == name
