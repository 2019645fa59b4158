"""Addresses as Go's ``net/url`` reads them, which decides what Supabase Auth takes for one.

Above: ``oauth_clients``. Below: nothing. Nobody is sent to what is read here: ``redirects`` is for that, and stricter.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: ``shouldEscape`` and ``unescape`` in the host's mode: escapes stand for what is not ASCII alone.
_BAD_IN_HOST: Final = re.compile(r"[^-\x80-\U0010ffffA-Za-z0-9_.~!$&'()*+,;=:\[\]<>\"%]|%(?!25|[89A-Fa-f][0-9A-Fa-f])")
_USER: Final = re.compile(r"[-A-Za-z0-9._:~!$&'()*+,;=%@]*")


class Address(NamedTuple):
    """The parts that decide. ``host`` has its port; both are empty where the address names none."""

    scheme: str
    host: str
    fragment: str

    @property
    def host_name(self) -> str:
        """Without port and brackets."""
        if self.host.startswith("["):
            return self.host[1:].partition("]")[0]
        return self.host.partition(":")[0]


def parse(text: str) -> Address | None:
    """``url.Parse``: ``None`` for what it refuses."""
    whole, _, fragment = text.partition("#")
    if _BAD_ESCAPE.search(fragment):
        return None
    return _parse(whole, fragment)


def is_request_uri(text: str) -> bool:
    """Whether ``url.ParseRequestURI`` takes it: with a scheme, or a path from the root."""
    if text == "*":
        return True
    if text.startswith("/"):  # two slashes begin no host here
        return not (_CONTROL.search(text) or _BAD_ESCAPE.search(text.partition("?")[0]))
    return _SCHEME.match(text) is not None and _parse(text, "") is not None


def _parse(text: str, fragment: str) -> Address | None:
    if _CONTROL.search(text) or text.startswith(":"):
        return None
    named = _SCHEME.match(text)
    scheme = named[1].lower() if named else ""
    rest = text[named.end() :] if named else text
    path = rest.partition("?")[0]
    if not path.startswith("/"):
        # Opaque after a scheme (``mailto:x``), whatever it is; without one a colon would be read as a scheme's end.
        broken = ":" in path.partition("/")[0] or _BAD_ESCAPE.search(path) is not None
        return None if broken and not named else Address(scheme, "", fragment)
    host = ""
    if path.startswith("//") and (named or not path.startswith("///")):
        authority, slash, path = path[2:].partition("/")
        path = slash + path
        if not _is_authority(scheme, authority):
            return None
        host = authority.rpartition("@")[2]
    return None if _BAD_ESCAPE.search(path) else Address(scheme, host, fragment)


def _is_authority(scheme: str, authority: str) -> bool:
    user, _, host = authority.rpartition("@")
    if _USER.fullmatch(user) is None or _BAD_ESCAPE.search(user):
        return False
    if "[" in host:
        inner, bracket, port = host.removeprefix("[").rpartition("]")
        return host.rfind("[") == 0 and bool(bracket) and _is_port(port) and _is_version_6(inner)
    # Some databases' addresses have several hosts with ports; web addresses never do.
    name, colon, port = host.partition(":") if scheme in {"http", "https"} else _rpartition(host)
    return _is_port(colon + port) and _BAD_IN_HOST.search(name) is None


def _rpartition(host: str) -> tuple[str, str, str]:
    name, colon, port = host.rpartition(":")
    return (name, colon, port) if colon else (host, "", "")


def _is_port(text: str) -> bool:
    return re.fullmatch(r"(:[0-9]*)?", text) is not None


def _is_version_6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text.replace("%25", "%"))  # RFC 6874: what brings a zone
    except ValueError:
        return False
    return True
