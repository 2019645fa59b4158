"""A user takes along all that is kept of them, without secrets; and goes, leaving nothing that tells who they were."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

from tests.identity.mailing import ANN, PASSWORD, code_of, newest
from tests.identity.test_administration import bearer, refused
from tests.identity.test_factors import code_of as totp_code
from tests.identity.test_factors import enrol, raised, verify

from cadenza.identity import errors, exchange
from cadenza.identity.own_data import RECENT_SECONDS
from cadenza.identity.times import rfc3339
from cadenza.protocol.auth import AccountExport, Request, Session, requests, responses

AGENT = "Some Browser 1.0"
#: Columns that let somebody in, or prove it, in clear or as digests; never told, not even to whom they belong.
SECRET = {"password_hash", "digest", "code_digest", "secret", "secrets", "challenge"}
#: Columns that are the database's own, or say what another column of an export says already.
INTERNAL = {"cause", "challenge_method", "code_issued_at", "last_challenged_at", "last_step", "pkce", "updated_at"}
#: Their ids are for nobody: a flow's is what a provider sends back.
NAMELESS = {"one_time_tokens", "flow_states"}
OWN = {
    "users": "id",
    "identities": "user_id",
    "sessions": "user_id",
    "factors": "user_id",
    "one_time_tokens": "user_id",
    "flow_states": "user_id",
    "audit_log": "user_id",
}


async def exported(provider: Any, request: Request) -> tuple[AccountExport, str]:
    answer = await provider.send(request)
    assert answer.headers["cache-control"] == "no-store"
    return responses.parse_account_export(answer.status_code, answer.headers, answer.content), answer.text


def rows(provider: Any, table: str, user_id: str) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(provider.config.database_path)) as database:
        database.row_factory = sqlite3.Row
        found = database.execute(f"SELECT * FROM {table} WHERE {OWN[table]} = ?", (user_id,))  # noqa: S608 - names of ours
        return [dict(row) for row in found]


def dump(provider: Any) -> str:
    with contextlib.closing(sqlite3.connect(provider.config.database_path)) as database:
        return "\n".join(database.iterdump())


async def somebody(provider: Any) -> tuple[Session, str]:
    """A user of whom there is a row in every table, and the token of a session at aal2."""
    await provider.send(requests.sign_up(ANN, PASSWORD, metadata={"full_name": "Ann Example"}))
    answer = await provider.send(requests.password_grant(ANN, PASSWORD), **{"User-Agent": AGENT})
    session = responses.parse_session(answer.status_code, answer.headers, answer.content)
    factor = await enrol(provider, session)
    strong = await verify(provider, session, factor, totp_code(provider, factor))
    await provider.send(requests.challenge_factor(strong.access_token, strong.user.factors[0].id))
    await provider.send(requests.recover(ANN, code_challenge="c" * 43))
    return strong, strong.access_token


async def test_the_copy_holds_all_that_is_kept_and_no_secret(provider: Any) -> None:
    session, token = await somebody(provider)
    copy, text = await exported(provider, requests.export_account(token))

    for table in OWN:
        kept = rows(provider, table, session.user.id)
        assert kept, f"the test has nothing in {table}"
        for row in kept:
            for column, value in row.items():
                if column in INTERNAL or (column == "id" and table in NAMELESS):
                    continue
                if column in SECRET:
                    assert not isinstance(value, str) or value not in text
                elif isinstance(value, str) and not value.startswith(("{", "[")):
                    assert value in text, (table, column)
                elif isinstance(value, int) and column.endswith("_at"):
                    assert rfc3339(value) in text, (table, column)
    assert copy.has_password
    assert [entry.payload["action"] for entry in copy.audit_log][-1] == "user_exported"
    assert {"password", "totp"} in [{each.method for each in one.amr} for one in copy.sessions]
    assert AGENT in [one.user_agent for one in copy.sessions]
    assert [one.sent_to for one in copy.codes] == [ANN]
    assert {one.factor_id for one in copy.challenges} == {session.user.factors[0].id}
    assert [flow.method for flow in copy.flows] == ["recovery"]


async def test_an_operator_gives_a_copy_to_who_asks(provider: Any) -> None:
    session, token = await somebody(provider)
    own, _ = await exported(provider, requests.export_account(token))
    copy, _ = await exported(provider, requests.admin_export(bearer(provider), session.user.id))

    assert (copy.user, copy.sessions, copy.codes) == (own.user, own.sessions, own.codes)
    assert copy.audit_log[-1].payload["actor_username"] == "service_role"
    nobody = "11111111-2222-4333-8444-555555555555"
    assert await refused(provider, requests.admin_export(bearer(provider), nobody)) == (404, "user_not_found")
    assert await refused(provider, requests.admin_export(token, session.user.id)) == (403, "not_admin")


async def test_a_deleted_account_leaves_nothing_that_tells_whose_it_was(provider: Any) -> None:
    session, token = await somebody(provider)
    other = await provider.signed_up("bob@example.com")
    await provider.send(requests.password_grant(ANN, "wrong"))
    await provider.parts.refusals.close()
    answer = await provider.send(requests.delete_account(token))
    gone = responses.parse_deleted_account(answer.status_code, answer.headers, answer.content)

    assert gone.id == session.user.id
    for table in OWN:
        if table != "audit_log":
            assert not rows(provider, table, session.user.id), table
    left = dump(provider)
    for personal in (ANN, "Ann Example", AGENT):
        assert personal not in left
    told = rows(provider, "audit_log", session.user.id)
    assert [row["action"] for row in told][-1] == "user_deleted"
    assert {row["address"] for row in told} == {""}
    assert (await provider.send(requests.get_user(other.access_token))).status_code == 200
    assert (await provider.signed_up()).user.id != session.user.id


async def test_a_refusal_written_late_does_not_tell_where_they_were(provider: Any) -> None:
    session = await provider.signed_up()
    await provider.send(requests.delete_account(session.access_token))
    asked = exchange.Request(method="POST", path="/token", address="203.0.113.9")
    provider.parts.refusals.note(asked, errors.invalid_credentials().about(session.user.id))
    await provider.parts.refusals.close()

    assert [row["address"] for row in rows(provider, "audit_log", session.user.id)][-1] == ""
    assert "203.0.113.9" not in dump(provider)


async def test_every_session_of_a_deleted_account_is_over(provider: Any) -> None:
    first = await provider.signed_up()
    second = await provider.signed_in()
    assert (await provider.send(requests.delete_account(second.access_token))).status_code == 200

    for session in (first, second):
        assert await refused(provider, requests.get_user(session.access_token)) == (403, "user_not_found")
        refresh = requests.refresh_token_grant(session.refresh_token)
        assert await refused(provider, refresh) == (400, "refresh_token_not_found")
    assert await refused(provider, requests.password_grant(ANN, PASSWORD)) == (400, "invalid_credentials")


async def test_a_session_left_open_is_not_enough_to_go(provider: Any) -> None:
    session = await provider.signed_up()
    provider.clock.advance(RECENT_SECONDS + 1)
    delete = requests.delete_account(session.access_token)

    assert await refused(provider, delete) == (400, "reauthentication_needed")
    refreshed = await provider.send(requests.refresh_token_grant(session.refresh_token))
    token = refreshed.json()["access_token"]  # a refresh proves nothing anew
    assert await refused(provider, requests.delete_account(token)) == (400, "reauthentication_needed")
    wrong = requests.delete_account(token, nonce="000000")
    assert await refused(provider, wrong) == (422, "reauthentication_not_valid")
    again = await provider.signed_in()
    assert (await provider.send(requests.delete_account(again.access_token))).status_code == 200


async def test_a_code_from_a_mail_is_proof_enough(provider: Any) -> None:
    session = await provider.signed_up()
    provider.clock.advance(RECENT_SECONDS + 1)
    await provider.send(requests.reauthenticate(session.access_token))
    nonce = newest(provider).code

    answer = await provider.send(requests.delete_account(session.access_token, nonce=nonce))

    assert answer.status_code == 200


async def test_who_has_a_second_factor_must_have_shown_it(provider: Any) -> None:
    await raised(provider)
    weak = await provider.signed_in()

    for request in (requests.export_account(weak.access_token), requests.delete_account(weak.access_token)):
        assert await refused(provider, request) == (401, "insufficient_aal")


async def test_an_anonymous_user_needs_the_session_alone(provider: Any) -> None:
    answer = await provider.send(requests.sign_up_anonymously())
    session = responses.parse_session(answer.status_code, answer.headers, answer.content)
    provider.clock.advance(RECENT_SECONDS + 1)
    copy, _ = await exported(provider, requests.export_account(session.access_token))

    assert not copy.has_password
    assert (await provider.send(requests.delete_account(session.access_token))).status_code == 200


async def test_nobody_else_is_exported_or_deleted(provider: Any) -> None:
    await provider.signed_up()
    for method, path in (("GET", "/user/export"), ("DELETE", "/user")):
        answer = await provider.http.request(method, path, headers={"X-Supabase-Api-Version": "2024-01-01"})
        assert code_of(answer) == (401, "no_authorization")
        answer = await provider.http.request(
            method,
            path,
            headers={"Authorization": f"Bearer {bearer(provider)}", "X-Supabase-Api-Version": "2024-01-01"},
        )
        assert code_of(answer) == (403, "bad_jwt")
