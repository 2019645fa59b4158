"""Keys that come from outside, instead of being made and kept in the data folder.

Above: ``main``. Below: nothing. Neither shows what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Secret:
    """A text that is not shown. Empty: there is none."""

    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.text)

    def __repr__(self) -> str:
        return "<Secret>" if self.text else "<no Secret>"


@dataclass(frozen=True, kw_only=True, repr=False)
class GivenKeys:
    """Private JWKs, in the form of Supabase Auth's ``GOTRUE_JWT_KEYS``: exactly one has ``sign`` in its ``key_ops``."""

    jwks: tuple[Mapping[str, object], ...]

    def __repr__(self) -> str:
        return f"<{len(self.jwks)} GivenKeys>"
