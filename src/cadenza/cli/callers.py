"""Whose rights are meant: the stored session's, a token's, nobody's, or those of somebody who is described.

Above: ``cli.explain``. Below: ``cli.token_inspect`` gets a token, ``tokens.reserved`` looks it over.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import typer

__all__ = ["Described", "described"]

_ME = "me"
_ANONYMOUS = "anonymous"
_STDIN = "-"
_SOMEBODY = "somebody"
#: How a JSON Web Token begins: an encoded ``{"``.
_BEGIN_OF_A_JWT = "eyJ"


class Described:
    """A caller as the gateway would vouch for one, and where that is known from.

    Args:
        user: The token's ``sub``; empty for nobody.
        meta: Its ``meta``; None where it has none.
        source: Where this is known from, in words.
        notes: What is odd about the token.
    """

    def __init__(self, user: str, meta: Mapping[str, object] | None, source: str, notes: Sequence[str] = ()) -> None:
        self.user = user
        self.meta = meta
        self.source = source
        self.notes = tuple(notes)


def described(whom: str, claims: Sequence[str], profile: str | None) -> Described:
    """Return who is meant by ``--as`` and ``--claim``.

    Raises:
        BadParameter: A token was given as an argument, or a claim without a value.
        SignInRequiredError: The stored session is meant, and there is none.
        TokenFormatError: What is piped in is no token.
    """
    if whom.startswith(_BEGIN_OF_A_JWT):
        raise typer.BadParameter("a token is never an argument, for others can read those; pipe it in", param_hint="-")
    told = dict(_claim(one) for one in claims)
    whom = whom or (_SOMEBODY if told else _ME)
    if whom == _ANONYMOUS:
        if told:
            raise typer.BadParameter("nobody is signed in, so there are no claims", param_hint="--claim")
        return Described("", None, "nobody is signed in")
    if whom in (_ME, _STDIN):
        return _of_token(whom, told, profile)
    meta = {"session_id": "described", "aal": "aal1", "role": "authenticated"}
    return Described(told.pop("sub", whom), {**meta, **told}, "as described here")


def _of_token(whom: str, told: dict[str, str], profile: str | None) -> Described:
    import msgspec

    from cadenza.cli.token_inspect import token_of
    from cadenza.tokens.claims import check_form
    from cadenza.tokens.reserved import lint

    claims = check_form(token_of(_STDIN, None) if whom == _STDIN else _stored(profile)).claims
    notes = [f"{one.claim}: {one.message} {one.next_step}" for one in lint(claims)]
    if claims.exp is not None and claims.exp <= time.time():
        notes.append("The token has expired: the next one may say something else.")
    try:
        meta = msgspec.json.decode(claims.meta, type=dict[str, object]) if claims.meta else None
    except msgspec.MsgspecError:
        meta = None  # said by the lint
    source = "by the token on stdin" if whom == _STDIN else "by the stored session"
    if told:
        meta, source = {**(meta or {}), **told}, f"{source}, changed as described here"
    return Described(claims.sub or "", meta, source, notes)


def _stored(profile: str | None) -> str:
    from cadenza.cli.loops import run
    from cadenza.cli.session import stored_session

    return run(stored_session(profile)).session.access_token


def _claim(text: str) -> tuple[str, str]:
    name, separator, value = text.removeprefix("meta.").partition("=")
    if not separator or not name:
        raise typer.BadParameter("a claim is NAME=VALUE, such as role=admin", param_hint="--claim")
    return name, value
