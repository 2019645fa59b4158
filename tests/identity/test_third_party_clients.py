"""Third-party applications are registered, changed, given new secrets and removed; where that is on, and by admins."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.identity.conftest import MakeProvider, Provider
from tests.identity.test_administration import bearer, refused

from cadenza.protocol.auth import OAuthClient, OAuthClientBody, requests, responses

REDIRECTS = ("https://app.example.com/cb", "myapp://callback", "http://localhost:3000/cb")


@pytest.fixture
async def on(make_provider: MakeProvider) -> AsyncIterator[Provider]:
    """A provider that keeps such a list."""
    async with make_provider(oauth_server=True) as provider:
        yield provider


async def registered(provider: Provider, **further: Any) -> OAuthClient:
    body = OAuthClientBody(**{"redirect_uris": REDIRECTS, "client_name": "Charts", **further})
    answer = await provider.send(requests.admin_create_client(bearer(provider), body))
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    return responses.parse_client(answer.status_code, answer.headers, answer.content)


async def listed(provider: Provider) -> tuple[OAuthClient, ...]:
    answer = await provider.send(requests.admin_list_clients(bearer(provider)))
    return responses.parse_clients(answer.status_code, answer.headers, answer.content).clients


async def test_a_secret_is_told_once_and_kept_as_its_hash(on: Provider) -> None:
    made = await registered(on)
    answer = await on.send(requests.admin_get_client(bearer(on), made.client_id))

    assert (made.client_type, made.token_endpoint_auth_method) == ("confidential", "client_secret_basic")
    assert made.redirect_uris == REDIRECTS
    assert made.grant_types == ("authorization_code", "refresh_token")
    assert made.client_secret
    assert "client_secret" not in answer.json()
    with sqlite3.connect(on.config.database_path) as database:
        (digest,) = database.execute("SELECT secret_digest FROM oauth_clients").fetchone()
        everything = "\n".join(database.iterdump())
    database.close()
    assert digest == hashlib.sha256(made.client_secret.encode()).digest()
    assert made.client_secret not in everything


async def test_one_that_can_keep_no_secret_has_none(on: Provider) -> None:
    made = await registered(on, token_endpoint_auth_method="none")
    again = requests.admin_regenerate_secret(bearer(on), made.client_id)

    assert (made.client_type, made.client_secret) == ("public", "")
    assert await refused(on, again) == (400, "validation_failed")


async def test_a_new_secret_replaces_the_old_one(on: Provider) -> None:
    made = await registered(on)
    answer = await on.send(requests.admin_regenerate_secret(bearer(on), made.client_id))
    new = responses.parse_client(answer.status_code, answer.headers, answer.content)

    assert new.client_secret
    assert new.client_secret != made.client_secret
    with sqlite3.connect(on.config.database_path) as database:
        (digest,) = database.execute("SELECT secret_digest FROM oauth_clients").fetchone()
    database.close()
    assert digest == hashlib.sha256(new.client_secret.encode()).digest()


async def test_a_change_leaves_the_rest_as_it_was(on: Provider) -> None:
    made = await registered(on, client_uri="https://app.example.com")
    on.clock.advance(60)
    change = OAuthClientBody(client_name="Graphs", client_uri="")
    answer = await on.send(requests.admin_update_client(bearer(on), made.client_id, change))
    changed = responses.parse_client(answer.status_code, answer.headers, answer.content)

    assert (changed.client_name, changed.client_uri, changed.redirect_uris) == ("Graphs", "", REDIRECTS)
    assert changed.created_at == made.created_at
    assert changed.updated_at > made.updated_at
    assert not changed.client_secret


async def test_they_are_listed_newest_first_until_they_are_removed(on: Provider) -> None:
    assert await listed(on) == ()
    first, second = await registered(on), await registered(on, client_name="Second")
    assert [client.client_id for client in await listed(on)] == [second.client_id, first.client_id]

    gone = await on.send(requests.admin_delete_client(bearer(on), first.client_id))

    assert (gone.status_code, gone.content) == (204, b"")
    assert [client.client_id for client in await listed(on)] == [second.client_id]
    again = requests.admin_delete_client(bearer(on), first.client_id)
    assert await refused(on, again) == (404, "oauth_client_not_found")


async def test_what_was_done_to_them_stands_in_the_audit_log(on: Provider) -> None:
    made = await registered(on)
    token = bearer(on)
    await on.send(requests.admin_update_client(token, made.client_id, OAuthClientBody(client_name="x")))
    await on.send(requests.admin_regenerate_secret(token, made.client_id))
    await on.send(requests.admin_delete_client(token, made.client_id))
    answer = await on.send(requests.admin_audit(token))
    entries = responses.parse_audit(answer.status_code, answer.headers, answer.content)

    actions = ["oauth_client_deleted", "oauth_client_updated", "oauth_client_updated", "oauth_client_created"]
    assert [entry.payload["action"] for entry in entries] == actions
    assert made.client_secret not in answer.text


async def test_while_it_is_off_admins_are_told_and_others_learn_nothing(provider: Provider) -> None:
    session = await provider.signed_up()
    for request in (requests.admin_list_clients, requests.admin_create_client):
        further = (OAuthClientBody(redirect_uris=REDIRECTS),) if request is requests.admin_create_client else ()
        assert await refused(provider, request(bearer(provider), *further)) == (404, "feature_disabled")
        assert await refused(provider, request(session.access_token, *further)) == (403, "not_admin")
    assert (await provider.http.get("/admin/oauth/clients")).status_code == 401


@pytest.mark.parametrize("oauth_server", [False, True])
async def test_signing_in_for_them_is_refused_as_where_the_oauth_server_is_off(
    make_provider: MakeProvider,
    oauth_server: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with make_provider(oauth_server=oauth_server) as provider:
        token = (await provider.signed_up()).access_token
        answers = [
            await provider.http.request(method, path, headers={"Authorization": f"Bearer {token}"})
            for method, path in (
                ("POST", "/oauth/clients/register"),
                ("POST", "/oauth/token"),
                ("GET", "/oauth/authorize"),
                ("GET", "/oauth/userinfo"),
                ("GET", "/user/oauth/grants"),
                ("GET", "/.well-known/oauth-authorization-server"),
            )
        ]
    assert [(answer.status_code, answer.json()["error_code"]) for answer in answers] == [(404, "feature_disabled")] * 6


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"redirect_uris": ()},
        {"redirect_uris": ("https://a.b",) * 11},
        {"redirect_uris": ("https://a.b", "http://a.b")},
        {"redirect_uris": ("javascript://a.b/%0aalert(1)",)},
        {"redirect_uris": ("https://a.b#f",)},
        {"redirect_uris": ("myapp:callback",)},
        {"redirect_uris": ("https://a.b",), "grant_types": ("password",)},
        {"redirect_uris": ("https://a.b",), "client_name": "x" * 1025},
        {"redirect_uris": ("https://a.b",), "client_uri": "a.b"},
        {"redirect_uris": ("https://a.b",), "client_type": "secret"},
        {"redirect_uris": ("https://a.b",), "token_endpoint_auth_method": "private_key_jwt"},
        {
            "redirect_uris": ("https://a.b",),
            "client_type": "public",
            "token_endpoint_auth_method": "client_secret_post",
        },
    ],
)
async def test_what_makes_no_application_is_refused(on: Provider, body: dict[str, Any]) -> None:
    request = requests.admin_create_client(bearer(on), OAuthClientBody(**body))
    assert await refused(on, request) == (400, "validation_failed")
    assert await listed(on) == ()
