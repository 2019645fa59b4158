"""The page about limits is held to be true: its table is the defaults, its example is read, its answer is given."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cadenza.backend.config import DEFAULT_PACES
from cadenza.backend.ports import Caller
from cadenza.backend.rates import Limits, MemoryCounts
from cadenza.client.settings import KNOWN_VARIABLES
from cadenza.schema.methods import QUERY_TICKER_LIST
from cadenza.stack.limits import limits_from_environment

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "limit-calls.md").read_text()


def test_its_table_is_the_defaults() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| .* \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert {name: (float(a_second), int(at_once)) for name, a_second, at_once in rows} == {
        str(rate): (pace.per_second, pace.burst) for rate, pace in DEFAULT_PACES.items()
    }


def test_its_variable_is_known_and_its_example_is_read() -> None:
    assert set(re.findall(r"CADENZA_[A-Z_]+", PAGE)) == {"CADENZA_LIMITS"} <= KNOWN_VARIABLES.keys()
    (example,) = re.findall(r"^CADENZA_LIMITS=(.*)$", PAGE, re.MULTILINE)
    assert set(limits_from_environment({"CADENZA_LIMITS": example}).changed) == {
        "queries",
        "command.quote.rfq",
        "joins",
    }


async def test_its_answer_is_the_one_that_is_given() -> None:
    (shown,) = re.findall(r"```json\n(.*?)\n```", PAGE)
    error = json.loads(shown)["error"]
    limits = Limits(limits_from_environment({}), MemoryCounts(monotonic=float))
    burst = DEFAULT_PACES[QUERY_TICKER_LIST.rate].burst
    for _ in range(burst):
        assert await limits.call(QUERY_TICKER_LIST, Caller(user="ann")) is None
    refused = await limits.call(QUERY_TICKER_LIST, Caller(user="ann"))
    assert refused is not None
    assert (refused.code, refused.message, refused.temporary) == (error["code"], error["message"], error["temporary"])
    assert round(refused.retry_after_seconds or 0, 6) == error["retryAfter"]
