"""Providers without ID tokens: who it is stands behind an address of theirs, asked with the access token.

GitHub, GitLab, Discord, and Keycloak as Supabase Auth speaks to it. What is kept of the answers is what it keeps.

Above: ``registry``. Below: ``code_flow``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from cadenza.identity.providers.code_flow import CodeFlow, Endpoints, Tokens
from cadenza.identity.providers.oidc import OidcProvider
from cadenza.identity.providers.profiles import Profile, ProviderEmail, identity_data, is_true, text
from cadenza.identity.providers.web import ProviderError, as_object


class GitHub(CodeFlow):
    """GitHub, or an Enterprise Server at the configured address."""

    scopes: ClassVar[tuple[str, ...]] = ("user:email",)

    @property
    def api(self) -> str:
        """Where its API stands."""
        return f"{self.root}/api/v3" if self.root else "https://api.github.com"

    async def endpoints(self) -> Endpoints:
        """See ``CodeFlow``."""
        root = self.root or "https://github.com"
        return Endpoints(authorize=f"{root}/login/oauth/authorize", token=f"{root}/login/oauth/access_token")

    async def profile(self, tokens: Tokens, *, nonce: str) -> Profile:
        """See ``CodeFlow``."""
        del nonce
        user = await self.web.get_object(f"{self.api}/user", bearer=tokens.access_token)
        listed = await self.web.get_json(f"{self.api}/user/emails", bearer=tokens.access_token)
        emails = tuple(
            ProviderEmail(
                address=text(each, "email"), verified=each.get("verified") is True, primary=each.get("primary") is True
            )
            for each in _objects(listed)
            if text(each, "email")
        )
        name, login = text(user, "name"), text(user, "login")
        subject = _number(user, "id")
        claims = {
            "iss": self.api,
            "sub": subject,
            "name": name,
            "preferred_username": login,
            "avatar_url": text(user, "avatar_url"),
            "full_name": name,
            "provider_id": subject,
            "user_name": login,
        }
        return _profile(subject, emails, claims)


class GitLab(CodeFlow):
    """GitLab, or one of one's own at the configured address."""

    scopes: ClassVar[tuple[str, ...]] = ("read_user",)

    @property
    def host(self) -> str:
        """Where it stands."""
        return self.root or "https://gitlab.com"

    async def endpoints(self) -> Endpoints:
        """See ``CodeFlow``."""
        return Endpoints(authorize=f"{self.host}/oauth/authorize", token=f"{self.host}/oauth/token")

    async def profile(self, tokens: Tokens, *, nonce: str) -> Profile:
        """See ``CodeFlow``."""
        del nonce
        user = await self.web.get_object(f"{self.host}/api/v4/user", bearer=tokens.access_token)
        listed = await self.web.get_json(f"{self.host}/api/v4/user/emails", bearer=tokens.access_token)
        # Of further addresses GitLab does not say whether they were confirmed.
        further = [
            ProviderEmail(address=text(each, "email"), verified=False, primary=False)
            for each in _objects(listed)
            if text(each, "email")
        ]
        address = text(user, "email")
        own = [ProviderEmail(address=address, verified=bool(text(user, "confirmed_at")))] if address else []
        name, picture = text(user, "name"), text(user, "avatar_url")
        subject = _number(user, "id")
        claims = {
            "iss": self.host,
            "sub": subject,
            "name": name,
            "picture": picture,
            "avatar_url": picture,
            "full_name": name,
            "provider_id": subject,
        }
        return _profile(subject, (*further, *own), claims)


class Discord(CodeFlow):
    """Discord."""

    scopes: ClassVar[tuple[str, ...]] = ("email", "identify")

    @property
    def api(self) -> str:
        """Where its API stands."""
        return f"{self.root or 'https://discord.com'}/api"

    async def endpoints(self) -> Endpoints:
        """See ``CodeFlow``."""
        return Endpoints(authorize=f"{self.api}/oauth2/authorize", token=f"{self.api}/oauth2/token")

    async def profile(self, tokens: Tokens, *, nonce: str) -> Profile:
        """See ``CodeFlow``."""
        del nonce
        user = await self.web.get_object(f"{self.api}/users/@me", bearer=tokens.access_token)
        subject, name, address = text(user, "id"), text(user, "username"), text(user, "email")
        avatar = _discord_avatar(user)
        claims = {
            "iss": self.api,
            "sub": subject,
            "name": f"{name}#{text(user, 'discriminator')}",
            "picture": avatar,
            "custom_claims": {"global_name": text(user, "global_name")},
            "avatar_url": avatar,
            "full_name": name,
            "provider_id": subject,
        }
        emails = (ProviderEmail(address=address, verified=user.get("verified") is True),) if address else ()
        return _profile(subject, emails, claims)


def _discord_avatar(user: Mapping[str, object]) -> str:
    # https://discord.com/developers/docs/reference#image-formatting
    avatar, discriminator = text(user, "avatar"), text(user, "discriminator")
    if not avatar:
        number = int(discriminator) % 5 if discriminator.isascii() and discriminator.isdigit() else 0
        return f"https://cdn.discordapp.com/embed/avatars/{number}.png"
    extension = "gif" if avatar.startswith("a_") else "png"
    return f"https://cdn.discordapp.com/avatars/{text(user, 'id')}/{avatar}.{extension}"


class Keycloak(OidcProvider):
    """A Keycloak realm at the configured address: endpoints by their paths, the profile from userinfo.

    Only the ID tokens of ``grants.id_token`` go by discovery, as with Supabase Auth.
    """

    scopes: ClassVar[tuple[str, ...]] = ("profile", "email")

    @property
    def issuer_url(self) -> str:
        """See ``OidcProvider``."""
        return self.root

    def sends_nonce(self) -> bool:
        """See ``CodeFlow``."""
        return False

    async def endpoints(self) -> Endpoints:
        """See ``CodeFlow``."""
        at = f"{self.root}/protocol/openid-connect"
        return Endpoints(authorize=f"{at}/auth", token=f"{at}/token", issuer=self.root)

    async def profile(self, tokens: Tokens, *, nonce: str) -> Profile:
        """See ``CodeFlow``."""
        del nonce
        user = await self.web.get_object(f"{self.root}/protocol/openid-connect/userinfo", bearer=tokens.access_token)
        subject, name, address = text(user, "sub"), text(user, "name"), text(user, "email")
        standard = {"name", "sub", "email", "email_verified"}
        claims = {
            "iss": self.root,
            "sub": subject,
            "name": name,
            "custom_claims": {key: value for key, value in user.items() if key not in standard},
            "full_name": name,
            "provider_id": subject,
        }
        verified = user.get("email_verified") is True
        emails = (ProviderEmail(address=address, verified=verified),) if address else ()
        return _profile(subject, emails, claims)


def _profile(subject: str, emails: tuple[ProviderEmail, ...], claims: Mapping[str, object]) -> Profile:
    if not subject:
        raise ProviderError("the provider does not say who it is")
    profile = Profile(subject=subject, emails=emails, data={})
    email = profile.email
    data = {
        **claims,
        "email": "" if email is None else email.address,
        "email_verified": email is not None and email.verified,
    }
    return Profile(subject=subject, emails=emails, data=identity_data(data))


def _objects(listed: object) -> list[dict[str, object]]:
    return [as_object(each) for each in listed] if isinstance(listed, list) else []


def _number(user: Mapping[str, object], name: str) -> str:
    value = user.get(name)
    return str(value) if isinstance(value, int) and not is_true(value) and not isinstance(value, bool) else ""
