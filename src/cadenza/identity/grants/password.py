"""The password grant: e-mail address and password for a session.

Above: ``parts``. Below: ``users`` recognises, ``sessions`` opens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from cadenza.identity import errors
from cadenza.identity.accounts import EMAIL_PROVIDER, PASSWORD_METHOD, PHONE_PROVIDER
from cadenza.identity.addresses import normal_phone
from cadenza.identity.attempts import Attempts
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.exchange import Request, decode_body
from cadenza.identity.phones import Phones
from cadenza.identity.records import Records
from cadenza.identity.sessions import Opened, Sessions
from cadenza.identity.store import Store
from cadenza.identity.users import Users
from cadenza.protocol.auth import PasswordGrantBody, Session, WeakPassword
from cadenza.protocol.auth.codes import ErrorCode


class PasswordGrant:
    """See the module.

    Args:
        config: Which ways in are open.
        store: Where users are.
        users: Recognises them.
        phones: Knows whether numbers are taken.
        sessions: Opens one.
        attempts: Slows down whoever guesses.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        users: Users,
        phones: Phones,
        sessions: Sessions,
        attempts: Attempts,
    ) -> None:
        self._config = config
        self._phones = phones
        self._store = store
        self._users = users
        self._sessions = sessions
        self._attempts = attempts

    async def exchange(self, request: Request) -> Session:
        """A session for who the body says, if the password is theirs."""
        asked = decode_body(request.body, PasswordGrantBody)
        if asked.email and asked.phone:
            raise errors.validation_failed("Only an email address or phone number should be provided on login.")
        if asked.email and not self._config.email_sign_in:
            raise errors.email_disabled(422, "logins")
        phone = self._number(asked.phone) if asked.phone else ""
        if not phone and not asked.email:
            raise errors.validation_failed("missing email or phone")
        password = asked.password or ""
        with self._counted(phone or asked.email or "", request.address):
            recognised = await self._users.authenticate(asked.email or "", password, phone=phone)

        provider = PHONE_PROVIDER if phone else EMAIL_PROVIDER

        def open_session(records: Records) -> Opened:
            user = self._users.recall(records, recognised)
            return self._sessions.open(records, user, method=PASSWORD_METHOD, agent=request.agent, provider=provider)

        session = self._sessions.hand_out(await self._store.write(open_session))
        weakness = self._users.weakness(password)
        weak = None if weakness is None else WeakPassword(message=weakness.message, reasons=weakness.reasons)
        return msgspec.structs.replace(session, weak_password=weak)

    @contextlib.contextmanager
    def _counted(self, account: str, address: str) -> Iterator[None]:
        """Look at a password, unless too many were wrong before; whether there is such an account is not asked."""
        self._attempts.check(account, address)
        try:
            yield
        except RefusalError as refusal:
            if refusal.error_code == ErrorCode.INVALID_CREDENTIALS:
                self._attempts.failed(account, address)
            raise
        self._attempts.succeeded(account, address)

    def _number(self, phone: str) -> str:
        if not self._phones.served:
            raise errors.phone_disabled(422, "logins")
        return normal_phone(phone)
