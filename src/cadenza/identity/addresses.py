"""Addresses of mail and telephone numbers in the one form they are kept in.

Above: whatever takes one from a request. Below: ``errors``.
"""

from __future__ import annotations

import re
from typing import Final

from cadenza.identity import errors

_LONGEST_EMAIL: Final = 255
_LABEL: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
#: The form HTML's e-mail field takes, which Supabase Auth takes too.
_EMAIL: Final = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
#: E.164: a country's digit first, fifteen at most.
_PHONE: Final = re.compile(r"[1-9][0-9]{1,14}")


def normal_email(email: str) -> str:
    """An address in lower case.

    Raises:
        RefusalError: It has not the form of one.
    """
    if not email:
        raise errors.validation_failed("An email address is required")
    if len(email) > _LONGEST_EMAIL:
        raise errors.validation_failed("An email address is too long")
    if _EMAIL.fullmatch(email) is None:
        raise errors.validation_failed("Unable to validate email address: invalid format")
    return email.lower()


def normal_phone(phone: str) -> str:
    """A number as digits alone.

    Raises:
        RefusalError: It has not the form of one.
    """
    digits = phone.removeprefix("+").replace(" ", "")
    if _PHONE.fullmatch(digits) is None:
        raise errors.validation_failed("Invalid phone number format (E.164 required)")
    return digits
