"""What TLS is spoken with.

Above: ``main``, ``http_server``. Below: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """A certificate (with the chain that leads to it) and its private key, both in PEM, the key without passphrase."""

    certificate: Path
    key: Path
