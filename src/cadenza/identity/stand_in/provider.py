"""Codes, tokens and claims of the test provider: OpenID Connect Core's code flow, kept in memory.

Codes are single use and live a minute; a second use ends the token of the first (RFC 6749 section 4.1.2). A browser is
led to this machine only, whoever the client says it is.

Above: the package. Below: ``tokens.signer``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from cadenza.identity.config import OAuthProvider, is_loopback
from cadenza.protocol.auth import pkce
from cadenza.tokens.signer import Signer, SigningKey

NAME: Final = "test"
PATH: Final = "/test-provider"
#: Keycloak's, below the issuer.
AUTHORIZE: Final = "/protocol/openid-connect/auth"
TOKEN: Final = "/protocol/openid-connect/token"  # noqa: S105 - a path
USERINFO: Final = "/protocol/openid-connect/userinfo"
KEYS: Final = "/protocol/openid-connect/certs"
DISCOVERY: Final = "/.well-known/openid-configuration"

_CODE_SECONDS: Final = 60
_TOKEN_SECONDS: Final = 3600
_TICKET_SECONDS: Final = 900
_MOST: Final = 1000
_BYTES: Final = 32
#: Whoever has an address here has the same subject each time.
_PEOPLE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://cadenza.invalid/test-provider")

_V = TypeVar("_V")


class StandInError(Exception):
    """What the provider refuses, in OAuth's word; ``description`` is for whoever runs the client."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody says they are."""

    name: str
    email: str
    email_verified: bool = True

    def __repr__(self) -> str:
        return "<Person>"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization request (OpenID Connect Core section 3.1.2.1)."""

    client_id: str
    redirect_uri: str
    state: str = ""
    scope: str = ""
    nonce: str = ""
    code_challenge: str = ""
    login_hint: str = ""


class _Grant(msgspec.Struct, frozen=True, kw_only=True):
    asked: Asked
    person: Person
    at: float
    token: str

    def __repr__(self) -> str:
        return "<_Grant>"


class StandIn:
    """See the module.

    Args:
        issuer: Its address.
        clock: Seconds since the epoch.
        random_bytes: Where codes, tokens and the client's secret come from.
    """

    def __init__(self, issuer: str, *, clock: Callable[[], float], random_bytes: Callable[[int], bytes]) -> None:
        self.issuer = issuer
        self._clock = clock
        self._random_bytes = random_bytes
        self._signer = Signer(SigningKey.generate("ES256"))
        self._ticket_key = random_bytes(_BYTES)
        self._client_secret = random_bytes(_BYTES).hex()
        self._codes: OrderedDict[str, _Grant] = OrderedDict()
        self._used: OrderedDict[str, str] = OrderedDict()
        self._tokens: OrderedDict[str, _Grant] = OrderedDict()

    def __repr__(self) -> str:
        return f"<StandIn {self.issuer}>"

    @property
    def configuration(self) -> OAuthProvider:
        """How this service signs in through it."""
        return OAuthProvider(name=NAME, client_id="cadenza", client_secret=self._client_secret, url=self.issuer)

    def discovery(self) -> Mapping[str, object]:
        """OpenID Connect Discovery 1.0 section 3."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + AUTHORIZE,
            "token_endpoint": self.issuer + TOKEN,
            "userinfo_endpoint": self.issuer + USERINFO,
            "jwks_uri": self.issuer + KEYS,
            "scopes_supported": ["openid", "email", "profile"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "claims_supported": [
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "nonce",
                "at_hash",
                "name",
                "email",
                "email_verified",
            ],
        }

    def keys(self) -> Mapping[str, object]:
        """RFC 7517 section 5."""
        return {"keys": [self._signer.key.public_jwk()]}

    # The browser is here

    def read(self, query: Mapping[str, str]) -> Asked:
        """Read a request whose answer may go to where it says.

        Raises:
            StandInError: It may not: a person must be told, not the client.
        """
        asked = Asked(
            client_id=query.get("client_id", ""),
            redirect_uri=query.get("redirect_uri", ""),
            state=query.get("state", ""),
            scope=query.get("scope", ""),
            nonce=query.get("nonce", ""),
            code_challenge=query.get("code_challenge", ""),
            login_hint=query.get("login_hint", ""),
        )
        if not asked.client_id:
            raise StandInError("invalid_request", "client_id is missing")
        if not self._may_lead_to(asked.redirect_uri):
            raise StandInError("invalid_request", "redirect_uri must be on this machine, or of this service")
        return asked

    def complaint(self, query: Mapping[str, str]) -> StandInError | None:
        """What is wrong with a request, for the client to be told."""
        if query.get("response_type") != "code":
            return StandInError("unsupported_response_type", "response_type must be code")
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return StandInError("invalid_request", "code_challenge_method must be S256")
        if query.get("prompt") == "none":
            return StandInError("interaction_required", "nobody is ever signed in here already")
        return None

    def ticket(self, asked: Asked) -> str:
        """Proof that the page with this request was ours, and when."""
        at = int(self._clock())
        return f"{at}.{self._ticket_mac(asked, at)}"

    def is_ticket(self, ticket: str, asked: Asked) -> bool:
        """Whether it is one, of that request, and not too old."""
        at, _, mac = ticket.partition(".")
        if not (at.isascii() and at.isdigit()) or not 0 <= self._clock() - int(at[:12]) < _TICKET_SECONDS:
            return False
        return hmac.compare_digest(mac.encode(), self._ticket_mac(asked, int(at[:12])).encode())

    def _ticket_mac(self, asked: Asked, at: int) -> str:
        return hmac.digest(self._ticket_key, msgspec.json.encode((at, asked)), hashlib.sha256).hex()

    def allowed(self, asked: Asked, person: Person) -> str:
        """Where the browser goes with a code."""
        code = self._random_bytes(_BYTES).hex()
        token = self._random_bytes(_BYTES).hex()
        _keep(self._codes, code, _Grant(asked=asked, person=person, at=self._clock(), token=token))
        return self._lead(asked, {"code": code})

    def refused(self, asked: Asked, error: StandInError) -> str:
        """Where the browser goes without one."""
        return self._lead(asked, {"error": error.error, "error_description": error.description})

    def _lead(self, asked: Asked, answer: Mapping[str, str]) -> str:
        fields = {**answer, **({"state": asked.state} if asked.state else {}), "iss": self.issuer}
        separator = "&" if "?" in asked.redirect_uri else "?"
        return f"{asked.redirect_uri}{separator}{urlencode(fields)}"

    def _may_lead_to(self, uri: str) -> bool:
        parts = urlsplit(uri)
        if parts.scheme not in {"http", "https"} or parts.username is not None or parts.fragment or "\\" in uri:
            return False
        return is_loopback(parts.hostname or "") or parts.netloc == urlsplit(self.issuer).netloc

    # The client is here

    def trade(self, form: Mapping[str, str], *, client_id: str, client_secret: str) -> Mapping[str, object]:
        """The answer of the token endpoint.

        Raises:
            StandInError: The code is not this client's, or not good any more.
        """
        if form.get("grant_type") != "authorization_code":
            raise StandInError("unsupported_grant_type", "grant_type must be authorization_code")
        code = form.get("code", "")
        if code in self._used:
            self._tokens.pop(self._used.pop(code), None)
        grant = self._codes.pop(code, None)
        if grant is None or self._clock() - grant.at > _CODE_SECONDS:
            raise StandInError("invalid_grant", "the code is unknown, used or too old")
        self._require_client(grant.asked, form, client_id, client_secret)
        _keep(self._tokens, grant.token, msgspec.structs.replace(grant, at=self._clock()))
        _keep(self._used, code, grant.token)
        return {
            "access_token": grant.token,
            "token_type": "Bearer",
            "expires_in": _TOKEN_SECONDS,
            "scope": grant.asked.scope,
            "id_token": self._signer.sign(self._id_claims(grant)),
        }

    def _require_client(self, asked: Asked, form: Mapping[str, str], client_id: str, client_secret: str) -> None:
        own = self.configuration
        if client_id != asked.client_id:
            raise StandInError("invalid_client", "the code is another client's")
        if client_id == own.client_id and not hmac.compare_digest(client_secret.encode(), own.client_secret.encode()):
            raise StandInError("invalid_client", "the client's secret is not right")
        if form.get("redirect_uri") != asked.redirect_uri:
            raise StandInError("invalid_grant", "redirect_uri is not that of the request")
        verifier = form.get("code_verifier", "")
        if bool(asked.code_challenge) != bool(verifier) or (
            verifier and not pkce.matches(verifier, asked.code_challenge)
        ):
            raise StandInError("invalid_grant", "code_verifier is not that of the request")

    def userinfo(self, token: str) -> Mapping[str, object]:
        """Whose an access token is.

        Raises:
            StandInError: Nobody's.
        """
        grant = self._tokens.get(token)
        if grant is None or self._clock() - grant.at > _TOKEN_SECONDS:
            raise StandInError("invalid_token", "the token is unknown or has expired")
        return self._claims(grant.person)

    def _id_claims(self, grant: _Grant) -> Mapping[str, object]:
        now = int(self._clock())
        digest = hashlib.sha256(grant.token.encode()).digest()
        return {
            "iss": self.issuer,
            "aud": grant.asked.client_id,
            "iat": now,
            "exp": now + _TOKEN_SECONDS,
            "at_hash": base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode(),
            **({"nonce": grant.asked.nonce} if grant.asked.nonce else {}),
            **self._claims(grant.person),
        }

    def _claims(self, person: Person) -> Mapping[str, object]:
        email = person.email.lower()
        return {
            "sub": str(uuid.uuid5(_PEOPLE, email)),
            "name": person.name,
            "email": email,
            "email_verified": person.email_verified,
        }


def _keep(kept: OrderedDict[str, _V], key: str, value: _V) -> None:
    kept[key] = value
    while len(kept) > _MOST:
        kept.popitem(last=False)
