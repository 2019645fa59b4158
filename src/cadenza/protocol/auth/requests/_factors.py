"""Second factors: enrol, challenge, verify, remove. The list of a user's own stands in ``User.factors``.

Above: the door, ``requests``. Below: ``_request``, ``bodies``.
"""

from __future__ import annotations

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.bodies import ChallengeFactorBody, EnrolFactorBody, VerifyFactorBody
from cadenza.protocol.auth.requests._request import Request, post
from cadenza.protocol.auth.words import FactorType


def enrol_totp(access_token: str, *, friendly_name: str = "", issuer: str = "") -> Request:
    """Begin to add an authenticator app. Read the answer with ``responses.parse_enrolled_factor``.

    Args:
        access_token: The user's; at ``aal2`` when there is a verified factor already.
        friendly_name: No two factors of a user share one.
        issuer: What the app shows; empty: the host of the provider's site.
    """
    body = EnrolFactorBody(
        factor_type=FactorType.TOTP.value, friendly_name=friendly_name or None, issuer=issuer or None
    )
    return post(endpoints.FACTORS, body, bearer=access_token)


def challenge_factor(access_token: str, factor_id: str) -> Request:
    """Begin to prove a factor. Read the answer with ``responses.parse_factor_challenge``."""
    return post(endpoints.factor_challenge(factor_id), ChallengeFactorBody(), bearer=access_token)


def verify_factor(access_token: str, factor_id: str, *, challenge_id: str, code: str) -> Request:
    """Prove it. Read the answer with ``responses.parse_session``: a session at ``aal2``."""
    body = VerifyFactorBody(challenge_id=challenge_id, code=code)
    return post(endpoints.factor_verify(factor_id), body, bearer=access_token)


def delete_factor(access_token: str, factor_id: str) -> Request:
    """Remove a factor; a verified one wants ``aal2``. Read it with ``responses.parse_unenrolled_factor``."""
    return Request(method="DELETE", path=endpoints.factor(factor_id), bearer=access_token)
