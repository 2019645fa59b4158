"""What the figures were taken on: machine, versions, revision; nothing that names a host, a user or a folder.

Above: ``__main__``. Below: the system.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.record import ROOT, Machine

_PACKAGES = (
    "cadenza", "centrifuge-python", "cryptography", "joserfc", "msgspec", "picows", "PyJWT", "uvicorn", "uvloop",
    "websockets",
)  # fmt: skip
_WATCHED_SECONDS = 1.0


def describe_machine() -> Machine:
    """Describe the machine, and how busy others keep it now."""
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        cpu=_cpu_model(),
        cores=os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        others_percent=_others_percent(),
    )


def versions() -> dict[str, str]:
    """Versions of Python and of what takes part; a program that is not given is not there."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        found[package] = importlib.metadata.version(package)
    program = os.environ.get("CENTRIFUGO_BIN")
    if program:
        found["centrifugo"] = _words(program, "version").partition("\n")[0]
    if os.environ.get("SUPABASE_AUTH_BIN"):
        found["supabase-auth"] = _words(os.environ["SUPABASE_AUTH_BIN"], "version").partition("\n")[0] or "unknown"
    return found


def revision() -> str:
    """Name the commit, with ``+`` when the working tree differs."""
    commit = _words("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    changed = _words("git", "-C", str(ROOT), "status", "--porcelain", "--", "src", "benchmarks")
    return commit + "+" * bool(changed)


def _words(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _others_percent() -> float | None:
    """Watch the machine for a second, doing nothing ourselves; None where there is no /proc."""
    before = all_cores()
    time.sleep(_WATCHED_SECONDS)
    after = all_cores()
    return None if before is None or after is None else round(100 * after.busy_share(before), 1)


@dataclass(frozen=True)
class AllCores:
    """CPU seconds of all cores together since the machine started."""

    busy: float
    whole: float

    def busy_share(self, before: AllCores, without: float = 0.0) -> float:
        """Share of all cores that was busy since ``before``, ``without`` so many CPU seconds of our own."""
        return max(0.0, self.busy - before.busy - without) / max(1e-9, self.whole - before.whole)


def all_cores() -> AllCores | None:
    """Read it; None where there is no /proc."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    ticks = [int(word) for word in stat.read_text().partition("\n")[0].split()[1:9]]
    whole, idle = sum(ticks), ticks[3] + ticks[4]
    hertz = os.sysconf("SC_CLK_TCK")
    return AllCores((whole - idle) / hertz, whole / hertz)
