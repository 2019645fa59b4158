"""The access token, read without a key: would a gateway of this project take it, and does it carry what rights hang on.

Above: ``chain``. Below: ``tokens.claims``, ``tokens.reserved``. A token is never shown, and of its claims no more than
issuer, audience and the ids of keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cadenza.errors import TokenFormatError
from cadenza.stack.doctor.report import Finding, Link, broken, good, warning
from cadenza.tokens.claims import SYMMETRIC_ALGORITHMS, UnverifiedToken, check_form
from cadenza.tokens.reserved import lint

__all__ = ["look_at_token"]

AUDIENCE: Final = "authenticated"
_AGAIN: Final = "Sign in again: cadenza login."


def look_at_token(
    token: str, *, issuer: str | None, audience: str, key_ids: frozenset[str] | None, now: float
) -> Finding:
    """Look at the token.

    Args:
        token: The access token.
        issuer: The issuer it must name; None if that is not known.
        audience: Whom it must be for.
        key_ids: The provider's keys; None if they are not known.
        now: Seconds since the epoch.
    """
    try:
        read = check_form(token)
    except TokenFormatError as malformed:
        return broken(Link.TOKEN, malformed.message, _AGAIN)
    return next(_problems(read, issuer=issuer, audience=audience, key_ids=key_ids, now=now), None) or good(
        Link.TOKEN, f"Signed with {read.header.alg}, issued by {read.claims.iss}, for {audience}, whole."
    )


def _problems(
    read: UnverifiedToken, *, issuer: str | None, audience: str, key_ids: frozenset[str] | None, now: float
) -> Iterator[Finding]:
    """What is wrong, worst first."""
    header, claims = read.header, read.claims
    if header.alg in SYMMETRIC_ALGORITHMS:
        yield broken(
            Link.TOKEN,
            f"It is signed with a shared secret ({header.alg}), which no gateway can check by keys (row A5).",
            "Make an asymmetric key the provider's current one (settings, JWT Keys), then sign in: cadenza login.",
        )
    if key_ids is not None and header.kid not in key_ids:
        yield broken(
            Link.TOKEN,
            "It is signed with a key that the provider does not publish: another project's, or one withdrawn.",
            _AGAIN,
        )
    if issuer is not None and claims.iss != issuer:
        yield broken(
            Link.TOKEN,
            f"It was issued by {claims.iss}, and the provider here is {issuer}.",
            "Sign in here: cadenza login. Where the two are one, set GOTRUE_JWT_ISSUER to it at the provider.",
        )
    if not claims.is_for(audience):
        yield broken(Link.TOKEN, f"It is not for {audience}.", f"Set GOTRUE_JWT_AUD to {audience}, and sign in again.")
    if claims.exp is not None and claims.exp <= now:
        yield broken(Link.TOKEN, f"It ran out {now - claims.exp:.0f} s ago.", _AGAIN)
    for misread in lint(claims):
        told = f"Its {misread.claim}: {misread.message}"
        yield (broken if misread.is_fatal else warning)(Link.TOKEN, told, misread.next_step)
