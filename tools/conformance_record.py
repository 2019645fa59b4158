"""``docs/conformance.json``: what the contract suite showed, against which programs, for which state of the rooms.

``--check`` warns when the rooms have changed since; it fails only when the record is missing or unreadable, because the
real programs are not at hand everywhere. ``python -m tests.contract`` writes it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "conformance.json"
#: What the suite exercises: a change in one of these makes the record stale.
ROOMS = ("backend", "client", "gateway", "identity", "protocol", "schema", "stack", "tokens")


def rooms_digest() -> str:
    """Return a digest of every source file of the rooms, and of the suite itself."""
    digest = hashlib.sha256()
    folders = [ROOT / "src" / "cadenza" / room for room in ROOMS] + [ROOT / "tests" / "contract"]
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def write(record: dict[str, Any]) -> None:
    """Write the record beside the digest of the rooms as they are."""
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps({**record, "roomsDigest": rooms_digest()}, indent=1, sort_keys=True) + "\n")


def main() -> int:
    """Check the record."""
    try:
        record = json.loads(RECORD.read_text())
        digest, date = record["roomsDigest"], record["date"]
    except (OSError, ValueError, KeyError) as broken:
        print(f"{RECORD.relative_to(ROOT)} cannot be read ({type(broken).__name__}); write it with: make conformance")
        return 1
    if digest != rooms_digest():
        print(f"WARNING: the conformance record of {date} is stale: the rooms have changed since. Renew it with:")
        print("         CENTRIFUGO_BIN=... SUPABASE_AUTH_BIN=... make conformance")
    return 0


if __name__ == "__main__":
    sys.exit(main())
