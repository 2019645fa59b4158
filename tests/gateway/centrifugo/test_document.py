"""The file: nothing in it that Centrifugo does not know, nothing insecure, no secret where none was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cadenza.backend import SECRET_HEADER as BACKENDS_HEADER
from cadenza.backend.app import JWKS_PATH as BACKENDS_KEYS
from cadenza.errors import ConfigurationError
from cadenza.gateway import Namespace
from cadenza.gateway.centrifugo import SECRET_HEADER, CentrifugoConfig, document, secret_environment, text
from cadenza.gateway.centrifugo.config import JWKS_PATH
from cadenza.gateway.centrifugo.document import duration
from cadenza.stack.channels import NAMESPACES


def written(config: CentrifugoConfig, **options: Any) -> dict[str, Any]:
    """The document as Centrifugo reads it."""
    made: dict[str, Any] = json.loads(text(document(config, **options)))
    return made


def leaves(value: Any, path: str = "") -> Mapping[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    return {name: leaf for key, inner in value.items() for name, leaf in leaves(inner, f"{path}.{key}").items()}


def test_header_and_path_are_those_of_the_backend() -> None:
    assert SECRET_HEADER == BACKENDS_HEADER
    assert JWKS_PATH == BACKENDS_KEYS


def test_issuer_and_audience_are_exact_and_keys_alone_verify(config: CentrifugoConfig) -> None:
    """A4, A5, A15."""
    client = written(config)["client"]
    assert client["token"] == {
        "jwks_public_endpoint": "http://127.0.0.1:8080/.well-known/jwks.json",
        "issuer": config.issuer,
        "audience": config.audience,
    }  # fmt: skip
    assert client["disallow_anonymous_connection_tokens"] is True
    assert client["allow_anonymous_connect_without_token"] is True


def test_nothing_insecure_is_written_and_no_client_has_a_right(config: CentrifugoConfig) -> None:
    """A12, A13, A14 and the rights of anonymous clients: none of the options is even named."""
    for path, value in leaves(written(config)).items():
        assert "insecure" not in path
        assert not path.startswith((".client.proxy", ".admin", ".debug", ".grpc_api"))
        namespaces = value if path == ".channel.namespaces" else []
        assert not any(option.startswith("allow_") for namespace in namespaces for option in namespace)


def test_both_proxies_carry_the_secret_the_meta_and_the_address(config: CentrifugoConfig) -> None:
    """A7, and ASVS V4.1.3."""
    made = written(config)
    for proxy in (made["rpc"]["proxy"], made["channel"]["proxy"]["subscribe"]):
        assert proxy["http"]["static_headers"] == {SECRET_HEADER: config.proxy_secret}
        assert proxy["include_connection_meta"] is True
        assert proxy["http_headers"] == ["X-Forwarded-For"]
        assert proxy["timeout"] == "4s"
    unheard = written(msgspec.structs.replace(config, forward_client_address=False))
    assert "http_headers" not in unheard["rpc"]["proxy"]


def test_the_namespaces_are_those_of_the_embedded_gateway(config: CentrifugoConfig) -> None:
    """D4, and presence of sessions, by which one is ended (E8)."""
    made = {space.pop("name"): space for space in written(config)["channel"]["namespaces"]}
    assert made.keys() == NAMESPACES.keys()
    assert made["session"] == {"presence": True}
    for name in ("market", "tradingAccount"):
        assert made[name] == {
            "history_size": 300, "history_ttl": "300s", "force_recovery": True, "subscribe_proxy_enabled": True,
        }  # fmt: skip


def test_operators_ports_are_not_the_clients(config: CentrifugoConfig) -> None:
    made = written(config)
    assert made["http_server"] == {
        "address": "127.0.0.1", "port": 8000, "internal_address": "127.0.0.1", "internal_port": "9000",
    }  # fmt: skip
    assert config.api_url == "http://127.0.0.1:9000/api"
    everywhere = msgspec.structs.replace(config, internal_address="::")
    assert everywhere.api_url == "http://127.0.0.1:9000/api"
    assert msgspec.structs.replace(config, internal_address="fd00::1").api_url == "http://[fd00::1]:9000/api"


def test_a_file_without_secrets_names_where_they_are(config: CentrifugoConfig) -> None:
    config = msgspec.structs.replace(config, redis_url="rediss://u:the-password@redis.example/0")
    bare = text(document(config, with_secrets=False))
    for secret in ("the-key-of-the-api", "the-secret-between-both", "the-password"):
        assert secret not in bare
        assert secret in text(document(config))
    assert secret_environment(config) == {
        "CENTRIFUGO_HTTP_API_KEY": "the-key-of-the-api",
        "CENTRIFUGO_VAR_CADENZA_PROXY_SECRET": "the-secret-between-both",
        "CENTRIFUGO_ENGINE_REDIS_ADDRESS": "rediss://u:the-password@redis.example:6379/0",
    }


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://127.0.0.1", "redis://127.0.0.1:6379"),
        ("redis://127.0.0.1:7000/", "redis://127.0.0.1:7000"),
        ("redis+sentinel://s:26379?sentinel_master_name=m", "redis+sentinel://s:26379?sentinel_master_name=m"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_a_redis_address_is_written_as_centrifugo_reads_it(config: CentrifugoConfig, url: str, address: str) -> None:
    made = written(msgspec.structs.replace(config, redis_url=url))
    assert made["engine"] == {"type": "redis", "redis": {"address": [address]}}


@pytest.mark.parametrize(
    ("seconds", "written_as"), [(300.0, "300s"), (0.25, "0.25s"), (2_592_000.0, "2592000s"), (1.0, "1s")]
)
def test_times_are_written_as_go_reads_them(seconds: float, written_as: str) -> None:
    assert duration(seconds) == written_as


def test_every_option_of_a_namespace_has_centrifugos_name() -> None:
    every = {field.name: True if field.type is bool else 7 for field in msgspec.structs.fields(Namespace)}
    known = json.loads((Path(__file__).parents[3] / "src/cadenza/gateway/centrifugo/options.json").read_text())
    options = known["channel"]["without_namespace"]
    for name in every:
        assert name.removesuffix("_seconds") in options


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"issuer": ""}, "issuer"),
        ({"audience": ""}, "audience"),
        ({"backend_url": "https://{{tenant}}.example"}, "backend_url"),
        ({"backend_url": "ftp://x"}, "backend_url"),
        ({"backend_url": "http://user:secret@x"}, "backend_url"),
        ({"backend_url": "http://[x"}, "backend_url"),
        ({"api_key": "short"}, "api_key"),
        ({"proxy_secret": "a line\nend of 16 bytes"}, "proxy_secret"),
        ({"proxy_secret": "${CENTRIFUGO_VAR_X}1234"}, "proxy_secret"),
        ({"port": 0}, "port"),
        ({"internal_port": 70_000}, "internal_port"),
        ({"internal_port": 8000}, "internal_port"),
        ({"allowed_origins": ("*",)}, "allowed_origins"),
        ({"redis_url": "http://x"}, "redis_url"),
        ({"redis_url": "redis://a b"}, "redis_url"),
    ],
)
def test_what_cannot_be_safe_is_refused_by_name(config: CentrifugoConfig, change: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        msgspec.structs.replace(config, **change)
    assert refused.value.setting == setting
    assert "secret" not in str(refused.value).replace("proxy_secret", "")


def test_secrets_are_not_in_a_representation(config: CentrifugoConfig) -> None:
    shown = f"{config!r} {config.__rich_repr__()}"
    assert "the-key" not in shown
    assert "the-secret" not in shown
