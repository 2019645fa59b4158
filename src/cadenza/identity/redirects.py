"""Where a browser may be sent with a code or tokens: the site, this machine, and what the allow-list names.

The rules are Supabase Auth's (``IsRedirectURLValid``), and so are the patterns: ``*`` and ``?`` stop at ``.`` and
``/``, ``**`` does not; ranges, choices and escapes are as in a shell. Ours are narrower where theirs let a code out
(row G1): no wildcard in the host's part matches ``@`` or ``/``, and an address with a user name, a backslash, a control
character or a number that browsers read as an address is refused whatever the list says.

Above: every endpoint that sends a browser on or puts a link into a mail. Below: ``config``.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

from cadenza.errors import ConfigurationError
from cadenza.identity.config import is_loopback

_LONGEST: Final = 4096
#: RFC 3986 has neither; browsers read a backslash as a slash and drop tabs and line ends.
_FORBIDDEN: Final = re.compile(r"[^\x21-\x7e]|\\")
_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?#]*))?(?P<rest>.*)")
_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]@]*)(?::(?P<port>[0-9]{0,5}))?")
_HOST_NAME: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?")
#: WHATWG URL, "ends in a number": what browsers take for an IPv4 address.
_NUMBER_AT_END: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?")
_RANGE: Final = re.compile(r".-.")
#: What a browser runs or reads instead of visiting it.
_ACTIVE_SCHEMES: Final = frozenset(
    {"javascript", "vbscript", "data", "blob", "file", "filesystem", "about", "view-source"}
)


class _Address(NamedTuple):
    scheme: str
    host: str
    port: str

    @property
    def is_http(self) -> bool:
        return self.scheme in {"http", "https"}


class Redirects:
    """Chooses where to lead.

    Args:
        site_url: Where to when nothing allowed was asked for; everything on it is allowed.
        allow_list: Patterns of what else is.

    Raises:
        ConfigurationError: ``site_url`` is no URL, or a pattern cannot be read.
    """

    def __init__(self, site_url: str, allow_list: tuple[str, ...]) -> None:
        site = _parse(site_url)
        if site is None:
            raise ConfigurationError("The identity provider's site_url is not a URL.", setting="site_url")
        self._site_url = site_url
        self._site = site
        self._patterns = tuple(_compile(pattern) for pattern in allow_list)

    def choose(self, requested: str, referer: str = "") -> str:
        """``requested`` if it is allowed, else ``referer`` if that is, else the site."""
        for candidate in (requested, referer):
            if self.allows(candidate):
                return candidate
        return self._site_url

    def allows(self, url: str) -> bool:
        """Whether a browser may be sent there."""
        address = _parse(url)
        if address is None:
            return False
        if self._is_on_site(address):
            return True
        if address.is_http and _is_number(address.host):
            # No pattern is asked: which machine stands behind a number is anybody's guess, but for this one.
            return _is_loopback_ip(address.host)
        without_fragment = url.partition("#")[0]
        return any(pattern.fullmatch(without_fragment) is not None for pattern in self._patterns)

    def _is_on_site(self, address: _Address) -> bool:
        if (address.scheme, address.host) != (self._site.scheme, self._site.host):
            return False
        # RFC 8252 section 7.3: a program on this machine listens where it can.
        return address.port == self._site.port or is_loopback(address.host)


def _parse(url: str) -> _Address | None:
    """The parts that decide; ``None`` for what browsers and parsers may disagree on."""
    if len(url) > _LONGEST or _FORBIDDEN.search(url):
        return None
    parts = _URL.fullmatch(url)
    if parts is None or (scheme := parts["scheme"].lower()) in _ACTIVE_SCHEMES:
        return None
    authority = _AUTHORITY.fullmatch(parts["authority"] or "")
    if authority is None:
        return None
    host = authority["host"].lower().removeprefix("[").removesuffix("]")
    address = _Address(scheme=scheme, host=host, port=authority["port"] or "")
    if address.is_http and not _is_regular(authority["host"]):
        return None
    return address


def _is_regular(host: str) -> bool:
    return host.startswith("[") or _HOST_NAME.fullmatch(host) is not None


def _is_number(host: str) -> bool:
    return ":" in host or _NUMBER_AT_END.fullmatch(host) is not None


def _is_loopback_ip(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(_Glob(pattern).regex())
    except (IndexError, re.error):
        raise ConfigurationError(
            "A pattern of the identity provider's uri_allow_list cannot be read.",
            setting="uri_allow_list",
            next_step="Close every bracket and brace, or put a backslash before it.",
        ) from None


class _Glob:
    """Turns one pattern into a regular expression, knowing on the way whether it has left the host's part.

    A pattern without ``://`` never leaves it.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._host_from = pattern.find("://") + 3 if "://" in pattern else 0
        self._in_path = False

    def regex(self) -> str:
        return self._alternative(end="")

    def _alternative(self, *, end: str) -> str:
        made = ""
        while self._at < len(self._pattern) if not end else self._pattern[self._at] not in end:
            made += self._one(nested=bool(end))
        return made

    def _one(self, *, nested: bool) -> str:
        char = self._take()
        match char:
            case "*":
                return self._star()
            case "?":
                return self._any_char("./@")
            case "[":
                return self._set()
            case "{":
                return self._choices()
            case "\\":
                return re.escape(self._take())
        if char == "/" and 0 < self._host_from < self._at and not nested:
            self._in_path = True
        return re.escape(char)

    def _take(self) -> str:
        char = self._pattern[self._at]
        self._at += 1
        return char

    def _any_char(self, but: str) -> str:
        return f"[^{but}]" if self._in_path else f"[^{but}?#]"

    def _star(self) -> str:
        if self._pattern[self._at : self._at + 1] != "*":
            return self._any_char("./@") + "*"
        self._at += 1
        if self._in_path:
            return ".*"
        # Within the host's part it goes on into the path only where nothing of the pattern is left to be met there.
        is_last = self._at == len(self._pattern) and self._host_from > 0
        return self._any_char("/@") + "*" + (r"(?:[/?#].*)?" if is_last else "")

    def _set(self) -> str:
        end = self._pattern.index("]", self._at + 1) if "]" in self._pattern[self._at + 1 :] else len(self._pattern)
        inner = self._pattern[self._at : end]
        self._at = end
        self._take()
        negated = inner.startswith("!")
        escaped = re.sub(r"([\[\]\\^&~|])", r"\\\1", inner.removeprefix("!"))
        if negated:
            return f"[^{escaped}/@?#]"
        # In the host's part no range reaches over what ends it, but what stands there by itself is meant.
        return f"[{escaped}]" if self._in_path or not _RANGE.search(inner) else f"(?![/@?#])[{escaped}]"

    def _choices(self) -> str:
        made = [self._alternative(end=",}")]
        while self._take() == ",":
            made.append(self._alternative(end=",}"))
        return f"(?:{'|'.join(made)})"
