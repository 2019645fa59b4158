"""Refresh-token rotation, against a model of the recorded rules, for whatever order of events."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from cadenza.identity.access_tokens import AccessTokens
from cadenza.identity.audit import Audit
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.keys import load_key_ring
from cadenza.identity.records import Records, UserRow
from cadenza.identity.refresh_tokens import RefreshTokenMint, has_form
from cadenza.identity.sessions import Sessions
from cadenza.identity.store import Store
from cadenza.identity.times import instant

INTERVAL_SECONDS = 10
KEPT_SECONDS = 7 * 24 * 3600
SESSION_SECONDS = 30 * 24 * 3600


@dataclass
class ModelToken:
    """What the rules say of one token."""

    token: str
    session: int
    parent: str | None
    revoked_at: int | None = None


class Model:
    """The rules, written down a second time, over plain lists."""

    def __init__(self) -> None:
        self.tokens: dict[str, ModelToken] = {}
        self.order: list[str] = []
        self.opened_at: dict[int, int] = {}

    def open(self, session: int, token: str, now: int) -> None:
        self.opened_at[session] = now
        self.add(token, session, None)

    def add(self, token: str, session: int, parent: str | None) -> None:
        self.tokens[token] = ModelToken(token, session, parent)
        self.order.append(token)

    def active(self, session: int) -> list[ModelToken]:
        newest_first = [self.tokens[token] for token in reversed(self.order) if token in self.tokens]
        return [token for token in newest_first if token.session == session and token.revoked_at is None]

    def expect(self, token: str, now: int) -> tuple[str, str | None]:
        """What showing ``token`` must do: ("same", which), ("new", None) or (error code, None)."""
        shown = self.tokens.get(token)
        if shown is None or shown.session not in self.opened_at:
            return "refresh_token_not_found", None
        if now > self.opened_at[shown.session] + instant(SESSION_SECONDS):
            return "session_expired", None
        if shown.revoked_at is None:
            return "new", None
        active = self.active(shown.session)
        if active and active[0].parent == token:
            return "same", active[0].token
        if now <= shown.revoked_at + instant(INTERVAL_SECONDS):
            return "new", None
        return "refresh_token_already_used", None

    def happened(self, token: str, outcome: str, issued: str | None, now: int) -> None:
        shown = self.tokens[token]
        if outcome == "refresh_token_already_used":
            for active in self.active(shown.session):
                active.revoked_at = now
            return
        if outcome == "new":
            assert issued is not None
            shown.revoked_at = now
            self.add(issued, shown.session, token)
        parents = {active.parent for active in self.active(shown.session)}
        for old in [held for held in self.tokens.values() if held.session == shown.session]:
            long_ago = old.revoked_at is not None and old.revoked_at < now - instant(KEPT_SECONDS)
            if long_ago and old.token not in parents:
                del self.tokens[old.token]

    def end(self, session: int) -> None:
        self.opened_at.pop(session, None)


class Rotation(RuleBasedStateMachine):
    """Clients that lose answers, race, come late, or steal."""

    shown = Bundle("shown")

    def __init__(self, connection: Callable[[], sqlite3.Connection], folder: Path) -> None:
        super().__init__()
        self.connection = connection()
        self.records = Records(self.connection)
        self.now = 1_795_423_000.0
        config = IdentityConfig(
            data_dir=folder,
            refresh_token_reuse_interval_seconds=INTERVAL_SECONDS,
            session_lifetime_seconds=SESSION_SECONDS,
        )
        keys = load_key_ring(config, random_bytes=os.urandom)
        self.ids = iter(range(10_000))
        self.sessions = Sessions(
            config,
            store=Store(config.database_path),  # never opened: the machine runs the transactions itself
            mint=RefreshTokenMint(keys.refresh_token_key, random_bytes=random.Random(0).randbytes),  # noqa: S311 - repeatable
            access_tokens=AccessTokens(config, keys, clock=lambda: self.now),
            audit=Audit(clock=lambda: self.now, new_id=lambda: str(next(self.ids))),
            clock=lambda: self.now,
            new_id=lambda: str(next(self.ids)),
        )
        self.model = Model()

    def teardown(self) -> None:
        self.connection.close()

    @initialize()
    def register(self) -> None:
        self.user = UserRow(
            id="user",
            aud="authenticated",
            role="authenticated",
            email="ann@example.com",
            password_hash=None,
            email_confirmed_at=1,
            confirmation_sent_at=None,
            last_sign_in_at=None,
            app_metadata="{}",
            user_metadata="{}",
            is_anonymous=False,
            created_at=1,
            updated_at=1,
        )
        self.records.users.insert(self.user)

    @rule(target=shown)
    def sign_in(self) -> str:
        opened = self.sessions.open(self.records, self.user, method="password")
        self.model.open(int(opened.session.id), opened.refresh_token, instant(self.now))
        return opened.refresh_token

    @rule(target=shown, token=shown)
    def refresh(self, token: str) -> object:
        now = instant(self.now)
        expected, which = self.model.expect(token, now)
        outcome = self.sessions.rotate(self.records, token)
        if isinstance(outcome, RefusalError):
            assert str(outcome.error_code) == expected
            if token in self.model.tokens and expected == "refresh_token_already_used":
                self.model.happened(token, expected, None, now)
            return multiple()
        if expected == "same":
            assert outcome.refresh_token == which
        else:
            assert expected == "new"
            assert outcome.refresh_token not in self.model.order
        assert int(outcome.session.id) == self.model.tokens[token].session
        self.model.happened(token, expected, outcome.refresh_token, now)
        return outcome.refresh_token

    @rule(seconds=st.sampled_from([0.001, 1, INTERVAL_SECONDS, INTERVAL_SECONDS + 0.000001, 3600, KEPT_SECONDS + 1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(token=consumes(shown))
    def sign_out(self, token: str) -> None:
        held = self.model.tokens.get(token)
        if held is not None:
            self.records.sessions.delete(str(held.session))
            self.model.end(held.session)

    @rule(token=st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=12, max_size=12))
    def guess(self, token: str) -> None:
        outcome = self.sessions.rotate(self.records, token)
        assert isinstance(outcome, RefusalError)
        assert outcome.error_code == "refresh_token_not_found"

    @invariant()
    def no_token_stands_in_the_database(self) -> None:
        rows = self.connection.execute("SELECT seed, digest FROM refresh_tokens").fetchall()
        held = b" ".join(bytes(value) for row in rows for value in tuple(row))
        assert all(token.encode() not in held for token in self.model.order)

    @invariant()
    def every_token_has_the_recorded_form(self) -> None:
        assert all(has_form(token) for token in self.model.order[-1:])


@pytest.fixture
def in_memory(migrated_folder: Path) -> Callable[[], sqlite3.Connection]:
    """Opens a migrated database in memory."""

    def open_one() -> sqlite3.Connection:
        memory = sqlite3.connect(":memory:", isolation_level=None)
        memory.row_factory = sqlite3.Row
        template = sqlite3.connect(migrated_folder / "identity.db")
        template.backup(memory)
        template.close()
        memory.execute("PRAGMA foreign_keys = ON")
        return memory

    return open_one


def test_rotation_follows_the_recorded_rules_in_any_order(
    in_memory: Callable[[], sqlite3.Connection], migrated_folder: Path
) -> None:
    class OfThisTest(Rotation):
        def __init__(self) -> None:
            super().__init__(in_memory, migrated_folder)

    run_state_machine_as_test(
        OfThisTest,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
