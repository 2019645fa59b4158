"""Loopback ports of a test's own for browsers to come back to: the fixed ones may be in use on this machine."""

from __future__ import annotations

import socket

import pytest

from cadenza.protocol.auth import endpoints


def free_redirects() -> tuple[str, ...]:
    """Addresses at three free ports."""
    probes = [socket.socket() for _ in endpoints.LOOPBACK_REDIRECTS]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    redirects = tuple(f"http://127.0.0.1:{probe.getsockname()[1]}/callback" for probe in probes)
    for probe in probes:
        probe.close()
    return redirects


def use_free_ports(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Put three free ports in the place of the fixed ones, for the client; return the addresses."""
    redirects = free_redirects()
    monkeypatch.setattr(endpoints, "LOOPBACK_REDIRECTS", redirects)
    return redirects
