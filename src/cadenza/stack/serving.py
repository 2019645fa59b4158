"""Ports: had before anything else is started, so that a taken one leaves nothing behind.

Above: ``stack.embedded``, ``stack.external``. Below: the system. ``identity.http_server`` serves on them.
"""

from __future__ import annotations

import socket

from cadenza.errors import ConfigurationError

_BACKLOG = 1024


def bind(host: str, port: int, *, what: str, option: str) -> socket.socket:
    """Bind a TCP port, before anything else has been started.

    Raises:
        ConfigurationError: It is taken or may not be had; ``setting`` names the option that changes it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as refused:
        listener.close()
        reason = getattr(refused, "strerror", None) or str(refused)
        raise ConfigurationError(
            f"The {what} cannot listen on {host}:{port}: {reason}.",
            setting=option,
            next_step=f"Stop what uses that port, or choose another with {option}.",
        ) from refused
    return listener


def require_free(host: str, port: int, *, what: str, option: str) -> None:
    """Raise ``ConfigurationError`` as ``bind`` does, and let the port go again."""
    if port:
        bind(host, port, what=what, option=option).close()
