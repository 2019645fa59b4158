"""Users: there or not, and recognised by their password.

Whether an address is registered is told to nobody who does not know its password. The work done is the same in either
case: one hash.

Above: ``grants.password``, ``server``. Below: ``accounts``, ``records``, ``passwords``. ``sign_up`` makes most of them,
``changes`` changes them.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cadenza.identity import errors
from cadenza.identity.accounts import Accounts, confirmed, mark_email_verified
from cadenza.identity.addresses import normal_email
from cadenza.identity.bans import is_banned
from cadenza.identity.errors import RefusalError
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.records import Records, UserRow
from cadenza.identity.store import Store
from cadenza.identity.times import instant


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """Someone whose password was right, for the hash that was stored at that moment."""

    user_id: str
    verified_hash: str
    hash_of_today: str

    def __repr__(self) -> str:
        return f"<Recognised {self.user_id}>"


class Users:
    """The rules over users.

    Args:
        store: Where they are kept.
        accounts: Makes them.
        passwords: Hashes.
        policy: What a password must be.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        passwords: Passwords,
        policy: PasswordPolicy,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._policy = policy
        self._clock = clock

    # Registering

    async def ensure(self, email: str, password: str) -> bool:
        """Have a confirmed user of that address; ``False`` if there was one, whose password stays as it is."""
        email = normal_email(email)
        if await self.exists(email):  # asked at every start of the stack: no hash for nothing
            return False
        self._policy.check(password)
        hashed = await self._passwords.hash(password)

        def register(records: Records) -> bool:
            if records.users.by_email(email) is not None:
                return False
            user = self._accounts.register(records, email=email, password_hash=hashed, data={})
            records.users.update(confirmed(user, instant(self._clock())))
            return True

        return await self._store.write(register)

    async def exists(self, email: str) -> bool:
        """Whether there is a user of that address."""
        return await self._store.read(lambda records: records.users.by_email(email.lower()) is not None)

    async def confirm(self, email: str) -> bool:
        """Confirm an address, as following the link of a mail would; ``False`` if there is no such user."""

        def confirm(records: Records) -> bool:
            user = records.users.by_email(email.lower())
            if user is None:
                return False
            now = instant(self._clock())
            records.users.update(confirmed(user, now))
            mark_email_verified(records, user, now)
            records.one_time_tokens.drop(user.id)
            return True

        return await self._store.write(confirm)

    # Recognising

    async def authenticate(self, email: str, password: str, *, phone: str = "") -> Recognised:
        """The confirmed user of that address and password, or of that number.

        Raises:
            RefusalError: ``invalid_credentials`` after the same work whether there is such a user or not;
                ``user_banned``, ``email_not_confirmed`` or ``phone_not_confirmed`` to whoever knows the password.
        """
        user = await self._store.read(
            lambda records: records.users.by_phone(phone) if phone else records.users.by_email(email.lower())
        )
        hashed = None if user is None else user.password_hash
        if not await self._passwords.verify(password, hashed) or user is None or hashed is None:
            raise errors.invalid_credentials() if user is None else errors.invalid_credentials().about(user.id)
        self._check_ban(user)
        if phone and user.phone_confirmed_at is None:
            raise errors.phone_not_confirmed().about(user.id)
        if not phone and user.email_confirmed_at is None:
            raise errors.email_not_confirmed().about(user.id)
        today = await self._passwords.hash(password) if self._passwords.is_outdated(hashed) else hashed
        return Recognised(user_id=user.id, verified_hash=hashed, hash_of_today=today)

    def recall(self, records: Records, recognised: Recognised) -> UserRow:
        """The user recognised, with a hash of today's cost. Runs inside a transaction.

        Raises:
            RefusalError: The user is gone or banned, or the password was changed since.
        """
        user = records.users.by_id(recognised.user_id)
        if user is None or user.password_hash != recognised.verified_hash:
            raise errors.invalid_credentials()
        self._check_ban(user)
        return msgspec.structs.replace(user, password_hash=recognised.hash_of_today)

    def _check_ban(self, user: UserRow) -> None:
        if is_banned(user, instant(self._clock())):
            raise errors.user_banned(400).about(user.id)

    def weakness(self, password: str) -> RefusalError | None:
        """Why a password that was good once would not be taken today."""
        return self._policy.weakness(password)
