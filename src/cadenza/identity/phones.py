"""Telephone numbers: nothing here can send a text message, so only test numbers get codes, and theirs are settled.

Above: ``sign_up``, ``links``, ``changes``, ``reauthentication``. Below: ``one_time_codes``, ``intervals``, ``config``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.config import IdentityConfig
from cadenza.identity.intervals import Intervals
from cadenza.identity.one_time_codes import OneTimeCodes
from cadenza.identity.records import Records, TokenKind, UserRow
from cadenza.identity.times import instant

#: What Supabase Auth answers instead of a text message's number.
_MESSAGE_ID: Final = "test-otp"
_CHANNELS: Final = frozenset({"", "sms"})


class Phones:
    """See the module.

    Args:
        config: The test numbers.
        codes: Keeps their codes.
        intervals: Between messages.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, config: IdentityConfig, *, codes: OneTimeCodes, intervals: Intervals, clock: Callable[[], float]
    ) -> None:
        self._test_otps = config.test_otps
        self._autoconfirm = config.phone_autoconfirm
        self._codes = codes
        self._intervals = intervals
        self._clock = clock

    @property
    def served(self) -> bool:
        """Whether numbers are taken at all."""
        return bool(self._test_otps)

    @property
    def autoconfirm(self) -> bool:
        """Whether a number counts as confirmed without its code."""
        return self._autoconfirm

    def check_channel(self, channel: str | None) -> None:
        """Refuse a way to send a message that is none."""
        if (channel or "") not in _CHANNELS:
            message = "Invalid channel, supported values are 'sms' or 'whatsapp'. 'whatsapp' is only supported if "
            raise errors.validation_failed(message + "Twilio or Twilio Verify is used as the provider.")

    def send_confirmation(self, records: Records, user: UserRow) -> str:
        """Give the user's number a code. Runs inside a transaction; so do the others."""
        return self._send(records, user, user.phone or "", TokenKind.CONFIRMATION, "confirmation_sent_at")

    def send_reauthentication(self, records: Records, user: UserRow) -> str:
        """The same, for ``reauthentication``."""
        return self._send(records, user, user.phone or "", TokenKind.REAUTHENTICATION, "reauthentication_sent_at")

    def send_change(self, records: Records, user: UserRow, phone: str) -> str:
        """Give a number a code with which it becomes the user's."""
        user = msgspec.structs.replace(user, new_phone=phone)
        return self._send(records, user, phone, TokenKind.PHONE_CHANGE, "phone_change_sent_at")

    def _send(self, records: Records, user: UserRow, phone: str, kind: TokenKind, sent_at: str) -> str:
        self._intervals.check(getattr(user, sent_at), by_text=True)
        code = self._test_otps.get(phone)
        if code is None:
            raise errors.text_not_sent(_WHAT[kind])
        self._codes.issue(records, kind, user_id=user.id, sent_to=phone, code=code)
        now = instant(self._clock())
        records.users.update(msgspec.structs.replace(user, **{sent_at: now}, updated_at=now))
        return _MESSAGE_ID


_WHAT: Final = {
    TokenKind.CONFIRMATION: "confirmation",
    TokenKind.REAUTHENTICATION: "reauthentication",
    TokenKind.PHONE_CHANGE: "phone_change",
}
