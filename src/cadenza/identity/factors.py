"""Second factors: enrolled, challenged, proved, removed. The rules are Supabase Auth's (``internal/api/mfa.go``).

A factor counts once its first code was right. That code raises the session it came over to ``aal2``, ends the user's
sessions that are lower, and drops what else was begun. Ours beside it: a code works once, and wrong ones make guessing
slower by user and address.

Above: ``handlers.factors``. Below: ``records``, ``sessions``, ``totp``, ``sealing``, ``attempts``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from cadenza.identity import factor_errors as errors
from cadenza.identity import totp
from cadenza.identity.agent import Agent
from cadenza.identity.attempts import Attempts
from cadenza.identity.audit import Action, Audit
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError, session_not_found, unexpected_failure
from cadenza.identity.ids import uuid_of
from cadenza.identity.records import ChallengeRow, FactorRow, Records, SessionRow, UserRow
from cadenza.identity.sealing import Vault
from cadenza.identity.sessions import Caller, Opened, Sessions
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.protocol.auth import (
    EnrolFactorBody,
    EnrolledFactor,
    ErrorCode,
    FactorChallenge,
    FactorStatus,
    FactorType,
    Session,
    Totp,
    UnenrolledFactor,
    VerifyFactorBody,
)

_AAL2: Final = "aal2"
_LONGEST_CODE: Final = 64


class Factors:
    """See the module.

    Args:
        config: Whether, and how many.
        store: Where they are kept.
        vault: Seals their secrets.
        sessions: Raises and lowers them.
        audit: Notes it.
        attempts: Counts wrong codes.
        clock: Seconds since the epoch.
        new_id: Makes ids.
        random_bytes: Makes secrets.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        vault: Vault,
        sessions: Sessions,
        audit: Audit,
        attempts: Attempts,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._config = config
        self._store = store
        self._vault = vault
        self._sessions = sessions
        self._audit = audit
        self._attempts = attempts
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes

    # Enrolling

    async def enrol(self, caller: Caller, body: EnrolFactorBody, *, address: str) -> EnrolledFactor:
        """Begin to add an authenticator app; its secret is told this once.

        Raises:
            RefusalError: Not allowed, the name is taken, there are too many, or the session is too low.
        """
        if body.factor_type != FactorType.TOTP:
            raise errors.type_unsupported()
        if not self._config.mfa.totp_enroll:
            raise errors.enrolling_disabled()
        user, name = caller.user, body.friendly_name or ""
        secret = totp.new_secret(self._random_bytes)
        issuer = body.issuer or urlsplit(self._config.site_url).netloc
        uri = totp.address_of(secret, issuer=issuer, account=user.email or user.phone or user.id)
        factor = await self._store.write(lambda records: self._enrol(records, caller, name, secret, address))
        told = Totp(qr_code=totp.qr_code(uri), secret=secret, uri=uri)
        return EnrolledFactor(id=factor.id, type=factor.factor_type, friendly_name=name, totp=told)

    def _enrol(self, records: Records, caller: Caller, name: str, secret: str, address: str) -> FactorRow:
        session = _session_of(records, caller)
        now = instant(self._clock())
        self._drop_forgotten(records, caller.user.id, now)
        self._check_room(records, caller.user.id, session, name)
        factor_id = self._new_id()
        factor = FactorRow(
            id=factor_id,
            user_id=caller.user.id,
            friendly_name=name or None,
            factor_type=FactorType.TOTP.value,
            status=FactorStatus.UNVERIFIED.value,
            secret=self._vault.seal(secret.encode(), purpose=_purpose(factor_id)),
            created_at=now,
            updated_at=now,
        )
        records.factors.insert(factor)
        traits = {"factor_id": factor.id}
        self._audit.note(records, Action.FACTOR_IN_PROGRESS, actor=caller.user, address=address, traits=traits)
        return factor

    def _check_room(self, records: Records, user_id: str, session: SessionRow, name: str) -> None:
        factors = records.factors.of(user_id)
        if any((factor.friendly_name or "") == name for factor in factors):
            raise errors.name_taken(name)
        if len(factors) >= self._config.mfa.most_factors:
            raise errors.too_many()
        if any(_is_verified(factor) for factor in factors) and session.aal != _AAL2:
            raise errors.level_too_low_to_enrol()

    def _drop_forgotten(self, records: Records, user_id: str, now: int) -> None:
        """What was begun long ago and never asked anything makes room for another try."""
        for factor in records.factors.of(user_id):
            is_old = factor.created_at + instant(self._config.mfa.challenge_lifetime_seconds) < now
            if not _is_verified(factor) and is_old and factor.last_challenged_at is None:
                records.factors.delete(factor.id)

    # Challenging

    async def challenge(self, caller: Caller, factor_id: str, *, address: str) -> FactorChallenge:
        """Ask a factor for its code.

        Raises:
            RefusalError: There is no such factor, or the operator believes none.
        """
        return await self._store.write(lambda records: self._challenge(records, caller, factor_id, address))

    def _challenge(self, records: Records, caller: Caller, factor_id: str, address: str) -> FactorChallenge:
        factor, now = self._factor_of(records, caller, factor_id), instant(self._clock())
        challenge = ChallengeRow(id=self._new_id(), factor_id=factor.id, address=address, created_at=now)
        records.challenges.insert(challenge)
        records.factors.update(msgspec.structs.replace(factor, last_challenged_at=now))
        traits = {"factor_id": factor.id, "factor_status": factor.status}
        self._audit.note(records, Action.CHALLENGE_CREATED, actor=caller.user, address=address, traits=traits)
        expires_at = int(self._clock() + self._config.mfa.challenge_lifetime_seconds)
        return FactorChallenge(id=challenge.id, type=factor.factor_type, expires_at=expires_at)

    # Proving

    async def verify(self, caller: Caller, factor_id: str, body: VerifyFactorBody, *, agent: Agent) -> Session:
        """Take a code: the caller's session at ``aal2``, with new tokens.

        Raises:
            RefusalError: The code or the challenge is wrong, or too many codes were.
        """
        self._attempts.check(caller.user.id, agent.address)
        outcome = await self._store.write(lambda records: self._verify(records, caller, factor_id, body, agent))
        if isinstance(outcome, RefusalError):
            if outcome.error_code == ErrorCode.MFA_VERIFICATION_FAILED:
                self._attempts.failed(caller.user.id, agent.address)
            raise outcome
        self._attempts.succeeded(caller.user.id, agent.address)
        return self._sessions.hand_out(outcome)

    def _verify(
        self, records: Records, caller: Caller, factor_id: str, body: VerifyFactorBody, agent: Agent
    ) -> Opened | RefusalError:
        """Runs inside a transaction; a refusal is returned, so that an expired challenge is dropped."""
        session = _session_of(records, caller)
        factor, now = self._factor_of(records, caller, factor_id), instant(self._clock())
        challenge = records.challenges.by_id(uuid_of(body.challenge_id or "") or "")
        if challenge is None or challenge.factor_id != factor.id:
            return errors.challenge_not_found()
        if challenge.verified_at is not None or challenge.address != agent.address:
            return errors.challenge_of_another()
        if challenge.created_at + instant(self._config.mfa.challenge_lifetime_seconds) < now:
            records.challenges.delete(challenge.id)
            return errors.challenge_expired(challenge.id)
        step = self._step(factor, (body.code or "")[:_LONGEST_CODE])
        if step is None:
            return errors.code_wrong().about(caller.user.id)
        records.challenges.update(msgspec.structs.replace(challenge, verified_at=now))
        traits = {"factor_id": factor.id, "challenge_id": challenge.id, "factor_type": factor.factor_type}
        self._audit.note(
            records, Action.VERIFICATION_ATTEMPTED, actor=caller.user, address=agent.address, traits=traits
        )
        return self._proved(records, caller.user, session, factor, step)

    def _step(self, factor: FactorRow, code: str) -> int | None:
        secret = self._vault.open(factor.secret, purpose=_purpose(factor.id))
        if secret is None:
            raise unexpected_failure()
        return totp.step_of(secret.decode(), code, now=self._clock(), after=factor.last_step)

    def _proved(self, records: Records, user: UserRow, session: SessionRow, factor: FactorRow, step: int) -> Opened:
        now = instant(self._clock())
        proved = msgspec.structs.replace(
            factor,
            status=FactorStatus.VERIFIED.value,
            last_step=step,
            updated_at=factor.updated_at if _is_verified(factor) else now,
        )
        records.factors.update(proved)
        for other in records.factors.of(user.id):
            if not _is_verified(other) and other.factor_type == factor.factor_type:
                records.factors.delete(other.id)
        opened = self._sessions.step_up(records, user, session, factor=proved)
        records.sessions.delete_below(user.id, _AAL2)
        return opened

    # Removing

    async def remove(self, caller: Caller, factor_id: str, *, address: str) -> UnenrolledFactor:
        """Remove a factor, and lower the sessions it raised.

        Raises:
            RefusalError: There is no such factor, or the session is too low for a verified one.
        """
        return await self._store.write(lambda records: self._remove(records, caller, factor_id, address))

    def _remove(self, records: Records, caller: Caller, factor_id: str, address: str) -> UnenrolledFactor:
        session = _session_of(records, caller)
        factor = self._factor_of(records, caller, factor_id)
        if _is_verified(factor) and session.aal != _AAL2:
            raise errors.level_too_low_to_remove()
        self._sessions.step_down(records, factor)
        records.factors.delete(factor.id)
        traits = {"factor_id": factor.id, "factor_status": factor.status, "session_id": session.id}
        self._audit.note(records, Action.FACTOR_UNENROLLED, actor=caller.user, address=address, traits=traits)
        return UnenrolledFactor(id=factor.id)

    @staticmethod
    def _factor_of(records: Records, caller: Caller, factor_id: str) -> FactorRow:
        factor = records.factors.by_id(factor_id)
        if factor is None or factor.user_id != caller.user.id:
            raise errors.not_found()
        return factor


def _session_of(records: Records, caller: Caller) -> SessionRow:
    """The caller's session as it is now; a bearer without one, or whose has ended meanwhile, has no level to raise."""
    session = None if caller.session is None else records.sessions.by_id(caller.session.id)
    if session is None:
        raise session_not_found()
    return session


def _is_verified(factor: FactorRow) -> bool:
    return factor.status == FactorStatus.VERIFIED


def _purpose(factor_id: str) -> str:
    return f"totp secret of {factor_id}"
