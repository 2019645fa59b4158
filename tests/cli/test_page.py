"""The reference page of the command line is what the commands' help says."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from cadenza.cli.exits import Exit

_ROOT = Path(__file__).resolve().parents[2]


def _rendered() -> str:
    spec = importlib.util.spec_from_file_location("cli_page", _ROOT / "tools" / "cli_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page: str = module.render()
    return page


def test_the_page_is_up_to_date() -> None:
    written = (_ROOT / "docs" / "reference" / "cli.md").read_text()
    assert written == _rendered(), "run: .venv/bin/python tools/cli_page.py"


def test_the_page_has_every_verb_and_every_exit_code() -> None:
    page = _rendered()
    for verb in (
        "up",
        "demo",
        "login",
        "logout",
        "whoami",
        "inbox",
        "call",
        "watch",
        "methods",
        "channels",
        "completion",
        "token inspect",
    ):
        assert f"\n## cadenza {verb}\n" in page
    for code in Exit:
        assert f"\n| {int(code)} | " in page


def test_the_order_book_in_the_readme_is_what_watch_draws() -> None:
    tool = [sys.executable, str(_ROOT / "tools" / "readme_page.py"), "--check"]
    ran = subprocess.run(tool, capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
