"""Supabase Auth's two forms of an error body, written and read.

With ``X-Supabase-Api-Version: 2024-01-01`` or later: ``{"code": "<error_code>", "message": ...}`` and the version is
confirmed in the answer; without: ``{"code": <status>, "error_code": ..., "msg": ...}``. Both carry
``X-Sb-Error-Code``, except ``weak_password`` and ``unexpected_failure`` in the dated form. OAuth errors keep
``{"error", "error_description"}``.

Above: ``responses`` reads with it, ``cadenza.identity`` writes with it. Below: ``cadenza.errors``.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from cadenza.errors import IdentityError
from cadenza.protocol.auth.codes import Action, ErrorCode, action_for
from cadenza.protocol.auth.endpoints import API_VERSION, API_VERSION_HEADER, ERROR_CODE_HEADER
from cadenza.protocol.auth.messages import WeakPassword

#: Seen: dated errors that come without ``X-Sb-Error-Code``.
_WITHOUT_HEADER: Final = frozenset({ErrorCode.WEAK_PASSWORD, ErrorCode.UNEXPECTED_FAILURE})


class DatedErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The form since 2024-01-01."""

    code: str
    message: str
    weak_password: WeakPassword | None = None


class UndatedErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The form before."""

    code: int
    error_code: str
    msg: str
    weak_password: WeakPassword | None = None


class OAuthErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """OAuth's own form (RFC 6749 section 5.2)."""

    error: str
    error_description: str


class _AnyErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """All forms at once, nothing required: an error body must never be the cause of a second error."""

    code: str | int | None = None
    error_code: str | None = None
    message: str | None = None
    msg: str | None = None
    error: str | None = None
    error_description: str | None = None


_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def wants_dated_form(api_version: str | None) -> bool:
    """Whether a request's ``X-Supabase-Api-Version`` asks for the dated form; what is no date does not."""
    if _DATE.fullmatch(api_version or "") is None:
        return False  # Python would read the other spellings of ISO 8601 too
    try:
        asked = dt.date.fromisoformat(api_version or "")
    except ValueError:
        return False
    return asked >= dt.date.fromisoformat(API_VERSION)


def encode_error(
    *, status: int, error_code: str, message: str, dated: bool, reasons: tuple[str, ...] = ()
) -> tuple[dict[str, str], bytes]:
    """Write an error as Supabase Auth would.

    Args:
        status: HTTP's status.
        error_code: Supabase Auth's word for it.
        message: One sentence for a person.
        dated: Which form (``wants_dated_form``).
        reasons: Why a password is weak; only with ``weak_password``.

    Returns:
        The headers that belong to it, and the body.
    """
    weak = WeakPassword(reasons=reasons) if reasons else None
    headers = {"Content-Type": "application/json"}
    if not dated:
        headers[ERROR_CODE_HEADER] = error_code
        undated = UndatedErrorBody(code=status, error_code=error_code, msg=message, weak_password=weak)
        return headers, msgspec.json.encode(undated)
    if error_code not in _WITHOUT_HEADER:
        headers[ERROR_CODE_HEADER] = error_code
    headers[API_VERSION_HEADER] = API_VERSION
    return headers, msgspec.json.encode(DatedErrorBody(code=error_code, message=message, weak_password=weak))


def encode_oauth_error(error: str, description: str, *, dated: bool) -> tuple[dict[str, str], bytes]:
    """Write an error in OAuth's form, which has no error code and is the same in both versions.

    Args:
        error: The word.
        description: One sentence for a person.
        dated: Whether the version is confirmed (``wants_dated_form``).

    Returns:
        The headers that belong to it, and the body.
    """
    headers = {"Content-Type": "application/json"}
    if dated:
        headers[API_VERSION_HEADER] = API_VERSION
    return headers, msgspec.json.encode(OAuthErrorBody(error=error, error_description=description))


_ANY_ERROR: Final = msgspec.json.Decoder(_AnyErrorBody)
_EMAIL: Final = re.compile(r"\S+@\S+")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e\u00a0-\U0010ffff]+")
_WAIT: Final = re.compile(r"after (\d{1,6}) seconds?")
_LONGEST_READ: Final = 2000  # before the patterns run over it
_LONGEST_MESSAGE: Final = 300


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> IdentityError:
    """Turn any answer that is not a success into the error to raise.

    It never fails: a proxy's page of HTML yields an error with an empty ``error_code``. The provider's sentence is
    kept, short, printable, and without e-mail addresses.
    """
    fields = {name.lower(): value for name, value in headers.items()}
    read = _decode(body)
    error_code = _error_code(read, fields)
    action = action_for(status, error_code)
    said = read.message or read.msg or read.error_description or read.error or ""
    return IdentityError(
        refusal_message(status, said),
        status=status,
        error_code=error_code,
        temporary=action is Action.RETRY,
        retry_after_seconds=_retry_after(fields, said),
        next_step=action.value,
    )


def _decode(body: bytes) -> _AnyErrorBody:
    try:
        return _ANY_ERROR.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _AnyErrorBody()


def _error_code(read: _AnyErrorBody, fields: Mapping[str, str]) -> str:
    in_body = read.error_code or (read.code if isinstance(read.code, str) else "")
    return in_body or fields.get(ERROR_CODE_HEADER.lower(), "")


def refusal_message(status: int, said: str) -> str:
    """The provider's sentence, made fit to show: short, printable, without e-mail addresses."""
    clean = _EMAIL.sub("(address)", _UNPRINTABLE.sub(" ", said[:_LONGEST_READ])).strip()[:_LONGEST_MESSAGE]
    if not clean:
        return f"The identity provider answered with HTTP status {status}."
    return f"The identity provider refused: {clean}{'' if clean.endswith('.') else '.'}"


def _retry_after(fields: Mapping[str, str], said: str) -> float | None:
    """RFC 9110 section 10.2.3, both forms; else Supabase Auth's own sentence, which has the seconds in it."""
    value = fields.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    until, now = _http_date(value), _http_date(fields.get("date", ""))
    if until is not None and now is not None:
        return max(0.0, until - now)
    wait = _WAIT.search(said)
    return float(wait.group(1)) if wait else None


def _http_date(value: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
