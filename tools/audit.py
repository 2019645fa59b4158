"""Ask the advisory services about every locked dependency, and say how many could really be asked.

``pip-audit`` and ``npm audit`` answer "nothing found" also when the service knew none of the packages or could not be
reached. A clean answer about nothing is no answer, so what was not audited is counted and printed; with
``AUDIT=required`` (where the services are known to be reachable) it fails.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def run(command: list[str], cwd: Path) -> dict[str, Any] | None:
    """Run an auditor that prints JSON; None when it printed none."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603  # fixed words
    start = done.stdout.find("{")
    if start < 0:
        return None
    try:
        answer: dict[str, Any] = json.loads(done.stdout[start:])
    except ValueError:
        return None
    return answer


def audit_python(lock: Path) -> tuple[int, int, list[str]]:
    """Return (asked, not asked, findings) for one requirements file."""
    listed = sum(1 for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#")))
    answer = run(
        [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "-f", "json", "-r", str(lock)], ROOT
    )
    if answer is None:
        return 0, listed, []
    asked = [row for row in answer["dependencies"] if "skip_reason" not in row]
    skipped = len(answer["dependencies"]) - len(asked)
    findings = [
        f"{row['name']} {row['version']}: {', '.join(vuln['id'] for vuln in row['vulns'])}"
        for row in asked
        if row["vulns"]
    ]
    return len(asked), skipped, findings


def audit_node(folder: Path) -> tuple[int, int, list[str]]:
    """Return (asked, not asked, findings) for one package-lock.json."""
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    listed = len([name for name in packages if name])
    npm = shutil.which("npm")
    answer = run([npm, "audit", "--json"], folder) if npm else None
    if answer is None or "vulnerabilities" not in answer:
        return 0, listed, []
    findings = [f"{name}: {row['severity']}" for name, row in answer["vulnerabilities"].items()]
    return listed, 0, findings


def main() -> int:
    """Audit every lock file; non-zero on a finding, or on silence where an answer is required."""
    required = os.environ.get("AUDIT") == "required"
    failed = False
    for name, (asked, skipped, findings) in {
        "requirements/dev.txt": audit_python(ROOT / "requirements" / "dev.txt"),
        "tests/js/package-lock.json": audit_node(ROOT / "tests" / "js"),
    }.items():
        for finding in findings:
            print(f"VULNERABLE {name}: {finding}")
        if skipped:
            print(f"NOT AUDITED {name}: {skipped} of {asked + skipped} packages; the advisory service did not answer")
        else:
            print(f"audited {name}: {asked} packages, {len(findings)} findings")
        failed = failed or bool(findings) or (required and skipped > 0)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
