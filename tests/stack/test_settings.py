from __future__ import annotations

from pathlib import Path

import pytest

from cadenza.errors import ConfigurationError
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
