"""Supabase Auth's request bodies as frozen structs, in the spelling of the wire. What admins ask stands in ``admin``.

Every field may be absent, and ``None`` reads like an absent field, as it does in Supabase Auth: what is missing is
the provider's to refuse, with its own code. ``code_challenge`` and ``code_challenge_method`` (``s256``) go together.

Above: ``requests`` on the asking side, ``cadenza.identity`` on the answering one. Below: ``messages.Discreet``.
"""

from __future__ import annotations

from cadenza.protocol.auth.messages import Discreet


class SignupBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /signup``. Without an address and a number: an anonymous user."""

    email: str | None = None
    phone: str | None = None
    password: str | None = None
    data: dict[str, object] | None = None
    channel: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class PasswordGrantBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /token?grant_type=password``."""

    email: str | None = None
    phone: str | None = None
    password: str | None = None


class RefreshTokenGrantBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /token?grant_type=refresh_token``."""

    refresh_token: str | None = None


class PkceGrantBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /token?grant_type=pkce``: the code of a redirect and what its challenge was made of."""

    auth_code: str | None = None
    code_verifier: str | None = None


class IdTokenGrantBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /token?grant_type=id_token``: another issuer's ID token (OpenID Connect Core section 2).

    ``provider`` names a configured one, or ``client_id`` and ``issuer`` do. ``access_token`` is what the ID token's
    ``at_hash`` was made of, ``nonce`` what its ``nonce`` is the SHA-256 of. ``link_identity`` adds the identity to
    the bearer's user instead of signing in.
    """

    id_token: str | None = None
    access_token: str | None = None
    nonce: str | None = None
    provider: str | None = None
    client_id: str | None = None
    issuer: str | None = None
    link_identity: bool | None = None


class OtpBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /otp``: a one-time code, by mail with a link or by text message. ``create_user``: absent means true."""

    email: str | None = None
    phone: str | None = None
    create_user: bool | None = None
    data: dict[str, object] | None = None
    channel: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class MagicLinkBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /magiclink``, the older name of ``/otp`` for mail."""

    email: str | None = None
    data: dict[str, object] | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class VerifyBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /verify``: ``token`` (the code as typed) with its address or number, or ``token_hash`` (of the link)."""

    type: str | None = None
    token: str | None = None
    token_hash: str | None = None
    email: str | None = None
    phone: str | None = None
    redirect_to: str | None = None


class RecoverBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /recover``: a link that signs in whoever forgot the password."""

    email: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class ResendBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /resend``."""

    type: str | None = None
    email: str | None = None
    phone: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class UserUpdateBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``PUT /user``. In ``data`` a null removes the key; ``app_metadata`` is refused (``not_admin``).

    ``nonce`` is the code of ``GET /reauthenticate``, which a new password may need when the session is old.
    """

    email: str | None = None
    phone: str | None = None
    password: str | None = None
    current_password: str | None = None
    nonce: str | None = None
    data: dict[str, object] | None = None
    app_metadata: dict[str, object] | None = None
    channel: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class EnrolFactorBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /factors``. ``issuer`` is what the authenticator app shows; absent: the host of the site's address."""

    factor_type: str | None = None
    friendly_name: str | None = None
    issuer: str | None = None
    phone: str | None = None


class ChallengeFactorBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /factors/{id}/challenge``; empty for an authenticator app."""

    channel: str | None = None


class VerifyFactorBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /factors/{id}/verify``."""

    challenge_id: str | None = None
    code: str | None = None
