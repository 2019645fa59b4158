"""Judges what reaches the loopback listener: a request's head in, an answer and perhaps a callback out. Sans-I/O.

Above: ``loopback``. Below: ``protocol.auth.callbacks``. Anyone on this machine, and any page in its browser, can send
something there. So a head is believed only if

- it is ``GET /callback`` of HTTP/1.x with one ``Host``, which is the listener's own address to the letter: a name that
  was rebound to 127.0.0.1 is another;
- no ``Origin`` comes with it, and where the browser says so, it is a whole page that is being visited
  (``Sec-Fetch-Mode: navigate``, ``Sec-Fetch-Dest: document``): no image, frame or script of another page;
- its ``state`` is this flow's. Supabase Auth keeps a state of its own towards the OAuth provider; ours goes in the
  query of ``redirect_to``, which its allow-list lets pass on loopback addresses and hands back (RFC 8252 section 8.9,
  RFC 9700 section 4.7). A code that somebody else brought would fail PKCE as well, but it must not even end the wait.

The answer is a fixed page: nothing that came in is shown in it, and it takes the code out of the browser's history.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final, NamedTuple

from cadenza.errors import IdentityError, ProtocolError
from cadenza.protocol.auth.callbacks import CallbackCode, read_callback, read_state

HOST: Final = "127.0.0.1"
_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,16}) ([\x21-\x7e]+) HTTP/1\.[01]")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_FORGET: Final = 'history.replaceState(null,"","/done")'
_STYLE: Final = "body{font:1.1rem/1.6 system-ui,sans-serif;margin:4rem auto;max-width:34rem;padding:0 1rem}"


class Answer(NamedTuple):
    """What to answer, and the whole callback address if it was one."""

    status: str
    title: str
    text: str
    callback: str = ""


_RECEIVED: Final = ("200 OK", "You can close this page", "Cadenza has what it needs. Go back to your program.")
_REFUSED: Final = ("200 OK", "The sign-in was refused", "You can close this page. Your program says why.")
_NOT_OURS: Final = Answer(
    "400 Bad Request",
    "This address belongs to another sign-in",
    "Nothing was done with it. If a program waits for it, copy the address from the address bar into that program.",
)
_NOT_FOUND: Final = Answer("404 Not Found", "There is nothing here", "A sign-in waits at another address.")
_FORBIDDEN: Final = Answer("403 Forbidden", "Not from here", "Only the browser's own way back from a sign-in is taken.")
_MISDIRECTED: Final = Answer("421 Misdirected Request", "Not this host", "A sign-in waits at 127.0.0.1 only.")
_BAD: Final = Answer("400 Bad Request", "That cannot be read", "A sign-in waits for a browser here.")
_METHOD: Final = Answer("405 Method Not Allowed", "Only GET", "A sign-in waits for a browser here.")
ALREADY_SERVED: Final = Answer("410 Gone", "This sign-in has what it needs", "You can close this page.")
TOO_LARGE: Final = Answer("431 Request Header Fields Too Large", "Too large", "A sign-in waits for a browser here.")


def judge(head: bytes, *, port: int, path: str, state: str) -> Answer:
    """Judge a request.

    Args:
        head: Request line and headers, with the empty line that ends them.
        port: The listener's.
        path: The one that is waited at.
        state: The flow's.
    """
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(lines[0])
    fields = _fields(lines[1:])
    if request is None or fields is None:
        return _BAD
    if fields.get("host") != f"{HOST}:{port}":
        return _MISDIRECTED
    if "origin" in fields or not _is_navigation(fields):
        return _FORBIDDEN
    if request[1] != b"GET":
        return _METHOD
    target = request[2].decode("ascii")
    if target.partition("?")[0] != path:
        return _NOT_FOUND
    return _judge_callback(f"http://{HOST}:{port}{target}", state)


def _judge_callback(url: str, state: str) -> Answer:
    try:
        if not hmac.compare_digest(read_state(url).encode(), state.encode()):
            return _NOT_OURS
        read = read_callback(url)
    except IdentityError:
        return Answer(*_REFUSED, callback=url)
    except ProtocolError:
        return _NOT_OURS
    # Only a code: a session in an address was put there by somebody else.
    return Answer(*_RECEIVED, callback=url) if isinstance(read, CallbackCode) else _NOT_OURS


def _fields(lines: list[bytes]) -> dict[str, str] | None:
    fields: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            return None
        name = match[1].decode("ascii").lower()
        if name in fields and name in {"host", "origin"}:
            return None  # two readers could take different ones
        fields[name] = match[2].decode("latin-1").strip()
    return fields


def _is_navigation(fields: dict[str, str]) -> bool:
    return (
        fields.get("sec-fetch-mode", "navigate") == "navigate"
        and fields.get("sec-fetch-dest", "document") == "document"
    )


def encode(answer: Answer) -> bytes:
    """The answer as HTTP."""
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Cadenza</title><style>{_STYLE}</style>'
        f"<h1>{answer.title}</h1><p>{answer.text}</p>"
        + (f"<script>{_FORGET}</script>" if answer.callback else "")
        + "</html>\n"
    ).encode()
    policy = (
        f"default-src 'none'; style-src '{_digest(_STYLE)}'; script-src '{_digest(_FORGET)}'; frame-ancestors 'none'"
    )
    head = [
        f"HTTP/1.1 {answer.status}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page)}",
        "Cache-Control: no-store",
        f"Content-Security-Policy: {policy}; base-uri 'none'; form-action 'none'",
        "Referrer-Policy: no-referrer",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + page


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
