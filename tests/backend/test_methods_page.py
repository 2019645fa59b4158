"""docs/reference/methods.md says what the schema and the router say."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.backend.conftest import META

from cadenza.schema.channels import CHANNELS
from cadenza.schema.methods import METHODS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("methods_page", ROOT / "tools" / "methods_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(page: str) -> dict[str, list[str]]:
    found = {}
    for line in page.splitlines():
        match = re.match(r"\| `([a-z_.]+)` \| ", line)
        if match:
            found[match[1]] = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[2:-1]]
    return found


def test_the_page_is_up_to_date(page_tool: ModuleType) -> None:
    assert page_tool.PAGE.read_text() == page_tool.render(), "run: .venv/bin/python tools/methods_page.py"
    assert page_tool.main(["--check"]) == 0


def test_every_method_has_one_row_that_says_whether_it_is_served(page_tool: ModuleType, backend: Any) -> None:
    listed = rows(page_tool.render())
    assert listed.keys() == METHODS.keys()
    for name, (served, *_) in listed.items():
        assert served == ("yes" if name in backend.router.served else "not yet")


async def test_what_the_page_calls_not_served_answers_18016(page_tool: ModuleType, rpc: Any) -> None:
    for name, (served, *_) in rows(page_tool.render()).items():
        error = (await rpc(name, {}, meta=META | {"role": "admin"})).get("error", {})
        assert (error.get("code") == 18016) is (served == "not yet")


def test_a_row_names_parameters_and_data(page_tool: ModuleType) -> None:
    listed = rows(page_tool.render())
    assert listed["command.auth.login"][1:] == [
        "anyone",
        "-",
        "sign-in",
        "email!: `email`, password!: `string`",
        "`AuthSession`",
    ]
    assert listed["query.system.info"][4] == "-"
    assert "venue: `Venue`" in listed["query.ticker.list"][4]
    assert listed["query.ticker.list"][5] == "`Ticker[]`"
    assert listed["command.trade_order.submit"][1:3] == ["owner", "orders"]
    assert listed["query.portfolio.list"][5] == "`Portfolio[]`, paged"


def test_the_page_says_of_every_channel_who_may_join_and_what_it_carries(page_tool: ModuleType) -> None:
    page = page_tool.render()
    for channel in CHANNELS:
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{channel.pattern}` |"))
        assert f"| {channel.access.name.lower()} |" in row
    assert "| `event.instrument.updated`, `event.security.updated` |" in page
