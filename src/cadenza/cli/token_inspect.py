"""``cadenza token inspect``: what a token says, without its signature.

Above: ``cli.app``. Below: ``tokens.compact`` takes it apart, ``tokens.claims`` checks its form, ``tokens.reserved``
looks for claims that the gateway reads in its own way; the stored session. Nothing is verified here: there is no key.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.exits import Exit
from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE

if TYPE_CHECKING:
    from cadenza.tokens.reserved import Finding

__all__ = ["register", "token_of"]

#: Claims that are times, in seconds since the epoch.
_TIMES = ("exp", "iat", "nbf", "auth_time")


def register(app: typer.Typer) -> None:
    """Add this verb to its group."""
    app.callback()(lambda: None)  # without it, a group of one verb would be the verb
    app.command(
        "inspect",
        epilog=examples("cadenza token inspect", "cadenza token inspect - < token.txt", "cadenza token inspect --json"),
    )(inspect)


def inspect(
    source: Annotated[str, typer.Argument(metavar="-", help="- reads the token from stdin.", show_default=False)] = "",
    *,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Show what an access token says: header, claims, when it ends, who it is for.

    Reads the token from stdin where something is piped in, otherwise takes the stored session's. The signature is
    neither shown nor checked. Warns of claims that the gateway takes for something else than they were meant for. Ends
    with 1 if no server could take a token of this form, or with these claims.
    """
    if source not in ("", "-"):
        # Whatever was given is not repeated: it is most likely the token.
        raise typer.BadParameter("a token is never an argument, for others can read those; pipe it in", param_hint="-")
    header, claims, problem, warnings = _read(token_of(source, profile))
    if as_json:
        _show_json(header, claims, problem, warnings)
    else:
        _show(header, claims, problem, warnings)
    if problem or any(warning.is_fatal for warning in warnings):
        raise typer.Exit(Exit.FAILED)


def token_of(source: str, profile: str | None) -> str:
    """Return the token that is piped in, or the stored session's."""
    from cadenza.cli.input import is_piped, read_all

    if source == "-" or is_piped():
        given = read_all().strip()
        # An empty file or pipe is what a script's stdin often is; asked for by "-", it is a mistake.
        if given or source == "-":
            return given.removeprefix("Bearer ").strip()
    from cadenza.cli.loops import run
    from cadenza.cli.session import stored_session

    return run(stored_session(profile)).session.access_token


def _read(token: str) -> tuple[dict[str, object], dict[str, object], str, tuple[Finding, ...]]:
    """Return header, claims, and what is wrong with form and claims. Raises TokenFormatError if unreadable."""
    import msgspec

    from cadenza.errors import TokenFormatError
    from cadenza.tokens.claims import check_form
    from cadenza.tokens.compact import decode_json, split
    from cadenza.tokens.reserved import lint

    parts = split(token)
    members = msgspec.json.Decoder(dict[str, object])
    header = decode_json(parts.header, members, "header members")
    claims = decode_json(parts.payload, members, "claims")
    try:
        checked = check_form(token)
    except TokenFormatError as malformed:
        return header, claims, malformed.message, ()
    return header, claims, "", lint(checked.claims)


def _show(
    header: Mapping[str, object], claims: Mapping[str, object], problem: str, warnings: Sequence[Finding]
) -> None:
    from cadenza.cli.colours import Style
    from cadenza.cli.output import say, show_pairs

    now = time.time()
    say("Header", Style.STRONG)
    show_pairs({f"  {name}": _text(value) for name, value in header.items()})
    say("Claims", Style.STRONG)
    show_pairs({f"  {name}": _claim(name, value, now) for name, value in claims.items()})
    say("")
    summary = {"For": _whom(claims), "Expires": _claim("exp", claims["exp"], now) if "exp" in claims else "never"}
    if problem:
        summary["Problem"] = problem
    show_pairs({**summary, "Signature": "not shown, not checked"})
    for warning in warnings:
        say(f"Warning: {warning.claim}: {warning.message} {warning.next_step}")


def _show_json(
    header: Mapping[str, object], claims: Mapping[str, object], problem: str, warnings: Sequence[Finding]
) -> None:
    from cadenza.cli.output import json_text, say

    shown: dict[str, object] = {"header": header, "claims": claims}
    moment = _moment(claims.get("exp"))
    if moment is not None:
        left = moment.timestamp() - time.time()
        shown.update(expiresAt=moment.isoformat(), expiresInSeconds=round(left), expired=left <= 0)
    if problem:
        shown["problem"] = problem
    if warnings:
        shown["warnings"] = [
            {"claim": one.claim, "message": one.message, "nextStep": one.next_step, "fatal": one.is_fatal}
            for one in warnings
        ]
    say(json_text(shown))


def _whom(claims: Mapping[str, object]) -> str:
    """Who it is for: the user, and the audience that may take it."""
    user = _text(claims.get("email") or claims.get("phone") or "")
    subject = _text(claims.get("sub") or "")
    named = f"{user} ({subject})" if user and subject else user or subject or "nobody"
    audience = claims.get("aud")
    audiences = ", ".join(map(_text, audience)) if isinstance(audience, list) else _text(audience or "anybody")
    return f"{named}, to be taken by {audiences}"


def _claim(name: str, value: object, now: float) -> str:
    from cadenza.cli.moments import distance

    moment = _moment(value) if name in _TIMES else None
    if moment is None:
        return _text(value)
    return f"{_text(value)}  {moment:%a %d %b %Y %H:%M:%S %Z}, {distance(moment.timestamp() - now)}"


def _moment(value: object) -> dt.datetime | None:
    """The local time of a claim, or None where it is none."""
    from cadenza.cli.moments import moment

    return None if isinstance(value, bool) or not isinstance(value, int | float) else moment(value)


def _text(value: object) -> str:
    from cadenza.cli.output import json_text

    # Text as it stands; in quotes where it could pass for more than one line.
    return value if isinstance(value, str) and value.isprintable() else json_text(value)
