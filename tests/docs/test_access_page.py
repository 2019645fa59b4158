"""The page about access is held to be true: its rules are those there are, and what it shows is what is printed."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cadenza.cli import main
from cadenza.client.settings import KNOWN_VARIABLES
from cadenza.identity.access_token_hook import HOOK_URI, hook_sql
from cadenza.schema.access import Access, Guarded
from cadenza.tokens.signer import Signer, SigningKey

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "control-access.md").read_text()


def shown_in(page: str) -> Mapping[str, str]:
    """The pairs of the page's example."""
    (block,) = re.findall(r"\$ cadenza explain [^\n]*\n(.*?)```", page, re.DOTALL)
    return dict(re.split(r"  +", line, maxsplit=1) for line in block.splitlines())


def test_it_names_every_rule_every_setting_and_the_hook() -> None:
    for access in Access:
        assert re.search(rf"^\| {access.name.lower()} \|", PAGE, re.MULTILINE), access
    named = set(re.findall(r"CADENZA_[A-Z_]+", PAGE))
    assert named == {"CADENZA_SECOND_FACTOR_FOR", "CADENZA_OAUTH_CLIENTS"}
    assert named <= KNOWN_VARIABLES.keys()
    assert f"CADENZA_SECOND_FACTOR_FOR={','.join(Guarded)}" in PAGE
    assert HOOK_URI in PAGE
    assert "function public.cadenza_claims(claims jsonb)" in hook_sql()


def test_its_explanation_is_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown = shown_in(PAGE)
    user = shown["For"].partition(",")[0]
    meta = {"session_id": "s1", "aal": "aal1", "role": "authenticated"}
    claims: dict[str, Any] = {"sub": user, "session_id": "s1", "aal": "aal1", "exp": int(time.time()) + 600}
    token = tmp_path / "token.txt"
    token.write_text(Signer(SigningKey.generate("ES256")).sign({**claims, "meta": meta}))
    with token.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["explain", shown["Method"], "--as", "-"]) == 4
    lines = capsys.readouterr().out.splitlines()
    printed = dict(re.split(r"  +", line, maxsplit=1) for line in lines[: lines.index("")])
    assert shown.items() - {("To mend it", shown["To mend it"])} <= printed.items()
    assert printed["To mend it"].startswith(shown["To mend it"].removesuffix("(...)").strip())
