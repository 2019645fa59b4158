"""The password grant: e-mail address and password for a session.

Above: ``parts``. Below: ``users`` recognises, ``sessions`` opens.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cadenza.identity import errors
from cadenza.identity.bans import is_banned
from cadenza.identity.exchange import Request, decode_body
from cadenza.identity.records import Records
from cadenza.identity.sessions import Opened, Sessions
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.identity.users import EMAIL_PROVIDER, PASSWORD_METHOD, Users
from cadenza.protocol.auth import PasswordGrantBody, Session, WeakPassword


class PasswordGrant:
    """See the module."""

    def __init__(self, *, store: Store, users: Users, sessions: Sessions, clock: Callable[[], float]) -> None:
        self._store = store
        self._users = users
        self._sessions = sessions
        self._clock = clock

    async def exchange(self, request: Request) -> Session:
        """A session for who the body says, if the password is theirs."""
        asked = decode_body(request.body, PasswordGrantBody)
        if asked.email and asked.phone:
            raise errors.validation_failed("Only an email address or phone number should be provided on login.")
        if asked.phone:
            raise errors.phone_disabled(422, "logins")
        if not asked.email:
            raise errors.validation_failed("missing email or phone")
        password = asked.password or ""
        recognised = await self._users.authenticate(asked.email, password)

        def open_session(records: Records) -> Opened:
            user = self._users.recall(records, recognised)
            if is_banned(user, instant(self._clock())):
                raise errors.user_banned(400).about(user.id)
            return self._sessions.open(
                records, user, method=PASSWORD_METHOD, agent=request.agent, provider=EMAIL_PROVIDER
            )

        session = self._sessions.hand_out(await self._store.write(open_session))
        weakness = self._users.weakness(password)
        weak = None if weakness is None else WeakPassword(message=weakness.message, reasons=weakness.reasons)
        return msgspec.structs.replace(session, weak_password=weak)
