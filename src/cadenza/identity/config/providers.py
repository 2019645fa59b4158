"""OAuth providers: who else's word is taken for who somebody is.

Above: ``main``. Below: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, repr=False)
class OAuthProvider:
    """One provider.

    Attributes:
        name: As ``/authorize?provider=`` has it; a preset's name, or any name for an OpenID issuer.
        client_id: Ours there; several separated by commas are all believed as audiences of ID tokens.
        client_secret: Ours there.
        url: The issuer (OpenID Connect Discovery) or, for a preset that can be self-hosted, its root.
        redirect_uri: What the provider has on file; empty: ``<this service>/callback``.
        scopes: Asked for beside the preset's.
        skip_nonce_check: Believe ID tokens without a nonce of ours.
        email_optional: Take users without an address.
    """

    name: str
    client_id: str
    client_secret: str = ""
    url: str = ""
    redirect_uri: str = ""
    scopes: tuple[str, ...] = ()
    skip_nonce_check: bool = False
    email_optional: bool = False

    def __repr__(self) -> str:
        return f"<OAuthProvider {self.name}>"
