"""Whose tokens are believed.

Above: ``rules``. Below: ``wanted``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Change, Finding, Level
from cadenza.gateway.centrifugo.rules.wanted import Wanted, finding, travels_in_the_open

__all__ = ["token_findings"]

_STATIC_KEYS: Final = ("hmac_secret_key", "hmac_previous_secret_key", "rsa_public_key", "ecdsa_public_key")


def token_findings(options: Options, wanted: Wanted) -> Iterator[Finding]:
    """Keys, issuer and audience, and the ways around them."""
    token = options.at("client.token")
    yield from _keys(token, wanted)
    yield from _exact(token, "issuer", wanted.config.issuer, wanted)
    yield from _exact(token, "audience", wanted.config.audience, wanted)
    if token.text("user_id_claim") not in {"", "sub"}:
        yield finding(
            Level.DANGER, "4 Keys", token, "user_id_claim",
            "Another claim than sub names the user, whom the backend then takes for somebody else.",
            token.drop("user_id_claim"),
        )  # fmt: skip
    if token.flag("insecure_skip_jwks_endpoint_safety_check"):
        yield finding(
            Level.DANGER, "A15", token, "insecure_skip_jwks_endpoint_safety_check",
            "A token's own claims may choose the keys that it is verified with.",
            token.drop("insecure_skip_jwks_endpoint_safety_check"),
        )  # fmt: skip
    subscriptions = options.at("client.subscription_token")
    if subscriptions.flag("enabled"):
        yield finding(
            Level.DANGER, "A11", subscriptions, "enabled",
            "A subscription token decides alone, and the backend is not asked.", subscriptions.drop("enabled"),
        )  # fmt: skip
    client = options.at("client")
    if not client.flag("disallow_anonymous_connection_tokens"):
        yield finding(
            Level.DANGER, "A5", client, "disallow_anonymous_connection_tokens",
            "A token without a user, such as Supabase's public anon key, connects.",
            client.mend("disallow_anonymous_connection_tokens", to=True),
        )  # fmt: skip


def _keys(token: Options, wanted: Wanted) -> Iterator[Finding]:
    url, right = token.text("jwks_public_endpoint"), wanted.config.jwks_url
    point = token.mend("jwks_public_endpoint", to=right)
    held = [name for name in _STATIC_KEYS if token.has(name)]
    drops: tuple[Change, ...] = tuple(token.drop(name) for name in held)
    if not url:
        shared = any(name.startswith("hmac") for name in held)
        yield finding(
            Level.DANGER if shared else Level.BROKEN, "A5" if shared else "E10", token, "jwks_public_endpoint",
            "Tokens are verified with a shared secret: Supabase's anon and service keys connect too."
            if shared else "Tokens are not verified with the provider's published keys, and a new key is not noticed.",
            point, *drops,
        )  # fmt: skip
        return
    if drops:
        yield finding(
            Level.ADVICE, "4 Keys", token, held[0], "With a key set, Centrifugo ignores every key of the file.", *drops
        )
    if "{{" in url:
        yield finding(
            Level.DANGER, "A15", token, "jwks_public_endpoint",
            "The key set's address is made of a token's own claims before the token is verified.", point,
        )  # fmt: skip
    elif travels_in_the_open(url):
        yield finding(
            Level.DANGER, "F1", token, "jwks_public_endpoint",
            "The keys travel unencrypted: whoever can change them on the way can sign in as anyone.", point,
        )  # fmt: skip
    elif wanted.known and url != right:
        yield finding(
            Level.ADVICE, "A1", token, "jwks_public_endpoint",
            "The backend's key set outlives the provider's outages, and tokens with made-up keys end there (A3).",
            point,
        )  # fmt: skip


def _exact(token: Options, name: str, right: str, wanted: Wanted) -> Iterator[Finding]:
    pattern, found = f"{name}_regex", token.text(name)
    if token.has(pattern):
        yield finding(
            Level.DANGER, "A15", token, pattern, f"A pattern takes more than one {name}.",
            token.drop(pattern), token.mend(name, to=right),
        )  # fmt: skip
    elif not found:
        yield finding(
            Level.DANGER, "A4", token, name, f"A token with any {name} connects, if the same keys verify it.",
            token.mend(name, to=right),
        )  # fmt: skip
    elif wanted.known and found != right:
        yield finding(
            Level.BROKEN, "A4", token, name, f"The provider's tokens name another {name}: none of them connects.",
            token.mend(name, to=right),
        )  # fmt: skip
