"""What every test has: the repository's root on the import path, so that ``tests.support`` is found."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# Hypothesis stops a slow example by the wall clock; on a busy machine that fails a test for nothing it did.
settings.register_profile("cadenza", deadline=None)
settings.load_profile("cadenza")
