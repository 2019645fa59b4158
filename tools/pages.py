"""Every generated page of the documentation: write them all, or with ``--check`` say which are out of date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent


def main() -> int:
    """Run each page's own generator with the words given."""
    generators = sorted(TOOLS.glob("*_page.py"))
    results = [
        subprocess.run([sys.executable, str(generator), *sys.argv[1:]], check=False).returncode  # noqa: S603
        for generator in generators
    ]
    return int(any(results) or not generators)


if __name__ == "__main__":
    sys.exit(main())
