"""What the access token says to gateway and backend beside Supabase Auth's own claims: ``meta`` and ``channels``.

The embedded provider puts them there itself; the real one does by a hook, whose SQL stands beside this file and says
the same. Above: ``access_tokens``, ``cli.identity``. Below: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Final

__all__ = ["HOOK_URI", "hook_sql", "meta_of", "session_channel"]

#: What Supabase Auth calls it by.
HOOK_URI: Final = "pg-functions://postgres/public/cadenza_access_token"
_SQL: Final = "access_token_hook.sql"


def hook_sql() -> str:
    """The SQL of the hook for a real Supabase Auth."""
    return resources.files("cadenza.identity").joinpath(_SQL).read_text(encoding="utf-8")


def meta_of(session_id: str, aal: str, role: str, app_metadata: Mapping[str, object]) -> dict[str, str]:
    """The ``meta`` claim, whole: the gateway keeps an old one where a new token has none (row A8).

    Rights come from ``app_metadata``, which only the provider writes; without one, from the role in PostgreSQL.
    """
    meta = {"session_id": session_id, "aal": aal, "role": _text(app_metadata, "role") or role}
    tenant = _text(app_metadata, "tenant")
    return {**meta, "tenant": tenant} if tenant else meta


def session_channel(session_id: str) -> str:
    """The channel by which a session's sockets are found."""
    return f"session:{session_id}"


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
