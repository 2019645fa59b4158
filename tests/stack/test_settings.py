from __future__ import annotations

from pathlib import Path

import pytest

from cadenza.errors import ConfigurationError
from cadenza.schema.access import Guarded
from cadenza.stack.settings import StackSettings, settings_from_environment


def test_an_empty_environment_gives_the_documented_addresses() -> None:
    settings = settings_from_environment({})
    assert (settings.identity_port, settings.gateway_port, settings.backend_port) == (54321, 8000, 8080)
    assert settings.host == "127.0.0.1"
    assert settings.data_dir.name == "cadenza"


def test_options_win_over_the_environment_and_absent_ones_do_not() -> None:
    environ = {
        "CADENZA_DATA_DIR": "/from/environment",
        "CADENZA_ALLOWED_ORIGINS": "https://a.example, https://b.example",
    }
    assert settings_from_environment(environ, data_dir=None).data_dir == Path("/from/environment")
    assert settings_from_environment(environ, data_dir=Path("/from/option")).data_dir == Path("/from/option")
    assert settings_from_environment(environ).allowed_origins == ("https://a.example", "https://b.example")


def test_a_misspelt_variable_is_named_with_the_right_one() -> None:
    with pytest.raises(ConfigurationError, match="CADENZA_DATADIR") as refused:
        settings_from_environment({"CADENZA_DATADIR": "/x"})
    assert "CADENZA_DATA_DIR" in refused.value.next_step


def test_production_refuses_embedded_parts_unless_insisted(tmp_path: Path) -> None:
    environ = {"CADENZA_ENV": "production", "CADENZA_DATA_DIR": str(tmp_path)}
    with pytest.raises(ConfigurationError, match="production") as refused:
        settings_from_environment(environ)
    assert "--allow-production" in refused.value.next_step
    assert settings_from_environment(environ, allow_production=True).environment == "production"


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_names_its_option(tmp_path: Path, port: int) -> None:
    with pytest.raises(ConfigurationError) as refused:
        StackSettings(data_dir=tmp_path, gateway_port=port)
    assert refused.value.setting == "--gateway-port"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "gateway.example", ""])  # noqa: S104  # what is refused
def test_an_address_beyond_loopback_names_its_option_and_the_way_out(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        StackSettings(data_dir=tmp_path, host=host)
    assert refused.value.setting == "--host"
    assert "127.0.0.1" in refused.value.next_step


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_any_address_of_loopback_will_do(tmp_path: Path, host: str) -> None:
    assert StackSettings(data_dir=tmp_path, host=host).host == host


@pytest.mark.parametrize(
    "origin", ["app.example", "https://", "https://app.example/", "https://a.example/page", "null"]
)
def test_what_no_browser_sends_as_origin_is_refused_and_not_silently_useless(tmp_path: Path, origin: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the origin") as refused:
        StackSettings(data_dir=tmp_path, allowed_origins=("https://good.example", origin))
    assert "CADENZA_ALLOWED_ORIGINS" in refused.value.setting


@pytest.mark.parametrize("origin", ["*", "https://app.example", "http://localhost:3000", "https://*.app.example"])
def test_an_origin_and_a_pattern_of_origins_are_taken(tmp_path: Path, origin: str) -> None:
    assert StackSettings(data_dir=tmp_path, allowed_origins=(origin,)).allowed_origins == (origin,)


def test_what_goes_beyond_the_access_rules_is_read_for_the_embedded_stack(tmp_path: Path) -> None:
    environ = {"CADENZA_SECOND_FACTOR_FOR": "orders, wallets", "CADENZA_OAUTH_CLIENTS": "app-1,app-2"}
    settings = settings_from_environment({"CADENZA_DATA_DIR": str(tmp_path), **environ})
    assert settings.second_factor_for == {Guarded.ORDERS, Guarded.WALLETS}
    assert settings.oauth_clients == {"app-1", "app-2"}


def test_a_second_factor_for_what_there_is_not_is_refused_and_not_silently_useless(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'order'") as refused:
        settings_from_environment({"CADENZA_DATA_DIR": str(tmp_path), "CADENZA_SECOND_FACTOR_FOR": "order"})
    assert refused.value.setting == "CADENZA_SECOND_FACTOR_FOR"
    assert "orders" in refused.value.next_step
