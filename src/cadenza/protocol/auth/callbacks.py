"""What a redirect says when a browser comes back from a link or a provider: the URL in, one of three values out.

Supabase Auth sends the browser to ``redirect_to`` with a session in the fragment (implicit flow), with ``?code=``
(PKCE), or with an error, which it writes into the query, the fragment, or both. Whoever listens must still hold the
URL against its own flow's ``state``: anyone can send a browser anywhere.

Above: ``client.auth`` (loopback listener, pasted address). Below: ``codes``, ``messages``, ``cadenza.errors``.
"""

from __future__ import annotations

import urllib.parse
from typing import Final

from cadenza.errors import IdentityError, ProtocolError
from cadenza.protocol.auth.codes import Action, action_for
from cadenza.protocol.auth.errors import refusal_message
from cadenza.protocol.auth.messages import Discreet

_LONGEST_URL: Final = 32_768
_MANY_FIELDS: Final = 64
_REDIRECTED: Final = 303


class CallbackCode(Discreet, frozen=True, kw_only=True):
    """A PKCE code: exchange it with the verifier (``requests.pkce_grant``), once. ``state`` as it came, or empty."""

    code: str
    state: str = ""


class CallbackSession(Discreet, frozen=True, kw_only=True):
    """A session in the fragment. Who it belongs to, ``GET /user`` tells. ``kind``: ``signup``, ``magiclink`` ..."""

    access_token: str
    token_type: str
    expires_in: int
    expires_at: int
    refresh_token: str
    provider_token: str = ""
    provider_refresh_token: str = ""
    kind: str = ""
    state: str = ""


class CallbackMessage(Discreet, frozen=True, kw_only=True):
    """Neither session nor refusal, but a sentence: the first link of a change of address was followed."""

    message: str


Callback = CallbackCode | CallbackSession | CallbackMessage


def read_callback(url: str) -> Callback:
    """Read the address that a browser was sent to.

    Args:
        url: The whole address, fragment included; or ``?...`` or ``#...`` alone.

    Returns:
        What it carries.

    Raises:
        IdentityError: It carries the provider's refusal; ``error_code`` says which.
        ProtocolError: It carries nothing of the kind: it is another address.
    """
    fields = _fields(url)
    if "error" in fields or "error_code" in fields or "error_description" in fields:
        raise _refusal(fields)
    if fields.get("access_token") and fields.get("refresh_token"):
        return _session(fields)
    if fields.get("code"):
        return CallbackCode(code=fields["code"], state=fields.get("state", ""))
    if fields.get("message"):
        return CallbackMessage(message=fields["message"])
    raise _unreadable()


def read_state(url: str) -> str:
    """The ``state`` that a flow put into its ``redirect_to``, whatever else the address carries; empty for none.

    Hold it against the flow's own before believing anything else, refusals included. Raises ``ProtocolError`` for what
    is no address.
    """
    return _fields(url).get("state", "")


def _fields(url: str) -> dict[str, str]:
    """Query and fragment together; the fragment wins, which no server in between has seen."""
    if len(url) > _LONGEST_URL:
        raise _unreadable()
    try:
        parts = urllib.parse.urlsplit(url.strip())
        read = [_pairs(parts.query), _pairs(parts.fragment)]
    except ValueError:
        raise _unreadable() from None  # its text may quote the address, and so a token
    return dict(read[0] + read[1])


def _pairs(text: str) -> list[tuple[str, str]]:
    return urllib.parse.parse_qsl(text, keep_blank_values=True, max_num_fields=_MANY_FIELDS)


def _session(fields: dict[str, str]) -> CallbackSession:
    return CallbackSession(
        access_token=fields["access_token"],
        token_type=fields.get("token_type", "bearer"),
        expires_in=_whole(fields.get("expires_in", "")),
        expires_at=_whole(fields.get("expires_at", "")),
        refresh_token=fields["refresh_token"],
        provider_token=fields.get("provider_token", ""),
        provider_refresh_token=fields.get("provider_refresh_token", ""),
        kind=fields.get("type", ""),
        state=fields.get("state", ""),
    )


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**53))):
        raise _unreadable()
    return int(text)


def _refusal(fields: dict[str, str]) -> IdentityError:
    error_code = fields.get("error_code", "")
    action = action_for(_REDIRECTED, error_code)
    return IdentityError(
        refusal_message(_REDIRECTED, fields.get("error_description") or fields.get("error", "")),
        status=_REDIRECTED,
        error_code=error_code or fields.get("error", ""),
        temporary=action is Action.RETRY,
        retry_after_seconds=None,
        next_step=action.value,
    )


def _unreadable() -> ProtocolError:
    return ProtocolError(
        "The address carries neither a code nor a session nor a refusal.",
        next_step="Copy the whole address that the browser was sent to, or start the sign-in again.",
    )
