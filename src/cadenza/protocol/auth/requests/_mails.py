"""One-time codes and links: having them sent, and redeeming them.

Above: the door, ``requests``. Below: ``_request``, ``bodies``.
"""

from __future__ import annotations

from collections.abc import Mapping

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.bodies import MagicLinkBody, OtpBody, RecoverBody, ResendBody, VerifyBody
from cadenza.protocol.auth.requests._request import Request, method_for, own, post
from cadenza.protocol.auth.words import ResendType, VerifyType


def send_otp(
    email: str = "",
    *,
    phone: str = "",
    create_user: bool = True,
    metadata: Mapping[str, object] | None = None,
    redirect_to: str = "",
    code_challenge: str | None = None,
) -> Request:
    """Send a one-time code: by mail, with a link, or as a text message. Read it with ``responses.parse_otp_sent``.

    Args:
        email: The address, or empty with ``phone``.
        phone: Digits, country first.
        create_user: Whether an unknown address signs up.
        metadata: The user's own data, should one be made.
        redirect_to: Where the link leads in the end.
        code_challenge: A ``Pkce.challenge``: the link then yields a code for ``requests.pkce_grant``.
    """
    body = OtpBody(
        email=email or None,
        phone=phone or None,
        create_user=create_user,
        data=own(metadata),
        code_challenge=code_challenge,
        code_challenge_method=method_for(code_challenge),
    )
    return post(endpoints.OTP, body, redirect_to=redirect_to)


def send_magic_link(
    email: str,
    *,
    metadata: Mapping[str, object] | None = None,
    redirect_to: str = "",
    code_challenge: str | None = None,
) -> Request:
    """The older name of ``send_otp`` for mail. Read the answer with ``responses.expect_success``."""
    body = MagicLinkBody(
        email=email,
        data=own(metadata),
        code_challenge=code_challenge,
        code_challenge_method=method_for(code_challenge),
    )
    return post(endpoints.MAGICLINK, body, redirect_to=redirect_to)


def verify_code(kind: VerifyType, token: str, *, email: str = "", phone: str = "", redirect_to: str = "") -> Request:
    """Redeem a code as a person types it, with the address or number it was sent to.

    Read the answer with ``responses.parse_verify``: a session, or that a second code is still to come.
    """
    body = VerifyBody(
        type=kind.value, token=token, email=email or None, phone=phone or None, redirect_to=redirect_to or None
    )
    return post(endpoints.VERIFY, body)


def verify_token_hash(kind: VerifyType, token_hash: str) -> Request:
    """Redeem what a link carries, without following it. Read the answer with ``responses.parse_verify``."""
    return post(endpoints.VERIFY, VerifyBody(type=kind.value, token_hash=token_hash))


def recover(email: str, *, redirect_to: str = "", code_challenge: str | None = None) -> Request:
    """Send a link that signs in whoever forgot the password. Read the answer with ``responses.expect_success``.

    It succeeds for an unknown address too.
    """
    body = RecoverBody(email=email, code_challenge=code_challenge, code_challenge_method=method_for(code_challenge))
    return post(endpoints.RECOVER, body, redirect_to=redirect_to)


def resend(
    kind: ResendType, *, email: str = "", phone: str = "", redirect_to: str = "", code_challenge: str | None = None
) -> Request:
    """Send a confirmation once more. Read the answer with ``responses.parse_otp_sent``."""
    body = ResendBody(
        type=kind.value,
        email=email or None,
        phone=phone or None,
        code_challenge=code_challenge,
        code_challenge_method=method_for(code_challenge),
    )
    return post(endpoints.RESEND, body, redirect_to=redirect_to)
