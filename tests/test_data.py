"""The copies in ``tests/data`` are what was recorded: by digest everywhere, and to the byte where ``../shared`` exists.

So nothing is skipped in a clone that stands alone, and a copy that was edited is found there too.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
SHARED = ROOT.parent / "shared"
#: Copy, and what it is a copy of.
COPIES = {
    **{f"schema/{name}.json": f"contract/{name}.json" for name in ("rpc", "models", "enums", "channels")},
    **{
        f"gateway/{name}": f"reference/{name}"
        for name in (
            "centrifugo-transcripts.jsonl",
            "centrifugo-auth-matrix.txt",
            "client-protocol.json",
            "centrifugo-config/centrifugo-A.json",
            "centrifugo-config/centrifugo-B.json",
            "centrifugo-config/centrifugo-C.json",
        )
    },
    "identity/supabase-auth-exchanges.jsonl": "reference/supabase-auth-exchanges.jsonl",
    **{
        f"identity/supabase-auth-config/gotrue-G{number}.env": f"reference/supabase-auth-config/gotrue-G{number}.env"
        for number in (1, 2, 3, 4)
    },
    "tokens/centrifugo-auth-matrix.txt": "reference/centrifugo-auth-matrix.txt",
}
#: Cut out of a file, whole lines as they stand there.
EXCERPTS = {
    "protocol/centrifugo-codes.md": "reference/centrifugo.md",
}
#: Made from the recordings; ``tests/tokens/test_recorded.py`` makes it again.
DERIVED = {"tokens/supabase-tokens.json"}
#: Ours: what is done with the recordings, and why.
OURS = {"SHA256SUMS", "gateway/replay.json", "identity/README.md", "identity/replay.json"}


def digests() -> dict[str, str]:
    lines = (DATA / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


@pytest.mark.parametrize("name", sorted({*COPIES, *EXCERPTS, *DERIVED}))
def test_a_recording_is_as_it_was_copied(name: str) -> None:
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digests()[name]
    if not SHARED.is_dir():
        return  # the digest has said it
    if name in COPIES:
        assert (DATA / name).read_bytes() == (SHARED / COPIES[name]).read_bytes()
    elif name in EXCERPTS:
        whole = (SHARED / EXCERPTS[name]).read_text().splitlines()
        assert set((DATA / name).read_text().splitlines()) <= set(whole)


def test_every_file_is_accounted_for() -> None:
    files = {str(path.relative_to(DATA)) for path in DATA.rglob("*") if path.is_file()}
    assert files == {*COPIES, *EXCERPTS, *DERIVED, *OURS}
    assert digests().keys() == {*COPIES, *EXCERPTS, *DERIVED}
