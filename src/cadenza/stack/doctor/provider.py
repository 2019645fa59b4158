"""The identity provider: does it answer, which keys does it publish, how far is its clock from ours.

Above: ``chain``. Below: ``protocol.auth`` (its REST API), httpx.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

import httpx
import msgspec

from cadenza.client.settings import is_loopback
from cadenza.errors import CadenzaError
from cadenza.protocol.auth import endpoints, responses
from cadenza.stack.doctor.report import Finding, Link, broken, good, skipped, warning

__all__ = ["ProviderLook", "look_at_provider", "unreachable"]

#: Nobody is refused for that much; more, and tokens are "not yet valid" or "expired" for no visible reason (A9).
_NOTICED_SECONDS: Final = 5.0
_BROKEN_SECONDS: Final = 30.0
_KEY_TYPES: Final = frozenset({"EC", "RSA", "OKP"})
_UNAUTHORIZED: Final = (401, 403)
_NOT_FOUND: Final = 404
_FIRST_SERVER_ERROR: Final = 500


class _Key(msgspec.Struct, frozen=True):
    kty: str = ""
    kid: str = ""
    use: str = "sig"


class _KeySet(msgspec.Struct, frozen=True):
    keys: tuple[_Key, ...]


class ProviderLook(NamedTuple):
    """What was seen.

    Attributes:
        findings: In the chain's order.
        answers: Whether it is a provider, and up.
        issuer: What its tokens name as ``iss``, if it says.
        key_ids: The ``kid`` of each key that a gateway can use; None if they could not be had.
    """

    findings: tuple[Finding, ...]
    answers: bool
    issuer: str | None = None
    key_ids: frozenset[str] | None = None


class _Answer(NamedTuple):
    response: httpx.Response
    #: This machine's clock in the middle of the exchange.
    at: float


async def look_at_provider(
    url: str, http: httpx.AsyncClient, *, anon_key: str, clock: Callable[[], float]
) -> ProviderLook:
    """Look at the provider.

    Args:
        url: The auth service's root, ``…/auth/v1`` behind Supabase's gateway.
        http: Its timeout is how long one answer is waited for.
        anon_key: The project's publishable key; empty for none.
        clock: Seconds since the epoch.
    """
    headers = {"apikey": anon_key} if anon_key else {}

    async def ask(path: str) -> _Answer:
        asked = clock()
        response = await http.get(url + path, headers=headers)
        return _Answer(response, (asked + clock()) / 2)

    try:
        health, discovery, keys = await asyncio.gather(
            ask(endpoints.HEALTH), ask(endpoints.OPENID_CONFIGURATION), ask(endpoints.JWKS)
        )
    except httpx.HTTPError as error:
        return ProviderLook((unreachable(Link.PROVIDER, url, error, setting="SUPABASE_URL"),), answers=False)
    found = _provider(url, health.response, anon_key)
    if found is not None:
        return ProviderLook((found,), answers=False)
    key_ids, of_keys = _keys(url, keys.response)
    return ProviderLook(
        (good(Link.PROVIDER, f"{url} answers."), of_keys, _clock(health)),
        answers=True,
        issuer=_issuer(discovery.response),
        key_ids=key_ids,
    )


def unreachable(link: Link, url: str, error: httpx.HTTPError | OSError | TimeoutError, *, setting: str) -> Finding:
    """Nobody answers there."""
    timed_out = isinstance(error, httpx.TimeoutException | TimeoutError)
    why = "it does not answer in time" if timed_out else "nothing can be reached there"
    start = "Start the stack with cadenza up, or set" if is_loopback(url) else "Set"
    return broken(link, f"{url}: {why}.", f"{start} {setting} to where it is.")


def _provider(url: str, response: httpx.Response, anon_key: str) -> Finding | None:
    """What is wrong with who answers; None for nothing."""
    status = response.status_code
    if status in _UNAUTHORIZED:
        problem = "does not take the publishable key that is set" if anon_key else "asks for a publishable key"
        return broken(
            Link.PROVIDER,
            f"{url} {problem}.",
            "Set SUPABASE_PUBLISHABLE_KEY to the project's publishable key (in its settings, API Keys).",
        )
    if status >= _FIRST_SERVER_ERROR:
        return broken(
            Link.PROVIDER,
            f"{url} answers with an error of its own, {status}.",
            "See the provider's status and its log.",
        )
    try:
        responses.parse_health(status, dict(response.headers), response.content)
    except CadenzaError:
        return broken(
            Link.PROVIDER,
            f"What answers at {url} is no auth service of Supabase ({status}).",
            "Set SUPABASE_URL to the project's address, https://<ref>.supabase.co, without a path.",
        )
    return None


def _keys(url: str, response: httpx.Response) -> tuple[frozenset[str] | None, Finding]:
    try:
        document = msgspec.json.decode(response.content, type=_KeySet)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    if document is None or response.is_error:
        return None, broken(
            Link.KEYS,
            f"{url}{endpoints.JWKS} is no key set ({response.status_code}).",
            "See that the provider, and what stands before it, serves /.well-known/jwks.json to anybody.",
        )
    ids = frozenset(key.kid for key in document.keys if key.kid and key.kty in _KEY_TYPES and key.use == "sig")
    if not ids:
        return ids, broken(
            Link.KEYS,
            "The provider publishes no key: its tokens are signed with a shared secret, and no gateway can check them "
            "by keys.",
            "Give the project an asymmetric signing key (ES256): in its settings (JWT Keys), or by GOTRUE_JWT_KEYS.",
        )
    return ids, good(Link.KEYS, f"{len(ids)} published: {', '.join(sorted(ids))}.")


def _issuer(response: httpx.Response) -> str | None:
    try:
        return responses.parse_openid_configuration(
            response.status_code, dict(response.headers), response.content
        ).issuer
    except CadenzaError:
        return None  # an older Supabase Auth has no such page; the gateway will tell


def _clock(answer: _Answer) -> Finding:
    try:
        theirs = parsedate_to_datetime(answer.response.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return skipped(Link.CLOCK, "The provider does not tell its time.")
    offset = theirs + 0.5 - answer.at  # the header has whole seconds, cut off
    text = f"The provider's clock is {offset:+.0f} s from this machine's."
    mend = "Set the clock that is wrong, and keep it set: timedatectl set-ntp true."
    if abs(offset) >= _BROKEN_SECONDS:
        return broken(Link.CLOCK, text, mend)
    if abs(offset) >= _NOTICED_SECONDS:
        return warning(Link.CLOCK, text, mend)
    return good(Link.CLOCK, "The provider's clock and this machine's agree.")
