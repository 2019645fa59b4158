"""The built-in test provider's endpoints, below ``/test-provider``.

They speak OAuth's errors, not Supabase Auth's: they stand for another program.

Above: ``parts``. Below: ``stand_in``.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec

from cadenza.identity.exchange import PRIVATE, Request, Response
from cadenza.identity.handlers import Handler, Table
from cadenza.identity.returning import SEE_OTHER, send_on
from cadenza.identity.stand_in import PATH, Asked, Person, StandIn, StandInError, page, provider

_JSON: Final = {"Content-Type": "application/json"}
_MOST_FIELDS: Final = 50
_LONGEST_NAME: Final = 100
_EMAIL: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403


class StandInEndpoints:
    """See the module.

    Args:
        stand_in: The provider; ``None``: there are no such endpoints.
    """

    def __init__(self, stand_in: StandIn | None) -> None:
        self._stand_in = stand_in

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        if self._stand_in is None:
            return {}
        known = self._stand_in
        authorize: Mapping[str, Handler] = {"GET": partial(_show, known), "POST": partial(_decide, known)}
        return {
            PATH + provider.DISCOVERY: {"GET": partial(_document, known.discovery())},
            PATH + provider.KEYS: {"GET": partial(_document, known.keys())},
            PATH + provider.AUTHORIZE: authorize,
            PATH + provider.TOKEN: {"POST": partial(_trade, known)},
            PATH + provider.USERINFO: {"GET": partial(_userinfo, known)},
        }


async def _document(document: Mapping[str, object], _request: Request) -> Response:
    return Response(headers=_JSON, body=msgspec.json.encode(document))


async def _show(stand_in: StandIn, request: Request) -> Response:
    """The page with the question."""
    try:
        asked = stand_in.read(request.query)
    except StandInError as error:
        return Response(status=_BAD_REQUEST, headers=page.HEADERS, body=page.refusal(error.description))
    complaint = stand_in.complaint(request.query)
    if complaint is not None:
        return send_on(stand_in.refused(asked, complaint))
    return Response(headers=page.HEADERS, body=page.consent(asked, ticket=stand_in.ticket(asked)))


async def _decide(stand_in: StandIn, request: Request) -> Response:
    """The answer of whoever sits there."""
    form = _form(request)
    asked = msgspec.convert({name: form.get(name, "") for name in Asked.__struct_fields__}, Asked)
    if not _is_own_page(stand_in, request) or not stand_in.is_ticket(form.get("ticket", ""), asked):
        description = "The form is not from this page, or has been open for too long: go back and begin again"
        return Response(status=_FORBIDDEN, headers=page.HEADERS, body=page.refusal(description))
    if form.get("decision") != "allow":
        denied = StandInError("access_denied", "The user denied it")
        return send_on(stand_in.refused(asked, denied), status=SEE_OTHER)
    if _EMAIL.fullmatch(form.get("email", "")) is None:
        return Response(status=_BAD_REQUEST, headers=page.HEADERS, body=page.refusal("That is no e-mail address"))
    person = Person(
        name=form.get("name", "").strip()[:_LONGEST_NAME],
        email=form["email"],
        email_verified=form.get("email_verified") == "true",
    )
    return send_on(stand_in.allowed(asked, person), status=SEE_OTHER)


def _is_own_page(stand_in: StandIn, request: Request) -> bool:
    """Whether a browser sends our own form: no other page shall decide for whoever sits there."""
    origin = request.headers.get("origin", "")
    issuer = urllib.parse.urlsplit(stand_in.issuer)
    return origin in {"", f"{issuer.scheme}://{issuer.netloc}", f"{issuer.scheme}://{request.headers.get('host', '')}"}


async def _trade(stand_in: StandIn, request: Request) -> Response:
    form = _form(request)
    client_id, client_secret = _client(request, form)
    try:
        answer = stand_in.trade(form, client_id=client_id, client_secret=client_secret)
    except StandInError as error:
        return _refused(_BAD_REQUEST, error)
    return Response(headers={**PRIVATE, **_JSON}, body=msgspec.json.encode(answer))


async def _userinfo(stand_in: StandIn, request: Request) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        claims = stand_in.userinfo(token if scheme.lower() == "bearer" else "")
    except StandInError as error:
        return _refused(_UNAUTHORIZED, error, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return Response(headers={**PRIVATE, **_JSON}, body=msgspec.json.encode(claims))


def _refused(status: int, error: StandInError, headers: Mapping[str, str] | None = None) -> Response:
    body = msgspec.json.encode({"error": error.error, "error_description": error.description})
    return Response(status=status, headers={**PRIVATE, **_JSON, **(headers or {})}, body=body)


def _client(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """RFC 6749 section 2.3.1: by the header, or in the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return urllib.parse.unquote_plus(client_id), urllib.parse.unquote_plus(secret)


def _form(request: Request) -> Mapping[str, str]:
    try:
        pairs = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))
