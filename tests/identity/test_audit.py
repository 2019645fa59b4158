"""The audit log: what stands in it, and that nobody can push anything out of it by asking."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from tests.identity.mailing import ANN, BOB, PASSWORD, follow, newest, post, token_of
from tests.identity.test_administration import bearer, made

from cadenza.identity import migrations
from cadenza.identity.audit import Action, Admin, Audit
from cadenza.identity.migrate import prepare_database
from cadenza.identity.records import AuditRow, Cause, Records

#: More than is dropped at once.
FLOOD = 1_100


async def entries(provider: Any) -> list[AuditRow]:
    """All of them, oldest first, with the refusals that were yet to be written."""
    await provider.parts.refusals.close()
    rows: tuple[AuditRow, ...] = await provider.parts.store.read(lambda records: records.audit.newest(limit=1000))
    return list(reversed(rows))


async def test_what_strangers_ask_pushes_out_nothing_else(provider: Any) -> None:
    session = await provider.signed_up()
    most = dict.fromkeys(Cause, 10)
    audit = Audit(clock=provider.clock, new_id=lambda: str(uuid.uuid4()), most_entries=most)

    def note(records: Records) -> dict[str, int]:
        user = records.users.by_id(session.user.id)
        assert user is not None
        audit.note(records, Action.USER_DELETED, actor=Admin(role="service_role"), user_id="gone")
        audit.note(records, Action.LOGIN, actor=user)
        audit.note(records, Action.TOKEN_REVOKED, actor=user)
        for _ in range(FLOOD):
            audit.note(records, Action.USER_RECOVERY_REQUESTED, actor=user)
            audit.note(records, Action.REQUEST_REFUSED, actor=None)
        kept = [row.action for row in records.audit.newest(limit=2 * FLOOD)]
        return {action: kept.count(action) for action in kept}

    kept = await provider.parts.store.write(note)
    assert [kept.get(action, 0) for action in ("user_deleted", "login", "token_revoked")] == [1, 1, 1]
    assert kept["request_refused"] < FLOOD / 2


async def test_what_users_do_pushes_out_nothing_that_administrators_did(provider: Any) -> None:
    session = await provider.signed_up()
    audit = Audit(clock=provider.clock, new_id=lambda: str(uuid.uuid4()), most_entries=dict.fromkeys(Cause, 10))

    def note(records: Records) -> set[str]:
        user = records.users.by_id(session.user.id)
        assert user is not None
        audit.note(records, Action.USER_DELETED, actor=Admin(role="service_role"), user_id="gone")
        audit.note(records, Action.LOGOUT, actor=user)
        for _ in range(FLOOD):
            audit.note(records, Action.TOKEN_REFRESHED, actor=user)
        return {row.action for row in records.audit.newest(limit=2 * FLOOD)}

    kept = await provider.parts.store.write(note)
    assert "user_deleted" in kept
    assert "logout" not in kept


async def test_everything_that_needs_no_sign_in_is_held_for_a_strangers(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False, anonymous_users=True) as provider:
        await provider.parts.users.ensure(ANN, PASSWORD)
        anonymous = (await post(provider, "/signup", {})).json()
        refresh = {"refresh_token": anonymous["refresh_token"]}
        for path, body in (
            ("/otp", {"email": ANN}),
            ("/recover", {"email": ANN}),
            ("/signup", {"email": ANN, "password": PASSWORD}),
            ("/signup", {"email": BOB, "password": PASSWORD}),
            ("/resend", {"type": "signup", "email": BOB}),
            ("/token?grant_type=password", {"email": ANN, "password": "wrong"}),
            ("/verify", {"type": "email", "email": ANN, "token": "000000"}),
            ("/token?grant_type=refresh_token", refresh),
        ):
            await post(provider, path, body)
        await provider.http.get("/verify", params={"type": "signup", "token": "none"})

        rows = await entries(provider)
        assert len(rows) > 8
        assert {row.cause for row in rows} == {"anyone"}


async def test_a_sign_up_that_is_confirmed_at_once_is_a_strangers_and_a_sign_in_is_not(provider: Any) -> None:
    await provider.signed_up()
    await provider.signed_in()
    await made(provider, email=BOB)
    told = [(row.action, row.cause) for row in await entries(provider)]
    assert told == [("user_signedup", "anyone"), ("login", "anyone"), ("login", "user"), ("user_signedup", "admin")]


async def test_a_link_that_leads_away_with_an_error_stands_in_the_log(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        await post(provider, "/signup", {"email": ANN, "password": PASSWORD})
        user = await provider.parts.store.read(lambda records: records.users.by_email(ANN))
        ban = {"ban_duration": "1h"}
        headers = {"Authorization": f"Bearer {bearer(provider)}"}
        assert (await provider.http.put(f"/admin/users/{user.id}", json=ban, headers=headers)).status_code == 200

        token = token_of(newest(provider))
        _, _, said = await follow(provider, f"/verify?type=signup&token={token}")
        assert said["error_code"] == "user_banned"
        refused = (await entries(provider))[-1]
        assert (refused.action, refused.user_id) == ("request_refused", user.id)
        assert '"error_code":"user_banned"' in refused.payload
        assert token not in refused.payload


async def test_an_entry_made_before_causes_were_kept_has_one_after_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with create_engine(f"sqlite:///{path}", poolclass=NullPool).connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    nobody = "00000000-0000-0000-0000-000000000000"
    old = sqlite3.connect(path)
    for number, (action, actor) in enumerate(
        (("login", "ann"), ("user_signedup", "ann"), ("user_signedup", nobody), ("request_refused", nobody))
    ):
        old.execute(
            "INSERT INTO audit_log (id, action, actor_id, address, payload, created_at) VALUES (?, ?, ?, '', '{}', ?)",
            (str(number), action, actor, number),
        )
    old.commit()
    old.close()

    prepare_database(path)

    migrated = sqlite3.connect(path)
    migrated.row_factory = sqlite3.Row
    try:
        causes = [row.cause for row in reversed(Records(migrated).audit.newest(limit=10))]
    finally:
        migrated.close()
    assert causes == ["user", "anyone", "admin", "anyone"]


async def test_every_act_of_an_administrators_is_held_for_one(provider: Any) -> None:
    audit = Audit(clock=provider.clock, new_id=lambda: str(uuid.uuid4()))

    def note(records: Records) -> set[str]:
        for action in Action:
            audit.note(records, action, actor=Admin(role="service_role"))
        return {row.cause for row in records.audit.newest(limit=len(Action))}

    assert await provider.parts.store.write(note) == {"admin"}
