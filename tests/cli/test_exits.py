"""Which error becomes which exit code; scripts rely on it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from cadenza import errors
from cadenza.cli.exits import MEANINGS, Exit, exit_for


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), Exit.USAGE),
        (errors.ConfigurationError("x", setting="--data-dir"), Exit.USAGE),
        (errors.ValidationError("x", field="depth"), Exit.USAGE),
        (errors.TokenFormatError("x"), Exit.USAGE),
        (errors.SignInRequiredError("x"), Exit.SIGN_IN_REQUIRED),
        (errors.SessionRevokedError("x"), Exit.SIGN_IN_REQUIRED),
        (errors.TokenExpiredError("x"), Exit.SIGN_IN_REQUIRED),
        (errors.TokenInvalidError("x"), Exit.SIGN_IN_REQUIRED),
        (errors.AccessDeniedError("x"), Exit.REFUSED),
        (errors.IdentityError("x", status=400, error_code="invalid_credentials"), Exit.REFUSED),
        (errors.IdentityError("x", status=429, temporary=True), Exit.TEMPORARY),
        (errors.IdentityError("x", status=403, error_code="session_not_found"), Exit.SIGN_IN_REQUIRED),
        (errors.KeysUnavailableError("x"), Exit.TEMPORARY),
        (errors.TransportError("x"), Exit.TEMPORARY),
        (errors.DeadlineExceededError("x"), Exit.TEMPORARY),
        (errors.DisconnectedError("x", code=3503, reason="forced", temporary=False), Exit.FAILED),
        (errors.MessageTooBigError("x", limit_bytes=65536), Exit.FAILED),
        (errors.GatewayError("x", code=100, temporary=True), Exit.TEMPORARY),
        (errors.GatewayError("x", code=103), Exit.REFUSED),
        (errors.SubscriptionError("x", channel="market:nothing", code=102), Exit.USAGE),
        (errors.GapError("x", channel="market:ticker:PAPER"), Exit.FAILED),
        (errors.RpcError("x", code=26001), Exit.SIGN_IN_REQUIRED),
        (errors.RpcError("x", code=26007), Exit.SIGN_IN_REQUIRED),
        (errors.RpcError("x", code=26002), Exit.REFUSED),
        (errors.RpcError("x", code=26005), Exit.REFUSED),
        (errors.RpcError("x", code=26008, temporary=True), Exit.TEMPORARY),
        (errors.RpcError("x", code=22015, field="depth"), Exit.USAGE),
        (errors.RpcError("x", code=19003), Exit.USAGE),
        (errors.RpcError("x", code=18016), Exit.FAILED),
        (errors.ProtocolError("x"), Exit.FAILED),
        (errors.SessionStoreError("x", location="/nowhere"), Exit.FAILED),
    ],
    ids=lambda value: value.name if isinstance(value, Exit) else f"{type(value).__name__}-{value.code}",
)
def test_each_kind_of_failure_has_its_own_exit_code(error: errors.CadenzaError, code: Exit) -> None:
    assert exit_for(error) is code


def test_every_exit_code_has_a_meaning_and_every_number_is_used_once() -> None:
    assert set(MEANINGS) == set(Exit)
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 5, 130]


def test_no_error_of_the_tree_ends_a_command_as_a_success() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.CadenzaError)]
    assert len(kinds) > 20
    demanded: dict[type, dict[str, Any]] = {
        errors.ClockSkewError: {"offset_seconds": 60.0},
        errors.IdentityError: {"status": 400},
        errors.NotOfferedError: {"status": 404},
        errors.SessionStoreError: {"location": "/nowhere"},
        errors.DisconnectedError: {"code": 3503, "reason": "forced", "temporary": False},
        errors.MessageTooBigError: {"limit_bytes": 65536},
        errors.ProcessError: {"program": "centrifugo"},
        errors.RpcError: {"code": 22000},
        errors.RateLimitedError: {"code": 22020},
        errors.SubscriptionError: {"channel": "market:ticker:PAPER"},
        errors.GapError: {"channel": "market:ticker:PAPER"},
    }
    for kind in kinds:
        assert exit_for(kind("x", **demanded.get(kind, {}))) is not Exit.OK
