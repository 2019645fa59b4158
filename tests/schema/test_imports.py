"""The room needs msgspec and the error tree, nothing else: it is part of the bare install."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import cadenza.schema

#: Imports every module of the room in an interpreter of its own and prints what that loaded beyond msgspec, which
#: itself takes typing_extensions where that is installed.
_PROGRAM: Final = """
import importlib, json, pkgutil, sys
import msgspec
before = set(sys.modules)
import cadenza.schema
for module in pkgutil.iter_modules(cadenza.schema.__path__):
    importlib.import_module("cadenza.schema." + module.name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def _loaded() -> set[str]:
    # -I: neither the environment nor the working folder adds to the path.
    done = subprocess.run(
        [sys.executable, "-I", "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    return {*json.loads(done.stdout)}


def test_room_loads_only_msgspec_and_the_error_tree() -> None:
    loaded = _loaded()
    ours = {name for name in loaded if name.partition(".")[0] == "cadenza"}
    files = {path.stem for path in Path(cadenza.schema.__file__).parent.glob("*.py")} - {"__init__"}
    assert ours == {"cadenza", "cadenza._version", "cadenza.errors", "cadenza.schema"} | {
        f"cadenza.schema.{stem}" for stem in files
    }
    others = {name.partition(".")[0] for name in loaded} - {"cadenza"} - {*sys.stdlib_module_names}
    assert others <= {"msgspec"}
