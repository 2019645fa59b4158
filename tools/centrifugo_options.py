"""Records the options of Centrifugo's configuration: ``python tools/centrifugo_options.py PROGRAM``.

Above: a developer with a new Centrifugo; ``tests/gateway/centrifugo`` holds the record against the program it is given.
Below: the program's own ``defaultconfig``. Only names and kinds are kept.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

RECORD = Path(__file__).resolve().parent.parent / "src" / "cadenza" / "gateway" / "centrifugo" / "options.json"
_DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")


def options_of(program: Path) -> dict[str, object]:
    """Ask ``program`` for its options: a tree whose leaves are kinds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "defaults.json"
        subprocess.run([program, "defaultconfig", "-c", file], check=True, capture_output=True, env={}, cwd=folder)  # noqa: S603  # the operator's own program
        return {name: _kind(value) for name, value in sorted(json.loads(file.read_text()).items())}


def text(options: dict[str, object]) -> str:
    """Return the record, one section a line."""
    lines = (f"{json.dumps(name)}: {json.dumps(kinds)}" for name, kinds in options.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _kind(value: object) -> object:
    if isinstance(value, dict) and value:
        return {name: _kind(inner) for name, inner in sorted(value.items())}
    if isinstance(value, dict):
        return "map"
    if isinstance(value, list) or value is None:
        return "list"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    return "duration" if _DURATION.fullmatch(str(value)) else "text"


if __name__ == "__main__":
    RECORD.write_text(text(options_of(Path(sys.argv[1]))))
    print(f"written: {RECORD.name}")
