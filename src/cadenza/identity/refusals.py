"""Refusals in the audit log: written after the answer, many at once, and never in its way.

What is refused has no transaction of its own, and whoever guesses passwords must not wait for, nor be able to fill,
the disk: entries wait in a queue with an end, beyond which they are counted and dropped.

Above: ``app`` tells. Below: ``audit``, ``store``.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from dataclasses import dataclass
from typing import Final

from cadenza.identity.audit import Action, Audit
from cadenza.identity.errors import RefusalError
from cadenza.identity.exchange import Request
from cadenza.identity.oauth_errors import OAuthRefusalError
from cadenza.identity.records import Records
from cadenza.identity.store import Store
from cadenza.protocol.auth import GrantType
from cadenza.protocol.auth.codes import ErrorCode

_LOG: Final = logging.getLogger(__name__)
_MOST_WAITING: Final = 256
_LONGEST_GRANT: Final = 32

#: Refusals that say something about who may come in. What is merely malformed or too frequent is no matter for it.
NOTED: Final = frozenset(
    {
        ErrorCode.BAD_CODE_VERIFIER,
        ErrorCode.BAD_OAUTH_STATE,
        ErrorCode.EMAIL_NOT_CONFIRMED,
        ErrorCode.FLOW_STATE_EXPIRED,
        ErrorCode.FLOW_STATE_NOT_FOUND,
        ErrorCode.INSUFFICIENT_AAL,
        ErrorCode.INVALID_CREDENTIALS,
        ErrorCode.MFA_CHALLENGE_EXPIRED,
        ErrorCode.MFA_IP_ADDRESS_MISMATCH,
        ErrorCode.MFA_VERIFICATION_FAILED,
        ErrorCode.NOT_ADMIN,
        ErrorCode.OTP_EXPIRED,
        ErrorCode.PHONE_NOT_CONFIRMED,
        ErrorCode.REAUTHENTICATION_NOT_VALID,
        ErrorCode.REFRESH_TOKEN_NOT_FOUND,
        ErrorCode.SESSION_EXPIRED,
        ErrorCode.SIGNUP_DISABLED,
        ErrorCode.USER_BANNED,
    }
)


@dataclass(frozen=True, kw_only=True)
class _Refused:
    code: str
    method: str
    path: str
    grant: str
    address: str
    user_id: str | None


class Refusals:
    """Notes them.

    Args:
        store: Where the log is.
        audit: Writes entries.
    """

    def __init__(self, *, store: Store, audit: Audit) -> None:
        self._store = store
        self._audit = audit
        self._waiting: deque[_Refused] = deque()
        self._dropped = 0
        self._writing: asyncio.Task[None] | None = None

    def note(self, request: Request, refusal: RefusalError) -> None:
        """Have a refusal written, soon; it neither waits nor raises."""
        grant = request.query.get("grant_type", "")[:_LONGEST_GRANT]
        # An ID token that is not believed is a wrong password by another name; Supabase Auth has no code for it.
        by_id_token = grant == GrantType.ID_TOKEN and isinstance(refusal, OAuthRefusalError)
        if refusal.error_code not in NOTED and not by_id_token:
            return
        if len(self._waiting) >= _MOST_WAITING:
            self._dropped += 1
            return
        self._waiting.append(
            _Refused(
                code=refusal.error_code.value,
                method=request.method,
                path=request.path,
                grant=grant,
                address=request.address,
                user_id=refusal.user_id,
            )
        )
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="cadenza-identity-refusals")

    async def close(self) -> None:
        """Write what waits."""
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        while self._waiting:
            batch, dropped = tuple(self._waiting), self._dropped
            self._waiting.clear()
            self._dropped = 0
            try:
                await self._store.write(lambda records, b=batch, d=dropped: self._write(records, b, d))  # type: ignore[misc]  # mypy infers no lambda with defaults
            except sqlite3.Error:
                _LOG.warning("%d refusals could not be written to the audit log", len(batch) + dropped)

    def _write(self, records: Records, batch: tuple[_Refused, ...], dropped: int) -> None:
        for refused in batch:
            actor = None if refused.user_id is None else records.users.by_id(refused.user_id)
            traits: dict[str, object] = {"error_code": refused.code, "endpoint": f"{refused.method} {refused.path}"}
            if refused.grant:
                traits["grant_type"] = refused.grant
            self._audit.note(
                records,
                Action.REQUEST_REFUSED,
                actor=actor,
                user_id=refused.user_id,
                # Who is gone by now is not told by where they were.
                address="" if refused.user_id is not None and actor is None else refused.address,
                traits=traits,
            )
        if dropped:
            self._audit.note(records, Action.REQUEST_REFUSED, actor=None, traits={"not_written": dropped})
