"""Codes and links shown: ``POST /verify`` by a program, ``GET /verify`` by a browser that followed a link.

Above: ``parts``. Below: ``confirmations``, ``returning``.
"""

from __future__ import annotations

from collections.abc import Callable

from cadenza.identity import errors, returning
from cadenza.identity.addresses import normal_email, normal_phone
from cadenza.identity.confirmations import Confirmations, FlowCode, HalfWay, ShownCode, ShownLink
from cadenza.identity.errors import RefusalError
from cadenza.identity.exchange import Request, Response, decode_body, json_response
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.leading import leads_to
from cadenza.identity.limits import Limits
from cadenza.identity.redirects import Redirects
from cadenza.identity.sessions import Opened, Sessions
from cadenza.identity.store import Store
from cadenza.protocol.auth import PKCE_PREFIX, HalfConfirmed, VerifyBody, endpoints


class VerifyEndpoints:
    """See the module.

    Args:
        store: Where it happens, in one transaction.
        confirmations: What happens.
        sessions: Hands out what was opened.
        redirects: Where a browser may end.
        limits: Counts requests by address, and wrong codes by account.
        on_refusal: Told of what a browser is led away with, for the audit log.
    """

    def __init__(
        self,
        *,
        store: Store,
        confirmations: Confirmations,
        sessions: Sessions,
        redirects: Redirects,
        limits: Limits,
        on_refusal: Callable[[Request, RefusalError], None],
    ) -> None:
        self._store = store
        self._confirmations = confirmations
        self._sessions = sessions
        self._redirects = redirects
        self._limits = limits
        self._on_refusal = on_refusal

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {endpoints.VERIFY: {"GET": self.follow, "POST": self.verify}}

    # A program

    async def verify(self, request: Request) -> Response:
        """A session for a code or a link's token, or word that the other half is still to come."""
        self._limits.verify.take(request.address)
        shown = _shown(decode_body(request.body, VerifyBody))
        if isinstance(shown, ShownLink):
            link = shown
            outcome = await self._store.write(lambda records: self._confirmations.by_link(records, link, request.agent))
        else:
            outcome = await self._by_code(request, shown)
        if isinstance(outcome, HalfWay):
            return json_response(HalfConfirmed())
        return json_response(self._sessions.hand_out(outcome))

    async def _by_code(self, request: Request, shown: ShownCode) -> Opened | HalfWay:
        account, attempts = shown.email or shown.phone, self._limits.codes
        attempts.check(account, request.address)
        try:
            outcome = await self._store.write(
                lambda records: self._confirmations.by_code(records, shown, request.agent)
            )
        except RefusalError as refusal:
            if refusal.error_code == errors.code_expired().error_code:
                attempts.failed(account, request.address)
            raise
        attempts.succeeded(account, request.address)
        return outcome

    # A browser

    async def follow(self, request: Request) -> Response:
        """Send a browser on, with a session, a code, a sentence or an error."""
        self._limits.verify.take(request.address)
        shown = ShownLink(type=request.query.get("type", ""), token=request.query.get("token", ""))
        if not shown.type:
            raise errors.validation_failed("Verify requires a verification type")
        if not shown.token:
            raise errors.validation_failed("Verify requires a token or a token hash")
        url, pkce = leads_to(self._redirects, request), shown.token.startswith(PKCE_PREFIX)
        try:
            outcome = await self._store.write(lambda records: self._confirmations.follow(records, shown, request.agent))
        except RefusalError as refusal:
            self._on_refusal(request, refusal)
            return returning.send_on(returning.with_error(url, refusal, in_query=pkce), status=returning.SEE_OTHER)
        return returning.send_on(self._end(url, shown, outcome, in_query=pkce), status=returning.SEE_OTHER)

    def _end(self, url: str, shown: ShownLink, outcome: Opened | HalfWay | FlowCode, *, in_query: bool) -> str:
        if isinstance(outcome, HalfWay):
            return returning.with_message(url, HalfConfirmed().msg, in_query=in_query)
        if isinstance(outcome, FlowCode):
            return returning.with_code(url, outcome.code)
        return returning.with_session(url, self._sessions.hand_out(outcome), kind=shown.type)


def _shown(body: VerifyBody) -> ShownLink | ShownCode:
    if not body.type:
        raise errors.validation_failed("Verify requires a verification type")
    if bool(body.token) == bool(body.token_hash):
        raise errors.validation_failed("Verify requires either a token or a token hash")
    if body.token_hash:
        if body.email or body.phone or body.redirect_to:
            raise errors.validation_failed("Only the token_hash and type should be provided")
        return ShownLink(type=body.type, token=body.token_hash)
    return _shown_code(body, body.type, body.token or "")


def _shown_code(body: VerifyBody, kind: str, code: str) -> ShownCode:
    if body.phone and not body.email:
        return ShownCode(type=kind, code=code, phone=normal_phone(body.phone))
    if body.phone or not body.email:
        raise errors.validation_failed("Only an email address or phone number should be provided on verify")
    try:
        return ShownCode(type=kind, code=code, email=normal_email(body.email))
    except RefusalError:
        raise errors.invalid_email_format() from None
