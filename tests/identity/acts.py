"""Requests in words, the same for two providers, and what their answers say without what differs from run to run.

Above: ``test_admin_real``. Below: ``side_by_side``.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from pyotp.totp import TOTP
from tests.identity.comparing import payload_of
from tests.identity.side_by_side import Side

NAMES = ("ann", "bob", "cat")
NOBODY = "00000000-0000-4000-8000-000000000000"
#: Of a user who was deleted softly theirs shows a hash of what was never there, too.
HASHED = {"phone", "new_email", "new_phone"}


@dataclasses.dataclass
class Story:
    """What one side has given so far, by the names of the plan."""

    side: Side
    run: str
    ids: dict[str, str] = dataclasses.field(default_factory=dict)
    tokens: dict[str, str] = dataclasses.field(default_factory=dict)
    factors: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    challenges: dict[str, str] = dataclasses.field(default_factory=dict)
    links: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    steps: dict[str, int] = dataclasses.field(default_factory=dict)

    def email(self, name: str) -> str:
        return f"{name}.{self.run}@example.com" if name in {*NAMES, "new"} else name

    def code(self, factor: str) -> str:
        """A code of now that was not shown yet; when there is none left, a wrong one."""
        secret = self.factors.get(factor, {}).get("totp", {}).get("secret")
        now = int(time.time()) // 30
        step = max(self.steps.get(factor, 0) + 1, now)
        if secret is None or step > now + 1:
            return "000000"
        self.steps[factor] = step
        return TOTP(secret).at(step * 30)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """A request in words, the same for both.

    ``who`` is whose token is sent, empty: the administrator's. In path and body ``ID:ann``, ``FACTOR:ann.phone``,
    ``CHALLENGE:…``, ``CODE:…``, ``EMAIL:ann``, ``OTP:ann`` and ``HASH:ann`` stand for what the side has.
    """

    method: str
    path: str
    body: dict[str, Any] | None = None
    who: str = ""
    keep: str = ""

    async def on(self, story: Story) -> httpx.Response:
        path = "/".join(str(_filled(part, story)) for part in self.path.split("/"))
        body = self.body and {name: _filled(value, story) for name, value in self.body.items()}
        bearer = story.tokens.get(self.who, "none") if self.who else None
        answer = await story.side.ask(self.method, path, body, bearer=bearer)
        self._remember(story, answer)
        return answer

    def _remember(self, story: Story, answer: httpx.Response) -> None:
        said = answer.json() if answer.status_code == 200 and answer.content else {}
        if not isinstance(said, dict):
            return
        user = said.get("user", said)
        for name in (*NAMES, "new"):
            if user.get("email") == story.email(name):
                story.ids[name] = user["id"]
        if "access_token" in said:
            story.tokens[self.keep or self.who] = said["access_token"]
            story.ids.setdefault(self.keep or self.who, user["id"])
        if "totp" in said:
            story.factors[self.keep] = said
            story.steps.pop(self.keep, None)
        if "expires_at" in said and "access_token" not in said:
            story.challenges[self.keep] = said["id"]
        if "action_link" in said:
            story.links[self.keep] = said


def _filled(value: Any, story: Story) -> Any:
    if not isinstance(value, str) or ":" not in value:
        return value
    kind, _, name = value.partition(":")
    known: dict[str, Callable[[str], str]] = {
        "ID": lambda name: story.ids.get(name, NOBODY),
        "FACTOR": lambda name: story.factors.get(name, {}).get("id", NOBODY),
        "CHALLENGE": lambda name: story.challenges.get(name, NOBODY),
        "CODE": story.code,
        "EMAIL": story.email,
        "PHONE": lambda name: f"{name}{story.run[1:]}",
        "OTP": lambda name: story.links.get(name, {}).get("email_otp", "000000"),
        "HASH": lambda name: story.links.get(name, {}).get("hashed_token", "none"),
    }
    return known[kind](name) if kind in known else value


def told(answer: httpx.Response) -> dict[str, Any]:
    """What an answer says, without what differs from run to run."""
    said: dict[str, Any] = {"status": answer.status_code}
    body = answer.json() if answer.content else {}
    if isinstance(body, list):
        return said | {"factors": sorted(map(_factor, body), key=str)}  # theirs has no order
    # The sentence after a colon is that of a library.
    said |= {"code": body.get("code"), "message": (body.get("message") or body.get("msg") or "").partition(": ")[0]}
    said["keys"] = sorted(body)
    if "access_token" in body:
        claims = payload_of(body["access_token"])
        said["claims"] = claims["aal"], sorted(entry["method"] for entry in claims["amr"]), claims["role"]
    if "action_link" in body:
        link = dict(parse_qsl(urlsplit(body["action_link"]).query))
        said["link"] = sorted(link), link["type"], link["redirect_to"], body["verification_type"], body["redirect_to"]
    if "totp" in body:
        said["totp"] = sorted(body["totp"]), body["type"], body.get("friendly_name")
    if "factor_type" in body:
        said["factor"] = _factor(body)
    user = body.get("user", body)
    if "identities" not in user:
        return said
    if "deleted_at" in user:
        user = {name: value for name, value in user.items() if name not in HASHED}
        said["keys"] = []
    return said | _user(user)


def _factor(factor: dict[str, Any]) -> Any:
    return sorted(factor), factor["status"], factor.get("friendly_name"), factor["factor_type"]


def _user(user: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in user["user_metadata"].items() if name != "sub"}
    return {
        "user": sorted(user),
        "about": [user.get(name) for name in ("aud", "role", "phone", "is_anonymous", "app_metadata")],
        "addresses": [user["email"] if "@" in user["email"] else "...", user.get("new_email")],
        "metadata": plain,
        "factors": sorted(map(_factor, user.get("factors", [])), key=str),
        "identities": sorted((_identity(each) for each in user["identities"] or []), key=str),
    }


def _identity(identity: dict[str, Any]) -> Any:
    data = {name: value for name, value in identity.get("identity_data", {}).items() if name != "sub"}
    return identity["provider"], sorted(identity), data, identity.get("email")
