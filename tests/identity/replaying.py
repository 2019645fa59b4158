"""Plays recorded exchanges against a provider of ours, one setup after another, and collects every difference.

A step of ``replay.json`` names a recorded line and says what cannot be taken from it:

- ``bearer``: whose token to send (``Player.authorization``);
- ``replace``: recorded text in the request's path and body -> what stands there with us, in words (``Reference``);
- ``advance_seconds``: the clock goes on first;
- ``confirm_email_first``: an address is confirmed as a mail would;
- ``send_first``: requests that another setup's recording made in the same database: path and body.

Ids, refresh tokens and codes that an earlier answer held are replaced on their own: which of ours is which of theirs is
known from the comparison.

Above: ``test_recorded_exchanges``. Below: ``comparing``, the provider of ``conftest``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pyotp.totp import TOTP
from tests.identity import keycloak_stub
from tests.identity.comparing import Comparison, Difference, payload_of, redirect_values

from cadenza.identity.keys import load_key_ring

PASSWORD = "correct horse 1"
#: Words for a value of ours, and what finds it.
Reference = tuple[re.Pattern[str], Callable[..., str]]


class Player:
    """Plays one setup's exchanges in order, and keeps what later ones refer to."""

    def __init__(self, provider: Any, exchanges: list[dict[str, Any]], differences: list[Difference]) -> None:
        self.provider = provider
        self.exchanges = exchanges
        self.comparison = Comparison(differences)
        self.tokens: dict[int, str] = {}
        self.answers: dict[int, Any] = {}
        self.signer = load_key_ring(provider.config, random_bytes=bytes).signer
        self.references: list[Reference] = [
            (re.compile(r"(\w+) of the redirect of line (\d+)"), self._of_redirect),
            (re.compile(r"(code|token) of the newest mail to (\S+)"), self._of_mail),
            (re.compile(r"(\w+) of the address in line (\d+)"), self._of_address),
            (re.compile(r"TOTP of line (\d+)"), self._of_factor),
            (re.compile(r"ID token of line (\d+) signed again"), self._signed_again),
        ]

    async def play(self, step: dict[str, Any]) -> None:
        """Send one recorded request and compare the answer."""
        recorded = self.exchanges[step["line"]]
        if "confirm_email_first" in step:
            assert await self.provider.parts.users.confirm(step["confirm_email_first"])
        for path, body in step.get("send_first", []):
            (await self.provider.http.post(path, json=body)).raise_for_status()
        self._move_clock(step, recorded)
        request = recorded["request"]
        headers = {name: value for name, value in request["headers"].items() if name != "Authorization"}
        if "bearer" in step:
            headers["Authorization"] = await self.authorization(step["bearer"])
        changes = self._changes(step.get("replace", {}))
        answer = await self.provider.http.request(
            request["method"],
            _replaced(request["path"], changes, quoted=True),
            headers=headers,
            content=_body(request["body"], changes),
        )
        self.answers[step["line"]] = answer
        token = self.comparison.compare_all(step, recorded, answer)
        if token:
            self.tokens[step["line"]] = token

    def _move_clock(self, step: dict[str, Any], recorded: dict[str, Any]) -> None:
        clock = self.provider.clock
        clock.advance(step.get("advance_seconds", 0))
        claims = recorded.get("decoded_access_token", {}).get("claims")
        if claims:
            clock.now = max(clock.now, claims["iat"] + 0.5)

    # What stands with us where they have something of their own

    def _changes(self, replace: dict[str, str]) -> dict[str, str]:
        known = {theirs: ours for (name, theirs), ours in self.comparison.names.items() if not name.startswith("-")}
        return {**known, **{theirs: self._resolve(words) for theirs, words in replace.items()}}

    def _resolve(self, words: str) -> str:
        for pattern, find in self.references:
            found = pattern.fullmatch(words)
            if found:
                return find(*found.groups())
        raise AssertionError(f"no such reference: {words}")

    def _of_redirect(self, name: str, line: str) -> str:
        """A value of the address an earlier answer led to."""
        return redirect_values(self.answers[int(line)].headers["location"])[name]

    def _of_address(self, name: str, line: str) -> str:
        """A value of the address that an earlier answer holds."""
        return redirect_values(self.answers[int(line)].json()["url"])[name]

    def _signed_again(self, line: str) -> str:
        """A recorded ID token with a key of ours: theirs was thrown away."""
        return keycloak_stub.sign(payload_of(self.exchanges[int(line)]["request"]["body"]["id_token"]))

    def _of_factor(self, line: str) -> str:
        """What an authenticator app shows now for the factor that was enrolled there."""
        return TOTP(self.answers[int(line)].json()["totp"]["secret"]).at(int(self.provider.clock.now))

    def _of_mail(self, what: str, to: str) -> str:
        mail = self.provider.parts.inbox.newest(to=to)[0]
        return str(mail.code if what == "code" else redirect_values(mail.link)["token"])

    # Who calls

    async def authorization(self, which: str) -> str:
        """The header for a bearer in words."""
        session = re.fullmatch(r"session of line (\d+)( renewed)?", which)
        if session:
            token = self.tokens[int(session.group(1))]
            return f"Bearer {await self._renewed(token) if session.group(2) else token}"
        if which == "someone else":
            await self.provider.parts.users.ensure("someone.else@example.com", PASSWORD)
            return f"Bearer {(await self.provider.signed_in('someone.else@example.com', PASSWORD)).access_token}"
        if which in {"administrator", "anonymous key"}:
            return f"Bearer {self._of_role('service_role' if which == 'administrator' else 'anon')}"
        base = self.tokens[max(self.tokens)] if self.tokens else ""
        claims = payload_of(base)
        forged: dict[str, dict[str, Any]] = {
            "expired": {"exp": int(self.provider.clock.now) - 1},
            "no sub": {"sub": None},
            "unknown sub": {"sub": "00000000-0000-4000-8000-000000000000"},
            "unknown session": {"session_id": "00000000-0000-4000-8000-000000000000"},
            "no session": {"session_id": None},
        }
        if which in forged:
            kept = {**claims, **forged[which]}
            return f"Bearer {self.signer.sign({name: value for name, value in kept.items() if value is not None})}"
        return {
            "not a token": "Bearer garbage",
            "not base64": "Bearer !!!.e30.x",
            "wrong signature": f"Bearer {base.rsplit('.', 1)[0]}.{'A' * 86}",
            "basic": "Basic YTpi",
        }[which]

    def _of_role(self, role: str) -> str:
        """A bearer that names a role and no user, as an operator signs it."""
        config, now = self.provider.config, int(self.provider.clock.now)
        claims = {"iss": config.token_issuer, "aud": config.audience, "role": role, "iat": now, "exp": now + 60}
        return str(self.signer.sign(claims))

    async def _renewed(self, token: str) -> str:
        """Another token of the same session, for when the clock went past the first one's end."""
        renewed: str = await self.provider.parts.sessions.issue_access_token(
            payload_of(token)["session_id"], lifetime_seconds=60
        )
        return renewed


def _replaced(text: str, changes: dict[str, str], *, quoted: bool = False) -> str:
    for theirs, ours in changes.items():
        if theirs:
            text = text.replace(theirs, quote(ours, safe="") if quoted else ours)
    return text


def _body(recorded: Any, changes: dict[str, str]) -> bytes:
    if recorded is None or isinstance(recorded, str):
        return (recorded or "").encode()
    return json.dumps(_replaced_values(recorded, changes)).encode()


def _replaced_values(value: Any, changes: dict[str, str]) -> Any:
    """Whole strings only: a code is a few digits, which stand elsewhere too."""
    if isinstance(value, dict):
        return {name: _replaced_values(inner, changes) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced_values(inner, changes) for inner in value]
    return changes.get(value, value) if isinstance(value, str) else value
