"""Holds an answer of ours against a recorded one: status, headers, redirect, body, claims.

What differs from run to run (ids, tokens, codes, instants) is compared by form, and by which is the same as which.

Above: ``replaying``. Below: nothing of ours.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

#: Values that differ from run to run: only their type, and which are equal to which, are compared.
NAMED_APART = {
    *("id", "user_id", "identity_id", "sub", "session_id", "kid"),
    *("refresh_token", "code", "state", "token", "hashed_token"),
}
OPAQUE = {"access_token", "email_otp", "exp", "iat", "timestamp", "expires_at", "n", "e", "x", "y"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
#: ``code`` is an error's word, too: those are compared to the letter.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclasses.dataclass(frozen=True)
class Difference:
    """Where an answer of ours is not what was recorded."""

    line: int
    name: str
    path: str
    theirs: Any
    ours: Any


class Comparison:
    """Compares answer after answer of one setup, and remembers which value of ours is which of theirs."""

    def __init__(self, differences: list[Difference]) -> None:
        self.differences = differences
        self.names: dict[tuple[str, str], str] = {}
        self.here = (0, "")

    def compare_all(self, step: dict[str, Any], recorded: dict[str, Any], answer: Any) -> str:
        """Compare, and return the access token the answer holds, or nothing."""
        theirs = recorded["response"]
        self.here = (step["line"], step["name"])
        if answer.status_code != theirs["status"]:
            self._differ("status", theirs["status"], answer.status_code)
        token = ""
        their_location, our_location = theirs["headers"].get("Location", ""), answer.headers.get("location", "")
        if their_location:
            token = self._compare_redirect(their_location, our_location)
        self._compare_headers(theirs["headers"], answer.headers)
        if isinstance(theirs["body"], str):
            self._compare("body", _without(theirs["body"], their_location), _without(answer.text, our_location))
        else:
            ours = _json(answer)
            self._compare("body", theirs["body"], ours)
            token = ours.get("access_token", "") if isinstance(ours, dict) else ""
        if token and "decoded_access_token" in recorded:
            self._compare("claims", recorded["decoded_access_token"]["claims"], payload_of(token))
            self._compare("token_header", recorded["decoded_access_token"]["header"], header_of(token))
        return token

    def _compare_redirect(self, theirs: str, ours: str, path: str = "location") -> str:
        their_parts, our_parts = urlsplit(theirs), urlsplit(ours)
        self._compare(f"{path}.where", _where(their_parts), _where(our_parts))
        for part in ("query", "fragment"):
            their_values = dict(parse_qsl(getattr(their_parts, part), keep_blank_values=True))
            our_values = dict(parse_qsl(getattr(our_parts, part), keep_blank_values=True))
            self._compare(f"{path}.{part}", their_values, our_values)
        return redirect_values(ours).get("access_token", "")

    def _compare_headers(self, theirs: dict[str, str], ours: Any) -> None:
        for name, value in theirs.items():
            if name != "Location" and ours.get(name) != value:
                self._differ(f"headers.{name}", value, ours.get(name))
        known = {name.lower() for name in theirs}
        for name in ours:
            if name.lower() not in known and name.lower() != "content-length":
                self._differ(f"headers.{name.title()}", None, ours[name])

    def _compare(self, path: str, theirs: Any, ours: Any) -> None:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in [*theirs, *(name for name in ours if name not in theirs)]:
                if name not in theirs or name not in ours:
                    self._differ(f"{path}.{name}", theirs.get(name, "(absent)"), ours.get(name, "(absent)"))
                else:
                    self._compare(f"{path}.{name}", theirs[name], ours[name])
        elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
            for index, (their, our) in enumerate(zip(theirs, ours, strict=True)):
                self._compare(f"{path}.{index}", their, our)
        elif path in {"body.url", "body.action_link"} and isinstance(theirs, str) and isinstance(ours, str):
            self._compare_redirect(theirs, ours, path)
        elif not self._same(path.rsplit(".", 1)[-1], theirs, ours):
            self._differ(path, theirs, ours)

    def _same(self, name: str, theirs: Any, ours: Any) -> bool:
        if type(theirs) is not type(ours):
            return False
        if name in NAMED_APART and _differs_from_run_to_run(name, theirs):
            both_ways = self.names.setdefault((name, theirs), ours), self.names.setdefault((f"-{name}", ours), theirs)
            return both_ways == (ours, theirs)
        if name in OPAQUE:
            return True
        if isinstance(theirs, str) and INSTANT.fullmatch(theirs):
            return INSTANT.fullmatch(ours) is not None
        return bool(theirs == ours)

    def _differ(self, path: str, theirs: Any, ours: Any) -> None:
        self.differences.append(Difference(*self.here, path, theirs, ours))


def _differs_from_run_to_run(name: str, theirs: Any) -> bool:
    return name != "code" or (isinstance(theirs, str) and _UUID.fullmatch(theirs) is not None)


def _where(parts: Any) -> str:
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def redirect_values(location: str) -> dict[str, str]:
    """What an address says in its query and its fragment."""
    parts = urlsplit(location)
    return dict(parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(parts.fragment, keep_blank_values=True))


def _without(text: str, location: str) -> str:
    """A page without the address it leads to, which is compared on its own."""
    return text.replace(html.escape(location), "(location)") if location else text


def _json(answer: Any) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text


def _part(token: str, index: int) -> dict[str, Any]:
    part = token.split(".")[index]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def payload_of(token: str) -> dict[str, Any]:
    """A token's claims, unverified."""
    return _part(token, 1) if token else {}


def header_of(token: str) -> dict[str, Any]:
    """A token's header."""
    return _part(token, 0)
