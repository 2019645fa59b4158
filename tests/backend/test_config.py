"""Settings that cannot work are refused by name, and the secret shows nowhere."""

from typing import Any

import pytest

from cadenza.backend.config import AttemptLimits, BackendConfig, PaperConfig
from cadenza.errors import ConfigurationError

SECRET = "0123456789abcdef"


@pytest.mark.parametrize(
    ("kind", "values", "setting"),
    [
        (BackendConfig, {"proxy_secret": ""}, "proxy_secret"),
        (BackendConfig, {"proxy_secret": "short"}, "proxy_secret"),
        (BackendConfig, {"proxy_secret": "with spaces in its middle"}, "proxy_secret"),
        (BackendConfig, {"proxy_secret": "sixteen-or-more-é"}, "proxy_secret"),
        (BackendConfig, {"proxy_secret": "sixteen-or-more-\n"}, "proxy_secret"),
        (BackendConfig, {"max_body_bytes": 0}, "max_body_bytes"),
        (BackendConfig, {"publish_queue": 0}, "publish_queue"),
        (BackendConfig, {"trusted_proxies": ("localhost",)}, "trusted_proxies"),
        (BackendConfig, {"trusted_proxies": ("10.0.0.1/8",)}, "trusted_proxies"),
        (PaperConfig, {"book_updates_per_second": -1}, "book_updates_per_second"),
        (PaperConfig, {"book_updates_per_second": float("nan")}, "book_updates_per_second"),
        (PaperConfig, {"book_updates_per_second": float("inf")}, "book_updates_per_second"),
        (PaperConfig, {"bar_updates_per_second": 0}, "bar_updates_per_second"),
        (PaperConfig, {"bars_kept": 0}, "bars_kept"),
        (AttemptLimits, {"account_burst": 0}, "account_burst"),
        (AttemptLimits, {"address_burst": 0}, "address_burst"),
        (AttemptLimits, {"account_refill_seconds": 0}, "account_refill_seconds"),
        (AttemptLimits, {"address_refill_seconds": -1}, "address_refill_seconds"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(kind: Any, values: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(**values)
    assert caught.value.setting == setting
    assert "short" not in str(caught.value).replace("shorter", "")


def test_the_secret_does_not_show() -> None:
    config = BackendConfig(proxy_secret=SECRET)
    assert SECRET not in repr(config)
    assert SECRET not in str(config)


def test_the_defaults_are_allowed_and_frozen() -> None:
    config = BackendConfig()
    with pytest.raises(AttributeError):
        config.max_body_bytes = 1  # type: ignore[misc]  # that it cannot be done is what is tested
