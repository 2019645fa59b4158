"""Ways in at other providers, as rows: added, seen again, removed, and what of them the user's own row says.

Nothing is decided here; everything runs inside a transaction of the caller's.

Above: ``linking``. Below: ``records``, ``accounts``, ``providers``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from cadenza.identity import oauth_errors as errors
from cadenza.identity.accounts import data_of, text_of, with_providers
from cadenza.identity.config import IdentityConfig
from cadenza.identity.metadata import merged
from cadenza.identity.records import IdentityRow, Records, UserRow
from cadenza.identity.times import instant

#: What may be left out where a provider says more of somebody than a token can carry.
_EXPENDABLE: Final = ("custom_claims", "picture", "avatar_url", "profile", "website")


class WaysIn:
    """Writes them.

    Args:
        config: How much of what a provider says is kept.
        clock: Seconds since the epoch.
        new_id: Makes ids.
    """

    def __init__(self, config: IdentityConfig, *, clock: Callable[[], float], new_id: Callable[[], str]) -> None:
        self._config = config
        self._clock = clock
        self._new_id = new_id

    def fitting(self, data: Mapping[str, object]) -> dict[str, object]:
        """What a provider says, small enough for every access token to carry it."""
        kept = {**data, **({"email": str(data["email"]).lower()} if data.get("email") else {})}
        for name in _EXPENDABLE:
            if len(msgspec.json.encode(kept)) <= self._config.user_metadata_limit_bytes:
                break
            kept.pop(name, None)
        return kept

    def add(
        self, records: Records, user: UserRow, provider: str, subject: str, data: Mapping[str, object]
    ) -> IdentityRow:
        """Add a way in. The user's own row is yet to say so."""
        now = instant(self._clock())
        identity = IdentityRow(
            id=self._new_id(),
            user_id=user.id,
            provider=provider,
            subject=subject,
            email=_email_in(data),
            data=text_of(data),
            last_sign_in_at=now,
            created_at=now,
            updated_at=now,
        )
        records.identities.insert(identity)
        return identity

    def seen_again(self, records: Records, identity: IdentityRow, data: Mapping[str, object]) -> UserRow:
        """Keep what a provider says of somebody who has come by this way before."""
        user = records.users.by_id(identity.user_id)
        if user is None:  # the key between the tables forbids it
            raise errors.no_profile()
        now = instant(self._clock())
        records.identities.update(
            msgspec.structs.replace(
                identity, data=text_of(data), email=_email_in(data), last_sign_in_at=now, updated_at=now
            )
        )
        return self.with_data(records, user, data)

    def with_data(self, records: Records, user: UserRow, data: Mapping[str, object]) -> UserRow:
        """Keep what a provider says in the user's own metadata too, where it has room."""
        metadata = merged(data_of(user.user_metadata), data)
        if len(msgspec.json.encode(metadata)) <= self._config.user_metadata_limit_bytes:
            user = msgspec.structs.replace(user, user_metadata=text_of(metadata))
        return self.with_providers(records, user)

    def with_providers(self, records: Records, user: UserRow) -> UserRow:
        """Say in the user's own row which ways in there are."""
        user = msgspec.structs.replace(with_providers(records, user), updated_at=instant(self._clock()))
        records.users.update(user)
        return user

    def without_strangers(self, records: Records, user: UserRow, identity: IdentityRow) -> UserRow:
        """Leave one way in, of a user whose address nobody had shown to be theirs: the rest may be a stranger's."""
        for other in records.identities.of(user.id):
            if other.id != identity.id:
                records.identities.delete(other.id)
        records.sessions.delete_of(user.id)
        records.one_time_tokens.drop(user.id)
        user = msgspec.structs.replace(user, password_hash=None, user_metadata=identity.data)
        return self.with_providers(records, user)


def is_verified(identity: IdentityRow) -> bool:
    """Whether the provider says that the way in's address is theirs."""
    return data_of(identity.data).get("email_verified") is True


def _email_in(data: Mapping[str, object]) -> str | None:
    email = data.get("email")
    return email.lower() if isinstance(email, str) and email else None
