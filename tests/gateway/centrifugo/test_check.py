"""`check`: each fault is named with its row, and the change it tells to make is the one that mends it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.gateway.centrifugo.mending import mended

from cadenza.gateway.centrifugo import CentrifugoConfig, Finding, Level, Wanted, check, document, read_file, text
from cadenza.gateway.centrifugo import secret_environment as secrets_of

Document = dict[str, Any]
Fault = Callable[[Document], None]


@pytest.fixture
def wanted(config: CentrifugoConfig) -> Wanted:
    return Wanted(config=config, known=True)


@pytest.fixture
def good(config: CentrifugoConfig, tmp_path: Path) -> Document:
    """The generated file, as it is read."""
    return through_a_file(document(config), tmp_path)


def through_a_file(made: Any, folder: Path) -> Document:
    file = folder / "centrifugo.json"
    file.write_text(text(made))
    read: Document = read_file(file)
    return read


def put(path: str, value: Any) -> Fault:
    """A fault: an option has this value. An element of a list is named by its name."""

    def fault(made: Document) -> None:
        *above, last = path.split("/")
        here: Any = made
        for word in above:
            here = next(e for e in here if e["name"] == word) if isinstance(here, list) else here.setdefault(word, {})
        here[last] = value

    return fault


def on(path: str) -> Fault:
    return put(path, value=True)


def off(path: str) -> Fault:
    return put(path, value=False)


def without(path: str) -> Fault:
    """A fault: an option is not there."""

    def fault(made: Document) -> None:
        *above, last = path.split("/")
        here: Any = made
        for word in above:
            here = next(e for e in here if e["name"] == word) if isinstance(here, list) else here[word]
        if isinstance(here, list):
            here[:] = [element for element in here if element["name"] != last]
        else:
            del here[last]

    return fault


def both(*faults: Fault) -> Fault:
    def fault(made: Document) -> None:
        for one in faults:
            one(made)

    return fault


TOKEN, SPACE, RPC, SUB = "client/token", "channel/namespaces", "rpc/proxy", "channel/proxy/subscribe"
HEADER = "http/static_headers/x-cadenza-proxy-secret"
D, B, A = Level.DANGER, Level.BROKEN, Level.ADVICE

FAULTS: dict[str, tuple[Fault, Level, str]] = {
    # whose tokens are believed
    "any issuer": (without(f"{TOKEN}/issuer"), D, "A4"),
    "any audience": (put(f"{TOKEN}/audience", ""), D, "A4"),
    "another issuer": (put(f"{TOKEN}/issuer", "https://other.supabase.co/auth/v1"), B, "A4"),
    "another audience": (put(f"{TOKEN}/audience", "anon"), B, "A4"),
    "issuers by a pattern": (both(without(f"{TOKEN}/issuer"), put(f"{TOKEN}/issuer_regex", "^https")), D, "A15"),
    "audiences by a pattern": (put(f"{TOKEN}/audience_regex", ".*"), D, "A15"),
    "keys by a template": (put(f"{TOKEN}/jwks_public_endpoint", "https://{{realm}}.example/jwks"), D, "A15"),
    "no check of templates": (on(f"{TOKEN}/insecure_skip_jwks_endpoint_safety_check"), D, "A15"),
    "keys in the open": (put(f"{TOKEN}/jwks_public_endpoint", "http://ref.supabase.co/jwks"), D, "F1"),
    "keys from the provider": (put(f"{TOKEN}/jwks_public_endpoint", "https://ref.supabase.co/jwks"), A, "A1"),
    "a shared secret": (
        both(without(f"{TOKEN}/jwks_public_endpoint"), put(f"{TOKEN}/hmac_secret_key", "super-secret")), D, "A5",
    ),
    "one fixed key": (
        both(without(f"{TOKEN}/jwks_public_endpoint"), put(f"{TOKEN}/ecdsa_public_key", "PEM")), B, "E10",
    ),
    "no keys": (without(f"{TOKEN}/jwks_public_endpoint"), B, "E10"),
    "a key beside the key set": (put(f"{TOKEN}/hmac_secret_key", "super-secret"), A, "4 Keys"),
    "another claim for the user": (put(f"{TOKEN}/user_id_claim", "email"), D, "4 Keys"),
    "tokens without a user": (without("client/disallow_anonymous_connection_tokens"), D, "A5"),
    "subscription tokens": (on("client/subscription_token/enabled"), D, "A11"),
    # who may connect
    "insecure clients": (on("client/insecure"), D, "4 Keys"),
    "insecure, as text": (put("client/insecure", "TRUE"), D, "4 Keys"),
    "insecure, as a number": (put("client/insecure", 1), D, "4 Keys"),
    "no signatures": (on("client/insecure_skip_token_signature_verify"), D, "4 Keys"),
    "a header names the user": (put("client/user_id_http_header", "X-User"), D, "4 Keys"),
    "no sign-in over the socket": (off("client/allow_anonymous_connect_without_token"), B, "4 Keys"),
    "a connect proxy": (on("client/proxy/connect/enabled"), B, "A13"),
    "a refresh proxy": (on("client/proxy/refresh/enabled"), B, "A14"),
    "any origin": (put("client/allowed_origins", ["*"]), D, "3 CSWSH"),
    "any origin of a scheme": (put("client/allowed_origins", ["https://app.example", "https://*"]), D, "3 CSWSH"),
    "any origin, as one text": (put("client/allowed_origins", "*"), D, "3 CSWSH"),
    "an origin left out": (put("client/allowed_origins", ["https://two.example"]), B, "3 CSWSH"),
    "one call at a time": (without("client/concurrency"), A, "4 RPC proxy"),
    "connects without a bound": (without("client/connection_rate_limit"), A, "A3"),
    "no server time": (without("client/connect_include_server_time"), A, "A9"),
    "a second's grace": (put("client/expired_close_delay", "1s"), A, "B4"),
    # the way to the backend
    "calls go nowhere": (without("rpc/without_namespace"), B, "4 RPC proxy"),
    "no endpoint": (without(f"{RPC}/endpoint"), B, "4 Unified model"),
    "gRPC": (put(f"{SUB}/endpoint", "grpc://127.0.0.1:9"), B, "4 Unified model"),
    "a wrong path": (put(f"{SUB}/endpoint", "http://127.0.0.1:8080/centrifugo"), B, "4 Unified model"),
    "no address at all": (put(f"{SUB}/endpoint", "http://["), B, "4 Unified model"),
    "another backend": (put(f"{RPC}/endpoint", "http://127.0.0.1:8081/proxy/rpc"), A, "4 Unified model"),
    "passwords in the open": (put(f"{RPC}/endpoint", "http://backend.example/proxy/rpc"), D, "3 ASVS V4.4.1"),
    "no secret": (without(f"{RPC}/http"), D, "3 ASVS V4.1.3"),
    "a short secret": (put(f"{SUB}/{HEADER}", "secret"), D, "3 ASVS V4.1.3"),
    "another secret": (put(f"{SUB}/{HEADER}", "0123456789abcdef"), B, "3 ASVS V4.1.3"),
    "a backend that is not known": (put(f"{RPC}/http/tls", {"insecure_skip_verify": True}), D, "3 ASVS V4.4.1"),
    "no meta": (off(f"{RPC}/include_connection_meta"), B, "A7"),
    "no address handed on": (without(f"{SUB}/http_headers"), A, "E7"),
    "the secret from a client": (
        put(f"{RPC}/http_headers", ["X-Forwarded-For", "X-Cadenza-Proxy-Secret"]), D, "3 ASVS V4.1.3",
    ),
    "the address from a client": (put(f"{RPC}/emulated_headers", ["x-forwarded-for"]), D, "3 ASVS V4.1.3"),
    "Centrifugo's own second": (without(f"{RPC}/timeout"), B, "4 RPC proxy"),
    "less than a second": (put(f"{SUB}/timeout", "800ms"), B, "4 RPC proxy"),
    "nanoseconds": (put(f"{SUB}/timeout", 4000), B, "4 RPC proxy"),
    "longer than anybody waits": (put(f"{SUB}/timeout", "1m30s"), A, "4 RPC proxy"),
    "a named proxy without the secret": (
        both(
            put("proxies", [{"name": "mine", "endpoint": "http://127.0.0.1:8080/proxy/rpc", "timeout": "4s",
                             "include_connection_meta": True, "http_headers": ["X-Forwarded-For"]}]),
            put("rpc/without_namespace/proxy_name", "mine"),
        ), D, "3 ASVS V4.1.3",
    ),
    # the channels
    "no market": (without(f"{SPACE}/market"), B, "4 Subscribe order"),
    "no namespaces": (without("channel/namespaces"), B, "4 Subscribe order"),
    "no presence of sessions": (without(f"{SPACE}/session/presence"), B, "E8"),
    "no recovery": (without(f"{SPACE}/market/force_recovery"), B, "D4"),
    "a short history": (put(f"{SPACE}/tradingAccount/history_size", 10), B, "D4"),
    "history for a moment": (put(f"{SPACE}/market/history_ttl", "10s"), B, "D4"),
    "subscriptions that nobody allows": (off(f"{SPACE}/tradingAccount/subscribe_proxy_enabled"), B, "A11"),
    "anybody subscribes": (on(f"{SPACE}/market/allow_subscribe_for_anonymous"), D, "4 Subscribe order"),
    "any user subscribes": (on("channel/without_namespace/allow_subscribe_for_client"), D, "4 Subscribe order"),
    "users publish": (on(f"{SPACE}/market/allow_publish_for_subscriber"), D, "4 Subscribe order"),
    "users see sessions": (on(f"{SPACE}/session/allow_presence_for_client"), D, "4 Subscribe order"),
    "subscribers see the past": (on(f"{SPACE}/market/allow_history_for_subscriber"), A, "4 Subscribe order"),
    "user-limited channels": (on("channel/without_namespace/allow_user_limited_channels"), D, "A12"),
    "a publish proxy": (on(f"{SPACE}/market/publish_proxy_enabled"), B, "4 Unified model"),
    "another boundary": (put("channel/namespace_boundary", "/"), B, "4 Subscribe order"),
    # what operators reach
    "an insecure server API": (on("http_api/insecure"), D, "4 Keys"),
    "no server API": (on("http_api/disabled"), B, "4 HTTP API"),
    "a short key": (put("http_api/key", "key"), D, "4 HTTP API"),
    "another key": (put("http_api/key", "0123456789abcdef"), B, "4 HTTP API"),
    "no key here": (without("http_api"), A, "4 HTTP API"),
    "metrics for everybody": (without("http_server"), D, "4 Metrics"),
    "the server API for everybody": (both(without("http_server/internal_port"), without("prometheus")), A, "4 Metrics"),
    "operators' port on every address": (put("http_server/internal_address", "0.0.0.0"), A, "4 Metrics"),  # noqa: S104
    "the server API outside": (on("http_api/external"), A, "4 HTTP API"),
    "tokens in the open": (put("http_server/address", "0.0.0.0"), A, "3 ASVS V4.4.1"),  # noqa: S104
    "an open admin page": (on("admin/insecure"), D, "4 Keys"),
    "the admin page outside": (put("admin", {"enabled": True, "external": True}), D, "4 Keys"),
    "gRPC without a key": (on("grpc_api/enabled"), D, "4 HTTP API"),
    "profiles": (on("debug/enabled"), A, "4 Metrics"),
    "tokens in the log": (put("log/level", "trace"), D, "3 Privacy"),
    "no health": (without("health"), A, "4 Metrics"),
    "a Redis that is not known": (on("engine/redis/tls/insecure_skip_verify"), D, "3 ASVS V4.4.1"),
    "no WebSocket": (on("websocket/disabled"), B, "4 Keys"),
    "compression": (on("websocket/compression"), A, "3 RFC 7692"),
    "tokens in addresses": (on("uni_sse/enabled"), A, "H1"),
    "a broker that forgets": (put("broker", {"enabled": True, "type": "nats"}), B, "D4"),
    # names
    "a misspelt option": (on("client/allow_anonymous_connect_without_tokens"), B, "4 Keys"),
    "a misspelt one of a namespace": (on(f"{SPACE}/market/alow_publish_for_client"), B, "4 Keys"),
    "an option of another program": (put("realtime/max_size", 1), A, "4 Keys"),
}  # fmt: skip


def worst(findings: tuple[Finding, ...]) -> Finding:
    assert findings
    return findings[0]


@pytest.mark.parametrize("with_secrets", [True, False])
def test_what_we_write_has_no_finding(
    config: CentrifugoConfig, wanted: Wanted, tmp_path: Path, *, with_secrets: bool
) -> None:
    made = through_a_file(document(config, with_secrets=with_secrets), tmp_path)
    assert check(made, wanted, {} if with_secrets else secrets_of(config)) == ()
    assert check(made, Wanted(config=config, known=False), {} if with_secrets else secrets_of(config)) == ()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_and_its_change_mends_it(good: Document, wanted: Wanted, name: str) -> None:
    """Rows A1, A3, A4, A5, A7, A9, A11, A12, A13, A14, A15, B4, D4, E7, E8, E10, F1 and the facts of Centrifugo."""
    fault, level, row = FAULTS[name]
    made = copy.deepcopy(good)
    fault(made)
    found = check(made, wanted, {})
    assert (level, row) in {(finding.level, finding.row) for finding in found}
    assert worst(found).level is level
    file, environ = mended(made, {}, found)
    expected = msgspec.structs.replace(wanted.config, api_key=None, proxy_secret=None)
    after = check(file, Wanted(config=expected, known=True), environ)
    # A secret that the change leaves to the environment is all that may be left to say.
    assert [finding.where for finding in after if finding.level is not Level.ADVICE] == []
    assert all("X-Cadenza-Proxy-Secret" in finding.where for finding in after)


def test_everything_wrong_at_once_is_mended_at_once(good: Document, wanted: Wanted) -> None:
    made = json.loads(text({"client": {"insecure": True, "allowed_origins": ["*"]}, "admin": {"insecure": True}}))
    found = check(made, wanted, {})
    assert len(found) > 15
    assert [finding.level for finding in found] == sorted((finding.level for finding in found), key=list(Level).index)
    file, environ = mended(made, {}, found)
    assert (
        check(
            file,
            Wanted(config=msgspec.structs.replace(wanted.config, api_key=None), known=True),
            {**environ, **{name: value for name, value in secrets_of(wanted.config).items() if "VAR" in name}},
        )
        == ()
    )


def test_no_finding_repeats_a_secret(good: Document, wanted: Wanted) -> None:
    secrets = {"http_api/key": "key-of-theirs", f"{RPC}/{HEADER}": "secret-of-them", f"{TOKEN}/hmac_secret_key": "hs"}
    made = copy.deepcopy(good)
    for path, value in secrets.items():
        put(path, f"{value}-never-shown")(made)
    put("client/passwort", "never-shown")(made)
    found = check(made, wanted, {})
    said = msgspec.json.encode(found).decode() + " ".join(map(str, found))
    assert len(found) >= 4
    for secret in ("never-shown", wanted.config.api_key, wanted.config.proxy_secret):
        assert str(secret) not in said


@pytest.mark.parametrize(
    ("variable", "value", "row"),
    [
        ("CENTRIFUGO_CLIENT_INSECURE", "true", "4 Keys"),
        ("CENTRIFUGO_CLIENT_TOKEN_ISSUER", "https://other.example", "A4"),
        ("CENTRIFUGO_CLIENT_TOKEN_ISSUER_REGEX", ".*", "A15"),
        ("CENTRIFUGO_CLIENT_ALLOWED_ORIGINS", "https://app.example *", "3 CSWSH"),
        ("CENTRIFUGO_CHANNEL_NAMESPACES_TRADINGACCOUNT_ALLOW_SUBSCRIBE_FOR_CLIENT", "1", "4 Subscribe order"),
        ("CENTRIFUGO_CHANNEL_NAMESPACES", '[{"name": "market"}]', "4 Subscribe order"),
        ("CENTRIFUGO_CHANNEL_NAMESPACES", "market other", "4 Subscribe order"),
        ("CENTRIFUGO_RPC_PROXY_HTTP_STATIC_HEADERS", '{"X-Other": "1"}', "3 ASVS V4.1.3"),
        ("CENTRIFUGO_RPC_PROXY_TIMEOUT", "500ms", "4 RPC proxy"),
        ("CENTRIFUGO_HTTP_API_KEY", "short", "4 HTTP API"),
        ("CENTRIFUGO_CLIENT_CONCURENCY", "4", "4 Keys"),
    ],
)
def test_the_environment_goes_before_the_file(
    good: Document, wanted: Wanted, variable: str, value: str, row: str
) -> None:
    environ = {variable: value}
    found = check(good, wanted, environ)
    assert row in {finding.row for finding in found}
    assert f"Unset {variable}" in " ".join(map(str, found))
    file, environ = mended(good, environ, found)
    environ.pop("CENTRIFUGO_HTTP_API_KEY", None)
    assert check(file, wanted, environ) == ()


def test_what_others_put_into_the_environment_is_left_alone(good: Document, wanted: Wanted) -> None:
    environ = {
        "CENTRIFUGO_PORT_8000_TCP": "tcp://10.0.0.1:8000", "CENTRIFUGO_SERVICE_HOST": "10.0.0.1",
        "CENTRIFUGO_VAR_MINE": "x", "CENTRIFUGO_BIN": "/usr/bin/centrifugo", "CENTRIFUGO_CLIENT_INSECURE": "",
    }  # fmt: skip
    assert check(good, wanted, environ) == ()


def test_a_variable_of_the_operators_is_put_into_the_header(good: Document, wanted: Wanted) -> None:
    put(f"{RPC}/{HEADER}", "${CENTRIFUGO_VAR_MINE}")(good)
    assert check(good, wanted, {"CENTRIFUGO_VAR_MINE": str(wanted.config.proxy_secret)}) == ()
    assert worst(check(good, wanted, {"CENTRIFUGO_VAR_MINE": "0123456789abcdef"})).level is Level.BROKEN


def test_headers_may_be_a_list_of_pairs(good: Document, wanted: Wanted) -> None:
    pairs = [{"key": "X-Cadenza-Proxy-Secret", "value": wanted.config.proxy_secret}]
    put(f"{RPC}/http/static_headers", pairs)(good)
    assert check(good, wanted, {}) == ()


def test_without_settings_nothing_is_wrong_for_being_other(good: Document, wanted: Wanted) -> None:
    put(f"{TOKEN}/issuer", "https://other.example")(good)
    put(f"{TOKEN}/jwks_public_endpoint", "https://other.example/jwks")(good)
    unknown = Wanted(config=msgspec.structs.replace(wanted.config, api_key=None, proxy_secret=None), known=False)
    assert check(good, unknown, {}) == ()
