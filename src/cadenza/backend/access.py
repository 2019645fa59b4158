"""Who may call a method and who may join a channel. The rules stand beside each in schema; this decides by them.

Above: ``router``, ``handlers``. Below: schema. Rights come from the verified token alone: its ``sub`` and, through the
gateway, its ``meta``; nothing a caller writes in params can add to them.
"""

import msgspec

from cadenza.backend.ports import Caller
from cadenza.schema.access import Access
from cadenza.schema.channels import ParsedChannel
from cadenza.schema.codes import Code

__all__ = ["level_of", "may_call", "may_join"]

_SERVICE_ROLES = frozenset({"service", "admin"})


class _Meta(msgspec.Struct, frozen=True):
    """The part of a token's ``meta`` that rights hang on."""

    role: str = ""
    aal: str = ""


_meta = msgspec.json.Decoder(_Meta)


def may_call(access: Access, caller: Caller) -> Code | None:
    """Why this caller may not call a method of this rule; None when it may.

    ``OWNER`` is judged by the service, which alone knows whose the thing is; here it means signed in.
    """
    if access is Access.ANONYMOUS:
        return None
    if not caller.user:
        return Code.SIGN_IN_REQUIRED
    if access is Access.SERVICE and _role(caller) not in _SERVICE_ROLES:
        return Code.ACCESS_DENIED
    return None


def may_join(channel: ParsedChannel, caller: Caller) -> bool:
    """Whether this caller may join a channel. No trading account exists yet, so nobody owns one."""
    return channel.pattern.access is Access.USER and bool(caller.user)


def level_of(caller: Caller) -> str:
    """How far this connection's user has proved who they are: ``aal2`` by token or since, else ``aal1`` or empty."""
    return caller.raised or _read(caller).aal


def _role(caller: Caller) -> str:
    return _read(caller).role


def _read(caller: Caller) -> _Meta:
    try:
        return _meta.decode(caller.meta or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Meta()
