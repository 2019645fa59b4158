"""User rows and their ways in: how a new one looks, and what a confirmation changes. Values in, values out.

Above: the rules over users. Below: ``records``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from cadenza.identity.config import IdentityConfig
from cadenza.identity.metadata import merged
from cadenza.identity.records import IdentityRow, Records, UserRow
from cadenza.identity.times import instant

EMAIL_PROVIDER: Final = "email"
PHONE_PROVIDER: Final = "phone"
PASSWORD_METHOD: Final = "password"  # noqa: S105 - the name of a method
OTP_METHOD: Final = "otp"
ANONYMOUS_METHOD: Final = "anonymous"


class Accounts:
    """Makes rows.

    Args:
        config: Audience and role of new users.
        clock: Seconds since the epoch.
        new_id: Makes ids.
    """

    def __init__(self, config: IdentityConfig, *, clock: Callable[[], float], new_id: Callable[[], str]) -> None:
        self._config = config
        self._clock = clock
        self._new_id = new_id

    def register(
        self,
        records: Records,
        *,
        email: str | None = None,
        phone: str | None = None,
        password_hash: str | None,
        data: Mapping[str, object],
    ) -> UserRow:
        """Put a user of an address or a number, unconfirmed, into the database, with that one way in."""
        user_id = self._new_id()
        provider = EMAIL_PROVIDER if email else PHONE_PROVIDER
        own = {"email_verified": False, "phone_verified": False, "sub": user_id}
        metadata = text_of({**merged({}, data), **({"email": email} if email else {}), **own})
        user = self._row(user_id, email=email, phone=phone, password_hash=password_hash, user_metadata=metadata)
        records.users.insert(user)
        self.add_identity(records, user, provider, metadata)
        return user

    def register_named(
        self,
        records: Records,
        *,
        email: str | None = None,
        phone: str | None = None,
        password_hash: str | None = None,
        data: Mapping[str, object],
        user_id: str = "",
    ) -> UserRow:
        """Put a user whom an administrator names into the database, unconfirmed, with a way in for each of the two.

        Their metadata is what the administrator says and no more: the address stands in the way in alone.
        """
        user = self._row(
            user_id or self._new_id(),
            email=email,
            phone=phone,
            password_hash=password_hash,
            user_metadata=text_of(data),
        )
        records.users.insert(user)
        own = {"email_verified": False, "phone_verified": False, "sub": user.id}
        for provider, way in ((EMAIL_PROVIDER, email), (PHONE_PROVIDER, phone)):
            if way:
                self.add_identity(records, user, provider, text_of({provider: way, **own}))
        return user

    def register_anonymously(self, records: Records, data: Mapping[str, object]) -> UserRow:
        """Put a user without any way in into the database: the session they get is all they have."""
        user = self._row(self._new_id(), user_metadata=text_of(merged({}, data)))
        records.users.insert(user)
        return user

    def _row(
        self,
        user_id: str,
        *,
        email: str | None = None,
        phone: str | None = None,
        password_hash: str | None = None,
        user_metadata: str,
    ) -> UserRow:
        now = instant(self._clock())
        providers = [name for name, way in ((EMAIL_PROVIDER, email), (PHONE_PROVIDER, phone)) if way]
        return UserRow(
            id=user_id,
            aud=self._config.audience,
            role=self._config.default_role,
            email=email,
            phone=phone,
            password_hash=password_hash,
            email_confirmed_at=None,
            confirmation_sent_at=None,
            last_sign_in_at=None,
            app_metadata=text_of({"provider": providers[0], "providers": providers} if providers else {}),
            user_metadata=user_metadata,
            is_anonymous=not providers,
            created_at=now,
            updated_at=now,
        )

    def add_identity(self, records: Records, user: UserRow, provider: str, data: str, *, email: str = "") -> None:
        """Give a user the way in that an address or a number is; its subject is the user's own id."""
        now = instant(self._clock())
        records.identities.insert(
            IdentityRow(
                id=self._new_id(),
                user_id=user.id,
                provider=provider,
                subject=user.id,
                email=(email or user.email) if provider == EMAIL_PROVIDER else None,
                data=data,
                last_sign_in_at=now,
                created_at=now,
                updated_at=now,
            )
        )


def confirmed(user: UserRow, now: int) -> UserRow:
    """A user whose address has been shown to be theirs."""
    metadata = changed_text(user.user_metadata, {"email_verified": True})
    return msgspec.structs.replace(user, email_confirmed_at=now, user_metadata=metadata, updated_at=now)


def with_nothing_sent(user: UserRow) -> UserRow:
    """A user to whom nothing is under way: who has a new password waits for no code that was sent before."""
    return msgspec.structs.replace(
        user,
        confirmation_sent_at=None,
        recovery_sent_at=None,
        email_change_sent_at=None,
        phone_change_sent_at=None,
        reauthentication_sent_at=None,
    )


def way_in(records: Records, user_id: str, provider: str) -> IdentityRow | None:
    """The user's own address or number as a way in."""
    return records.identities.by_subject(provider, user_id)


def mark_email_verified(records: Records, user: UserRow, now: int) -> None:
    """Say of each way in by the user's address that the address is theirs."""
    for identity in records.identities.of(user.id):
        if user.email and identity.email == user.email:
            records.identities.update_data(identity.id, changed_text(identity.data, {"email_verified": True}), now)


def with_providers(records: Records, user: UserRow) -> UserRow:
    """A user whose ``app_metadata`` names the ways in there are, the oldest as the first."""
    names = list(dict.fromkeys(identity.provider for identity in records.identities.of(user.id)))
    changes: dict[str, object] = {"providers": names, **({"provider": names[0]} if names else {})}
    return msgspec.structs.replace(user, app_metadata=changed_text(user.app_metadata, changes))


def changed_text(data: str, changes: Mapping[str, object]) -> str:
    """JSON with some members changed."""
    return text_of({**data_of(data), **changes})


def data_of(text: str) -> dict[str, object]:
    """JSON of a row as a value."""
    return msgspec.json.decode(text, type=dict[str, object])


def text_of(value: Mapping[str, object]) -> str:
    """A value as a row keeps it."""
    return msgspec.json.encode(value).decode()
