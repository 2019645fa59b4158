"""Any OpenID issuer, found by its discovery document; and what Google, Apple and Azure make of the same.

The profile is what a verified ID token says; where it has no address, the userinfo endpoint is asked about the same
subject (OpenID Connect Core section 5.3.2).

Above: ``registry``. Below: ``code_flow``, ``issuers``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from cadenza.errors import TokenFormatError
from cadenza.identity.providers.code_flow import CodeFlow, Endpoints, Tokens
from cadenza.identity.providers.issuers import IdToken, IdTokenError
from cadenza.identity.providers.profiles import (
    Profile,
    ProviderEmail,
    identity_data,
    is_true,
    profile_of,
    standard_claims,
    text,
)
from cadenza.identity.providers.web import ProviderError
from cadenza.tokens.claims import decode_claims
from cadenza.tokens.compact import split


class OidcProvider(CodeFlow):
    """An issuer at the configured address."""

    scopes: ClassVar[tuple[str, ...]] = ("openid", "email", "profile")

    @property
    def issuer_url(self) -> str:
        """The issuer, as its tokens name it."""
        return self.config.url

    def sends_nonce(self) -> bool:
        """See ``CodeFlow``."""
        return not self.config.skip_nonce_check

    async def endpoints(self) -> Endpoints:
        """See ``CodeFlow``."""
        document = (await self.issuers.of(self.issuer_url)).document
        return Endpoints(
            authorize=document.authorization_endpoint,
            token=document.token_endpoint,
            issuer=document.issuer,
            says_issuer=document.authorization_response_iss_parameter_supported,
            # OpenID Connect Discovery 1.0 section 3: without a word it is client_secret_basic.
            token_auth_methods=document.token_endpoint_auth_methods_supported or ("client_secret_basic",),
        )

    async def believe(self, token: str) -> IdToken:
        """Check an ID token's signature, issuer and times.

        Raises:
            IdTokenError: It is not good.
            ProviderError: The issuer cannot be asked.
        """
        return await (await self.issuers.of(self.issuer_url)).believe(token)

    def read(self, token: IdToken) -> Profile:
        """What a good ID token says of its subject."""
        claims = standard_claims(token.claims)
        email = ProviderEmail(address=text(claims, "email"), verified=claims["email_verified"] is True)
        return profile_of(claims, email=email)

    async def profile(self, tokens: Tokens, *, nonce: str) -> Profile:
        """See ``CodeFlow``."""
        token = await self._of_flow(tokens, nonce=nonce)
        profile = self.read(token)
        return profile if profile.emails else await self._with_userinfo(tokens, token, profile)

    async def _of_flow(self, tokens: Tokens, *, nonce: str) -> IdToken:
        try:
            token = await self.believe(tokens.id_token)
        except IdTokenError as error:
            raise ProviderError(f"the ID token is not good: {error}") from error
        # OpenID Connect Core section 3.1.3.7.
        if self.client_ids[0] not in token.audiences:
            raise ProviderError("the ID token is for another client")
        if nonce and token.nonce != nonce:
            raise ProviderError("the ID token's nonce is not this flow's")
        if not token.is_bound_to(tokens.access_token):
            raise ProviderError("the ID token belongs to another access token")
        return token

    async def _with_userinfo(self, tokens: Tokens, token: IdToken, profile: Profile) -> Profile:
        userinfo = (await self.issuers.of(token.issuer)).document.userinfo_endpoint
        if not userinfo or not tokens.access_token:
            return profile
        raw = await self.web.get_object(userinfo, bearer=tokens.access_token)
        if text(raw, "sub") != token.subject:
            raise ProviderError("userinfo is about somebody else")
        claims = standard_claims({**raw, **token.claims})
        email = ProviderEmail(address=text(claims, "email"), verified=claims["email_verified"] is True)
        return profile_of(claims, email=email)


class Google(OidcProvider):
    """Google. Its address is its own, whatever is configured."""

    @property
    def issuer_url(self) -> str:
        """See ``OidcProvider``."""
        return "https://accounts.google.com"

    def read(self, token: IdToken) -> Profile:
        """See ``OidcProvider``."""
        raw, name, picture = token.claims, text(token.claims, "name"), text(token.claims, "picture")
        domain = text(raw, "hd")
        claims: dict[str, object] = {
            "iss": token.issuer,
            "sub": token.subject,
            "name": name,
            "picture": picture,
            "avatar_url": picture,
            "full_name": name,
            "provider_id": token.subject,
            "custom_claims": {"hd": domain} if domain else None,
        }
        verified = is_true(raw.get("email_verified")) or is_true(raw.get("verified_email"))
        return _with_email(claims, text(raw, "email"), verified=verified)


class Apple(OidcProvider):
    """Apple: the answer comes as a form, the name once, and every address is Apple's word."""

    scopes: ClassVar[tuple[str, ...]] = ("email", "name")
    uses_pkce: ClassVar[bool] = False  # it is not among what Apple documents, and Apple refuses what it does not know
    further: ClassVar[Mapping[str, str]] = {"response_mode": "form_post"}
    comes_back_by_link: ClassVar[bool] = False
    names: ClassVar[frozenset[str]] = frozenset({"https://appleid.apple.com", "https://account.apple.com"})

    @property
    def issuer_url(self) -> str:
        """See ``OidcProvider``."""
        return "https://appleid.apple.com"

    @classmethod
    def is_own(cls, issuer: str) -> bool:
        """Whether tokens of that issuer are Apple's."""
        return issuer in cls.names

    async def believe(self, token: str) -> IdToken:
        """See ``OidcProvider``."""
        issuer, said = await self.issuers.of(self.issuer_url), said_issuer(token)
        return await issuer.believe(token, issuer=said if self.is_own(said) else "")

    def read(self, token: IdToken) -> Profile:
        """See ``OidcProvider``."""
        raw = token.claims
        custom = {name: raw[name] for name in ("is_private_email", "auth_time", "transfer_sub") if raw.get(name)}
        if "is_private_email" in custom:
            custom["is_private_email"] = is_true(custom["is_private_email"])
        claims: dict[str, object] = {
            "iss": token.issuer,
            "sub": token.subject,
            "provider_id": token.subject,
            "custom_claims": custom or None,
        }
        return _with_email(claims, text(raw, "email"), verified=True)

    def with_answer(self, profile: Profile, answer: Mapping[str, str]) -> Profile:
        """See ``CodeFlow``."""
        try:
            user = msgspec.json.decode(answer.get("user", ""), type=_AppleUser)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return profile
        name = f"{user.name.first} {user.name.last}".strip()[:_LONGEST_NAME]
        named = {**profile.data, "name": name, "full_name": name} if name else profile.data
        return msgspec.structs.replace(profile, data=named)


class _AppleName(msgspec.Struct, frozen=True, kw_only=True):
    first: str = msgspec.field(default="", name="firstName")
    last: str = msgspec.field(default="", name="lastName")


class _AppleUser(msgspec.Struct, frozen=True, kw_only=True):
    name: _AppleName = _AppleName()


_LONGEST_NAME: Final = 256
_AZURE_HOST: Final = "https://login.microsoftonline.com/common"
_AZURE_ISSUER: Final = re.compile(r"https://login\.microsoftonline\.com/[0-9a-fA-F-]{36}/v2\.0/?")
_AZURE_CUSTOMERS: Final = re.compile(r"https://[a-z0-9-]+\.ciamlogin\.com/[0-9a-zA-Z.-]+/v2\.0/?")
#: What identity data does not repeat (Supabase Auth's ``removeAzureClaimsFromCustomClaims``).
_AZURE_NOT_CUSTOM: Final = frozenset(
    ("aud", "iss", "iat", "nbf", "exp", "c_hash", "at_hash", "aio", "nonce", "rh", "uti", "jti", "ver", "sub", "name")
) | {"preferred_username"}


class Azure(OidcProvider):
    """Azure (Entra): one address, an issuer for each tenant; the configured tenant's alone where there is one."""

    scopes: ClassVar[tuple[str, ...]] = ("openid",)

    @property
    def host(self) -> str:
        """The tenant's address, or the common one."""
        return self.root or _AZURE_HOST

    @property
    def expected_issuer(self) -> str:
        """The configured tenant's; empty where any tenant may sign in."""
        issuer = f"{self.host}/v2.0"
        return issuer if self.is_own(issuer) else ""

    async def endpoints(self) -> Endpoints:
        """See ``CodeFlow``."""
        host = self.host
        return Endpoints(authorize=f"{host}/oauth2/v2.0/authorize", token=f"{host}/oauth2/v2.0/token")

    @classmethod
    def is_own(cls, issuer: str) -> bool:
        """Whether that issuer is a tenant of Azure."""
        return _AZURE_ISSUER.fullmatch(issuer) is not None or _AZURE_CUSTOMERS.fullmatch(issuer) is not None

    async def believe(self, token: str) -> IdToken:
        """See ``OidcProvider``."""
        said, expected = said_issuer(token), self.expected_issuer
        if said != expected if expected else not _AZURE_ISSUER.fullmatch(said):
            raise IdTokenError("The issuer is not Azure, or not the configured tenant.")
        return await (await self.issuers.of(said)).believe(token)

    def read(self, token: IdToken) -> Profile:
        """See ``OidcProvider``."""
        raw = token.claims
        claims: dict[str, object] = {
            "iss": token.issuer,
            "sub": token.subject,
            "provider_id": token.subject,
            "preferred_username": text(raw, "preferred_username"),
            "full_name": text(raw, "name"),
            "custom_claims": {name: value for name, value in raw.items() if name not in _AZURE_NOT_CUSTOM},
        }
        # Supabase Auth's rule: without the claim, an address Azure gives is one it has seen to.
        owned = "xms_edov" not in raw or is_true(raw["xms_edov"])
        return _with_email(claims, text(raw, "email"), verified=owned)


def _with_email(claims: Mapping[str, object], address: str, *, verified: bool) -> Profile:
    email = ProviderEmail(address=address, verified=verified) if address else None
    data = identity_data({**claims, "email": address, "email_verified": verified and bool(address)})
    return Profile(subject=text(claims, "sub"), emails=(email,) if email else (), data=data)


def said_issuer(token: str) -> str:
    """The ``iss`` of a token nobody has checked yet: only to choose whose keys will check it."""
    try:
        return decode_claims(split(token).payload).iss or ""
    except TokenFormatError:
        return ""
