"""What administrators may ask: ``/admin/users``, their factors, ``/admin/audit``.

Above: ``parts``. Below: ``administration``, ``listings``, ``callers``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from cadenza.identity import errors
from cadenza.identity.administration import Administration
from cadenza.identity.config import IdentityConfig
from cadenza.identity.exchange import PRIVATE, Request, Response, decode_body, json_response
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Admins
from cadenza.identity.listings import Listings, Page
from cadenza.identity.own_data import OwnData
from cadenza.identity.views import entry_view, factor_view, user_view
from cadenza.protocol.auth import (
    AdminDeleteBody,
    AdminFactorBody,
    AdminUserBody,
    Empty,
    UserList,
    endpoints,
)

_PER_PAGE: Final = 50
_MOST_PER_PAGE: Final = 1000
_LONGEST_NUMBER: Final = 9
#: Whose users are meant, where there are several audiences; Supabase Auth's own name for it.
_AUDIENCE_HEADER: Final = "x-jwt-aud"


class AdminEndpoints:
    """See the module.

    Args:
        config: The audience of users.
        admins: Says who calls.
        administration: The rules.
        listings: Finds users and entries.
        own_data: Copies all that is kept of a user.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        admins: Admins,
        administration: Administration,
        listings: Listings,
        own_data: OwnData,
    ) -> None:
        self._config = config
        self._admins = admins
        self._listings = listings
        self._own_data = own_data
        self._administration = administration

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        user = f"{endpoints.ADMIN_USERS}/{{user_id}}"
        factor = f"{user}/factors/{{factor_id}}"
        return {
            endpoints.ADMIN_USERS: {"GET": self.list_users, "POST": self.create},
            user: {"GET": self.get, "PUT": self.update, "DELETE": self.delete},
            f"{user}/factors": {"GET": self.list_factors},
            factor: {"PUT": self.rename_factor, "DELETE": self.delete_factor},
            f"{user}/export": {"GET": self.export},
            endpoints.ADMIN_AUDIT: {"GET": self.audit},
        }

    async def list_users(self, request: Request) -> Response:
        """A page of users; in a list they come without their ways in."""
        await self._admins.of(request)
        audience = request.headers.get(_AUDIENCE_HEADER) or self._config.audience
        sort, part = request.query.get("sort"), request.query.get("filter", "")
        page = _page(request)
        rows, count = await self._listings.users(page, audience=audience, sort=sort, part=part)
        users = UserList(users=tuple(user_view(row, None) for row in rows), aud=audience)
        return json_response(users, headers={**PRIVATE, **_links(request, page, count)})

    async def create(self, request: Request) -> Response:
        """Make a user."""
        admin = await self._admins.of(request)
        return json_response(await self._administration.create(admin, decode_body(request.body, AdminUserBody)))

    async def get(self, request: Request) -> Response:
        """One user."""
        await self._admins.of(request)
        return json_response(await self._administration.user(request.values["user_id"]))

    async def update(self, request: Request) -> Response:
        """Change a user."""
        admin = await self._admins.of(request)
        await self._administration.expect(request.values["user_id"])
        body = decode_body(request.body, AdminUserBody)
        return json_response(await self._administration.update(admin, request.values["user_id"], body))

    async def delete(self, request: Request) -> Response:
        """Delete a user, for good or softly."""
        admin = await self._admins.of(request)
        await self._administration.expect(request.values["user_id"])
        body = decode_body(request.body, AdminDeleteBody) if request.body else AdminDeleteBody()
        softly = bool(body.should_soft_delete)
        await self._administration.delete(admin, request.values["user_id"], softly=softly)
        return json_response(Empty())

    async def export(self, request: Request) -> Response:
        """All that is kept of a user."""
        admin = await self._admins.of(request)
        return json_response(await self._own_data.export_of(admin, request.values["user_id"]))

    async def list_factors(self, request: Request) -> Response:
        """A user's second factors."""
        await self._admins.of(request)
        rows = await self._administration.factors(request.values["user_id"])
        return _array(tuple(factor_view(row) for row in rows))

    async def rename_factor(self, request: Request) -> Response:
        """Give one another name."""
        admin = await self._admins.of(request)
        await self._administration.expect(request.values["user_id"], request.values["factor_id"])
        body = decode_body(request.body, AdminFactorBody)
        row = await self._administration.rename_factor(
            admin, request.values["user_id"], request.values["factor_id"], body
        )
        return json_response(factor_view(row))

    async def delete_factor(self, request: Request) -> Response:
        """Remove one."""
        admin = await self._admins.of(request)
        row = await self._administration.delete_factor(admin, request.values["user_id"], request.values["factor_id"])
        return json_response(factor_view(row))

    async def audit(self, request: Request) -> Response:
        """A page of the audit log."""
        await self._admins.of(request)
        page = _page(request)
        rows, count = await self._listings.entries(page, query=request.query.get("query", ""))
        entries = tuple(entry_view(row) for row in rows)
        return _array(entries, _links(request, page, count))


def _page(request: Request) -> Page:
    size = min(_number(request, endpoints.PER_PAGE, _PER_PAGE), _MOST_PER_PAGE)
    return Page(number=_number(request, endpoints.PAGE, 1), size=size)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER and int(text) > 0):
        raise errors.validation_failed(f"Bad Pagination Parameters: {name} must be a positive number")
    return int(text)


def _links(request: Request, page: Page, count: int) -> Mapping[str, str]:
    """``Link`` (RFC 8288) and how many there are; the path is the service's own, as Supabase Auth writes it."""
    last = math.ceil(count / page.size)

    def to(number: int) -> str:
        return f"<{request.path}?{urlencode(sorted({**request.query, endpoints.PAGE: str(number)}.items()))}>"

    onward = f'{to(page.number + 1)}; rel="next", ' if last > page.number else ""
    return {"Link": f'{onward}{to(last)}; rel="last"', endpoints.TOTAL_COUNT_HEADER: str(count)}


def _array(rows: tuple[msgspec.Struct, ...], headers: Mapping[str, str] | None = None) -> Response:
    whole = {"Content-Type": "application/json", **PRIVATE, **(headers or {})}
    return Response(headers=whole, body=msgspec.json.encode(rows))
