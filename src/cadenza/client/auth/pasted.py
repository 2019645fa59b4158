"""Reads what a person pastes or types to end a sign-in: an address, a mail's link, or a bare code. Sans-I/O.

Above: ``redirects``. Below: ``protocol.auth.callbacks``, ``pending``. An address that carries a ``state`` must carry
this flow's: a link that somebody else sent must not sign this user in as them.
"""

from __future__ import annotations

import hmac
import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

from cadenza.client.auth.pending import PendingFlow
from cadenza.errors import ProtocolError, ValidationError
from cadenza.protocol.auth.callbacks import CallbackCode, read_callback, read_state
from cadenza.protocol.auth.messages import Discreet
from cadenza.protocol.auth.words import VerifyType

_LONGEST: Final = 8192
_TYPED_CODE: Final = re.compile(r"[0-9]{6,10}")
_BARE_CODE: Final = re.compile(r"[A-Za-z0-9._~-]{8,512}")
#: What a mail's link may be for, and end in a sign-in.
_LINKS: Final = frozenset(
    {VerifyType.SIGNUP, VerifyType.EMAIL, VerifyType.MAGICLINK, VerifyType.RECOVERY, VerifyType.INVITE}
)


class ExchangeCode(Discreet, frozen=True, kw_only=True):
    """What the browser brought: goes to the provider with the flow's verifier."""

    code: str


class MailedCode(Discreet, frozen=True, kw_only=True):
    """The digits of a mail."""

    code: str


class MailedLink(Discreet, frozen=True, kw_only=True):
    """The link of a mail, not followed: what it carries."""

    token_hash: str
    kind: VerifyType


Pasted = ExchangeCode | MailedCode | MailedLink


def state_of(text: str) -> str:
    """The ``state`` that a pasted address carries, itself or in its ``redirect_to``; empty for none."""
    text = text.strip()
    if not _is_address(text):
        return ""
    link = _link_fields(text)
    try:
        return read_state(link.get("redirect_to", "") if link else text)
    except ProtocolError:
        return ""


def read_pasted(text: str, flow: PendingFlow) -> Pasted:
    """Read it.

    Raises:
        ValidationError: It is none of these, or another sign-in's.
        IdentityError: It is an address with the provider's refusal.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise _unreadable(flow)
    if _is_address(text):
        return _read_address(text, flow)
    digits = "".join(text.split())
    if flow.kind.is_mailed and _TYPED_CODE.fullmatch(digits):
        return MailedCode(code=digits)
    if _BARE_CODE.fullmatch(text):
        return ExchangeCode(code=text)
    raise _unreadable(flow)


def _read_address(text: str, flow: PendingFlow) -> Pasted:
    link = _link_fields(text) if flow.kind.is_mailed else {}
    state = state_of(text)
    # A mail's link may have lost its way back, where the provider did not allow it; its user is checked afterwards.
    if (state or not link) and not hmac.compare_digest(state.encode(), flow.state.encode()):
        raise ValidationError(
            "That address belongs to another sign-in.",
            field="pasted",
            next_step="Paste the address of the sign-in that was started here, or start anew.",
        )
    if link:
        return _read_link(link, flow)
    try:
        read = read_callback(text)
    except ProtocolError:
        raise _unreadable(flow) from None
    if not isinstance(read, CallbackCode):
        raise _unreadable(flow)
    return ExchangeCode(code=read.code)


def _read_link(link: dict[str, str], flow: PendingFlow) -> MailedLink:
    try:
        kind = VerifyType(link.get("type", ""))
    except ValueError:
        raise _unreadable(flow) from None
    if kind not in _LINKS:
        raise _unreadable(flow)
    return MailedLink(token_hash=link["token"], kind=kind)


def _link_fields(text: str) -> dict[str, str]:
    """A mail's link: it carries ``token`` or, in many templates, ``token_hash``; empty for any other address."""
    try:
        query = parse_qs(urlsplit(text).query, max_num_fields=64)
    except ValueError:
        return {}
    fields = {name: values[-1] for name, values in query.items()}
    token = fields.get("token_hash") or fields.get("token")
    return {**fields, "token": token} if token else {}


def _is_address(text: str) -> bool:
    return "://" in text or text.startswith(("?", "#"))


def _unreadable(flow: PendingFlow) -> ValidationError:
    what = "the link or the code of the mail" if flow.kind.is_mailed else "the whole address that the browser ended at"
    return ValidationError("That does not end the sign-in.", field="pasted", next_step=f"Paste {what}.")
