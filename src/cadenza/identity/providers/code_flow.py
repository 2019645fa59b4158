"""The authorization-code flow towards a provider (RFC 6749 section 4.1), as every preset runs it.

With PKCE (RFC 7636) wherever the provider does not object, and with the check of ``iss`` in its answer (RFC 9207), so
that the code of one provider is never shown to another (mix-up).

Above: ``registry`` makes the presets, ``handlers.oauth`` drives them. Below: ``web``, ``profiles``.
"""

from __future__ import annotations

import abc
import urllib.parse
from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from cadenza.identity.config import OAuthProvider
from cadenza.identity.flows import FlowSecrets
from cadenza.identity.providers.issuers import Issuers
from cadenza.identity.providers.profiles import Profile, text
from cadenza.identity.providers.web import ProviderError, Web
from cadenza.protocol.auth import pkce

#: What a caller must not set: it is ours to say (Supabase Auth's list). ``nonce`` may be the caller's.
RESERVED: Final = frozenset(
    {
        "client_id",
        "client_secret",
        "redirect_uri",
        "response_type",
        "state",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
    }
)
_BASIC: Final = "client_secret_basic"
_POST: Final = "client_secret_post"


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider is asked. ``issuer`` is what ``iss`` must be, empty where that is not known."""

    authorize: str
    token: str
    issuer: str = ""
    says_issuer: bool = False
    token_auth_methods: tuple[str, ...] = (_POST,)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a token endpoint gave."""

    access_token: str
    refresh_token: str = ""
    id_token: str = ""

    def __repr__(self) -> str:
        return "<Tokens>"


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a preset is made of."""

    config: OAuthProvider
    redirect_uri: str
    web: Web
    issuers: Issuers


class CodeFlow(abc.ABC):
    """One configured provider.

    Attributes:
        scopes: What is asked for always.
        uses_pkce: Whether the provider is shown a challenge.
        further: Parameters of its own for the authorization request.
        comes_back_by_link: Whether the browser comes back with a GET, and so with its cookies.
    """

    scopes: ClassVar[tuple[str, ...]] = ()
    uses_pkce: ClassVar[bool] = True
    further: ClassVar[Mapping[str, str]] = {}
    comes_back_by_link: ClassVar[bool] = True

    def __init__(self, parts: Parts) -> None:
        self.config = parts.config
        self.name = parts.config.name
        self.web = parts.web
        self.issuers = parts.issuers
        self.redirect_uri = parts.redirect_uri

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def client_ids(self) -> tuple[str, ...]:
        """Ours there: the first for this flow, all as audiences of ID tokens."""
        return tuple(each.strip() for each in self.config.client_id.split(",") if each.strip())

    @property
    def root(self) -> str:
        """The configured address, without a slash at the end."""
        return self.config.url.rstrip("/")

    @abc.abstractmethod
    async def endpoints(self) -> Endpoints:
        """Where it is asked. Raises ProviderError."""

    @abc.abstractmethod
    async def profile(self, tokens: Tokens, *, nonce: str) -> Profile:
        """Who it is. Raises ProviderError."""

    def sends_nonce(self) -> bool:
        """Whether what comes back can be held against a nonce."""
        return False

    def with_answer(self, profile: Profile, answer: Mapping[str, str]) -> Profile:
        """The profile, with what the browser brought beside the code. What it says proves nothing."""
        del answer
        return profile

    async def authorization_url(
        self, *, state: str, scopes: str, extra: Mapping[str, str], secrets: FlowSecrets
    ) -> str:
        """Where the browser goes.

        Args:
            state: The flow's id.
            scopes: More of them, separated by commas or spaces.
            extra: The caller's own parameters, handed on but for those that are ours to set.
            secrets: The flow's, with verifier and nonce.

        Raises:
            ProviderError: It cannot be known.
        """
        endpoints = await self.endpoints()
        query = {name: value for name, value in extra.items() if name.lower() not in RESERVED}
        query |= self.further
        if self.uses_pkce:
            query |= {"code_challenge": pkce.challenge_of(secrets.verifier), "code_challenge_method": "S256"}
        if secrets.nonce:
            query["nonce"] = secrets.nonce
        query |= {
            "client_id": self.client_ids[0],
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": " ".join(self._all_scopes(scopes)),
            "state": state,
        }
        separator = "&" if "?" in endpoints.authorize else "?"
        return f"{endpoints.authorize}{separator}{urllib.parse.urlencode(sorted(query.items()))}"

    def _all_scopes(self, asked: str) -> tuple[str, ...]:
        return (*self.scopes, *self.config.scopes, *asked.replace(",", " ").split())

    async def check_issuer(self, answer: Mapping[str, str]) -> None:
        """Refuse an answer that says it is another provider's (RFC 9207 section 2.4).

        Raises:
            ProviderError: It does, or does not say whose it is though this provider always does.
        """
        endpoints = await self.endpoints()
        said = answer.get("iss", "")
        if endpoints.issuer and (said or endpoints.says_issuer) and said != endpoints.issuer:
            raise ProviderError("the answer's iss is not this provider's")

    async def redeem(self, code: str, secrets: FlowSecrets) -> Tokens:
        """Trade the code in.

        Raises:
            ProviderError: The provider does not want it.
        """
        endpoints = await self.endpoints()
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        if self.uses_pkce:
            fields["code_verifier"] = secrets.verifier
        client_id, secret = self.client_ids[0], self.config.client_secret
        basic = (client_id, secret) if secret and _POST not in endpoints.token_auth_methods else None
        if basic is None:
            fields |= {"client_id": client_id, **({"client_secret": secret} if secret else {})}
        answer = await self.web.post_form(endpoints.token, fields, basic=basic)
        if not _long_text(answer, "access_token") and not _long_text(answer, "id_token"):
            raise ProviderError(f"the token endpoint gave no token ({text(answer, 'error')[:64]})")
        return Tokens(
            access_token=_long_text(answer, "access_token"),
            refresh_token=_long_text(answer, "refresh_token"),
            id_token=_long_text(answer, "id_token"),
        )


def _long_text(answer: Mapping[str, object], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""
