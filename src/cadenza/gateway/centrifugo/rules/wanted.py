"""What a configuration is held against, and the words that the rules share.

Above: the rules. Below: ``config``, ``findings``, ``effective``.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec

from cadenza.gateway.centrifugo.config import CentrifugoConfig
from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Change, Finding, Level

__all__ = ["Wanted", "finding", "is_loopback", "travels_in_the_open"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The settings, and whether they are this deployment's own or stand for any.

    Attributes:
        config: What the file would be made from.
        known: They come from the operator: values that differ from them are wrong, not only other.
    """

    config: CentrifugoConfig
    known: bool


def finding(level: Level, row: str, options: Options, name: str, message: str, *changes: Change) -> Finding:
    """Return a finding about an option, or about the section itself where ``name`` is empty."""
    where = ".".join(options.where(name) if name else options.path)
    return Finding(level=level, row=row, where=where, message=message, changes=changes)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its text."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def travels_in_the_open(url: str) -> bool:
    """Whether a URL's traffic crosses networks that are not one's own, unencrypted.

    A name without a dot is one that only a private network knows (a container's, a service's).
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme != "http" or "." not in host.strip("."):
        return False
    try:
        return not ipaddress.ip_address(host).is_private
    except ValueError:
        return not host.endswith((".internal", ".local", ".localdomain", ".svc"))
