"""Who may call each method and join each channel: the contract's scope, and what ``decisions.md`` settles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from cadenza.schema.access import Access, Guarded
from cadenza.schema.channels import CHANNELS
from cadenza.schema.methods import METHODS, Kind

_RPC: Final = Path(__file__).resolve().parent.parent / "data" / "schema" / "rpc.json"
SCOPES: Final[dict[str, str]] = {entry["method"]: entry["scope"] for entry in json.loads(_RPC.read_text())["methods"]}

#: ``rpc.json`` guesses a scope for each method (``scope_inferred``).
RULE_OF_SCOPE: Final = {
    "any": Access.ANONYMOUS,
    "market-read": Access.USER,
    "account-read": Access.OWNER,
    "account-trade": Access.OWNER,
    "account-manage": Access.OWNER,
    "credential-read": Access.OWNER,
    "credential-manage": Access.OWNER,
    "wallet-read": Access.OWNER,
    "wallet-manage": Access.OWNER,
    "service-or-admin": Access.SERVICE,
    "dealer-manage": Access.ADMIN,
}
#: "admin" in the API's own pages (reference/cadenza-api.md, roles).
NARROWER: Final = {
    "command.fermata.wallet.freeze": Access.ADMIN,
    "command.fermata.wallet.unfreeze": Access.ADMIN,
    "command.fermata.wallet.close": Access.ADMIN,
}


@pytest.mark.parametrize("name", sorted(SCOPES))
def test_method_of_the_contract_is_open_to_whom_its_scope_says(name: str) -> None:
    assert METHODS[name].access is NARROWER.get(name, RULE_OF_SCOPE[SCOPES[name]])


def test_nothing_is_open_to_all_but_sign_in_and_the_two_of_system() -> None:
    """``design/decisions.md``, "Access token over the WebSocket": ``*.auth.*`` and these two, nothing else."""
    open_to_all = {name for name, method in METHODS.items() if method.access is Access.ANONYMOUS}
    sign_in = {name for name in METHODS if name.split(".")[1] == "auth"}
    assert open_to_all == sign_in | {"query.system.info", "query.system.check"}
    assert len(sign_in) == 20


def test_saving_syncing_and_switching_instruments_needs_the_service_role() -> None:
    """``design/decisions.md``, "Access"."""
    last = {name: name.rpartition(".")[2] for name in METHODS}
    for_service = {name for name, action in last.items() if action in {"save", "sync"}}
    for_service |= {f"command.instrument.{action}" for action in ("enable", "disable", "delete")}
    assert len(for_service) == 14
    assert {METHODS[name].access for name in for_service} == {Access.SERVICE}


def test_commands_on_credentials_orders_and_wallets_may_want_a_second_factor_and_nothing_else() -> None:
    """``design/decisions.md``, "Access"; those that only machines may call are left out."""
    areas = {"credential": Guarded.CREDENTIALS, "trade_order": Guarded.ORDERS, "fermata.wallet": Guarded.WALLETS}
    for name, method in METHODS.items():
        area = next((guarded for area, guarded in areas.items() if f".{area}." in name), None)
        by_people = method.kind is Kind.COMMAND and method.access is not Access.SERVICE
        assert method.guarded is (area if by_people else None), name
    assert sum(method.guarded is not None for method in METHODS.values()) == 11


def test_channel_of_an_account_is_its_owners_and_market_channels_are_any_users() -> None:
    rules = {pattern.pattern: pattern.access for pattern in CHANNELS}
    assert rules.pop("tradingAccount:{accountId}") is Access.OWNER
    assert {*rules.values()} == {Access.USER}
    assert all(name.startswith("market:") for name in rules)
