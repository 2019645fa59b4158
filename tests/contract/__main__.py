"""Run the contract suite over every stack and record the result: ``make conformance``.

The record is written only when the real programs took part: CENTRIFUGO_BIN and SUPABASE_AUTH_BIN name them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import conformance_record
from tests.contract.requirements import REQUIREMENTS, STACKS
from tests.support.real import RealPrograms, find_programs

_STACK = re.compile(rf"\[({'|'.join(STACKS)})\b")
_PEERS = ("centrifuge-python", "httpx", "websockets")


class Counts:
    """A pytest plugin that counts outcomes by stack."""

    def __init__(self) -> None:
        self.by_stack: dict[str, Counter[str]] = defaultdict(Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what ended: the call, or a set-up that did not get so far."""
        if report.when == "call" or (report.when == "setup" and not report.passed):
            found = _STACK.search(report.nodeid)
            self.by_stack[found[1] if found else "none"][report.outcome] += 1


def describe(programs: RealPrograms) -> dict[str, Any]:
    """Name the programs by their own words and their binaries' digests."""
    return {
        path.name: {
            "version": _version(path),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in (programs.centrifugo, programs.supabase_auth)
    }


def _version(program: Path) -> str:
    done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=10, check=False)
    words = (done.stdout or done.stderr).strip().splitlines()
    return words[0] if words else "unknown"


def main() -> int:
    """Run, report, record."""
    counts = Counts()
    code = int(pytest.main([str(ROOT / "tests" / "contract"), "-q", *sys.argv[1:]], plugins=[counts]))
    for stack, outcomes in sorted(counts.by_stack.items()):
        print(f"{stack:10} {dict(outcomes)}")
    programs = find_programs(os.environ)
    if isinstance(programs, str):
        print(f"not recorded: {programs}")
        return code
    if code == 0:
        conformance_record.write(
            {
                "date": dt.datetime.now(dt.UTC).date().isoformat(),
                "programs": describe(programs),
                "peers": {name: importlib.metadata.version(name) for name in _PEERS},
                "counts": {stack: dict(outcomes) for stack, outcomes in counts.by_stack.items()},
                "requirements": len(REQUIREMENTS),
                "divergences": [
                    {"requirement": row.id, "stack": stack, "instead": found.instead, "reason": found.reason}
                    for row in REQUIREMENTS
                    for stack, found in row.divergences.items()
                ],
            }
        )
        print(f"recorded in {conformance_record.RECORD.relative_to(ROOT)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
