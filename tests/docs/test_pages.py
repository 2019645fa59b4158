"""The documentation is held to be true: its programs run, its links lead somewhere, its commands exist."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from cadenza.gateway.centrifugo import document
from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DEADLINE_SECONDS = 30


def programs(page: Path) -> list[str]:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    return [block for block in blocks if "asyncio.run(" in block]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("README.md", [r"^BTC/USDT \d+\.\d+$", r"^\('\d+\.\d+', '\d+\.\d+'\) \('\d+\.\d+', '\d+\.\d+'\)$"]),
        ("docs/tutorial/first-steps.md", [r"^trader@example\.com$", r"^(BUY|SELL) \d+\.?\d* at \d+\.\d+$"]),
    ],
)
async def test_a_pages_program_does_what_it_says(tmp_path: Path, page: str, expected: list[str]) -> None:
    (program,) = programs(ROOT / page)
    (tmp_path / "program.py").write_text(program)
    settings = StackSettings(data_dir=tmp_path / "data", identity_port=0, gateway_port=0, backend_port=0)
    async with asyncio.timeout(DEADLINE_SECONDS), EmbeddedStack(settings) as stack:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CADENZA_", "SUPABASE_"))},
            "CADENZA_WS_URL": stack.ws_url,
            "SUPABASE_URL": stack.supabase_url,
            "CADENZA_DATA_DIR": str(tmp_path / "client"),
            "CADENZA_PASSWORD": stack.ready_user[1],
            "PYTHONUNBUFFERED": "1",
        }
        if "sign_in" not in program:
            await sign_in(environment, stack.ready_user[0])
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            tmp_path / "program.py",
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            assert process.stdout is not None
            waiting, lines = list(expected), list[str]()
            while waiting:
                line = (await process.stdout.readline()).decode()
                assert line, f"ended early, after: {lines}"
                lines.append(line.rstrip("\n"))
                waiting = [pattern for pattern in waiting if not re.match(pattern, lines[-1])]
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def sign_in(environment: dict[str, str], email: str) -> None:
    """Do what the page says comes before: ``cadenza login``."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("cadenza"), "login", "--email", email, env=environment
    )
    assert await process.wait() == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("https:", "http:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", page.read_text()))
        assert named <= targets, f"{page.relative_to(ROOT)} names {named - targets}"


def test_every_test_that_the_threats_name_exists() -> None:
    named, folder = 0, ROOT
    for cell in re.findall(r"\| ([^|]*) \|$", (ROOT / "THREATS.md").read_text(), re.MULTILINE):
        for name in re.findall(r"`([\w/]+\.py)`", cell):
            path = ROOT / name if "/" in name else folder / name
            assert path.is_file(), f"THREATS.md names {name}"
            named, folder = named + 1, path.parent
    assert named > 30


def test_every_threat_names_its_tests() -> None:
    rows = re.findall(r"^\| (?!attack |---)(.*) \|$", (ROOT / "THREATS.md").read_text(), re.MULTILINE)
    assert len(rows) > 20
    for row in rows:
        assert re.search(r"`tests/[\w/]+\.py`", row.rpartition(" | ")[2]), row


def test_the_how_to_shows_the_very_file_that_its_environment_makes() -> None:
    page = (ROOT / "docs/how-to/run-behind-centrifugo.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    exported = dict(re.findall(r"^export (\w+)=(\S+)", page, re.MULTILINE))
    del exported["CADENZA_API_KEY"], exported["CADENZA_PROXY_SECRET"]  # the page shows no secret
    made = centrifugo_config(CentrifugoOptions(), exported)
    assert json.loads(block) == document(made, with_secrets=False)
    assert exported["CADENZA_API_URL"] == made.api_url
