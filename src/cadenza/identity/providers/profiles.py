"""What a provider says of somebody, in the words Supabase Auth keeps: an identity's data.

Above: the presets, ``oidc``; ``linking`` decides by it. Below: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

#: Of an ID token or a userinfo answer, what an identity's data holds of it (Supabase Auth's ``provider.Claims``).
_TEXTS: Final = (
    *("iss", "sub", "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile"),
    *("picture", "website", "gender", "birthdate", "zoneinfo", "locale", "email", "phone", "full_name", "avatar_url"),
    *("slug", "provider_id", "user_name"),
)
_TIMES: Final = ("iat", "exp")
_LONGEST_TEXT: Final = 2048
_MOST_AUDIENCES: Final = 16


class ProviderEmail(msgspec.Struct, frozen=True, kw_only=True):
    """An address, and whether the provider says that it is theirs."""

    address: str
    verified: bool
    primary: bool = True

    def __repr__(self) -> str:
        return "<ProviderEmail>"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at a provider. ``subject`` never changes there; ``data`` is what the identity will hold."""

    subject: str
    emails: tuple[ProviderEmail, ...] = ()
    data: Mapping[str, object]

    def __repr__(self) -> str:
        return "<Profile>"

    @property
    def email(self) -> ProviderEmail | None:
        """The primary address, else the last one."""
        for email in self.emails:
            if email.primary:
                return email
        return self.emails[-1] if self.emails else None


def identity_data(claims: Mapping[str, object]) -> dict[str, object]:
    """Claims without what is empty; the two that are always said are said."""
    kept = {name: value for name, value in claims.items() if value not in ("", None, (), [])}
    return {**kept, "email_verified": claims.get("email_verified") is True, "phone_verified": False}


def profile_of(claims: Mapping[str, object], *, email: ProviderEmail | None) -> Profile:
    """A profile of claims that hold at least ``sub``."""
    emails = () if email is None or not email.address else (email,)
    return Profile(subject=text(claims, "sub"), emails=emails, data=identity_data(claims))


def standard_claims(raw: Mapping[str, object]) -> dict[str, object]:
    """The claims of OpenID Connect Core section 5.1 that have the right type; others are not kept."""
    claims: dict[str, object] = {name: text(raw, name) for name in _TEXTS if text(raw, name)}
    claims.update({name: raw[name] for name in _TIMES if isinstance(raw.get(name), int | float)})
    audience = raw.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if isinstance(audiences, list) and len(audiences) <= _MOST_AUDIENCES:
        claims["aud"] = [each for each in audiences if isinstance(each, str)]
    claims["email_verified"] = is_true(raw.get("email_verified"))
    return claims


def text(raw: Mapping[str, object], name: str) -> str:
    """A claim that is a text of a sane length, else nothing."""
    value = raw.get(name)
    return value if isinstance(value, str) and len(value) <= _LONGEST_TEXT else ""


def is_true(value: object) -> bool:
    """Booleans, which some providers write as text."""
    return value is True or (isinstance(value, str) and value.lower() in {"true", "1"})
