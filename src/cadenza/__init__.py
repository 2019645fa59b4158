"""Cadenza: typed, secure, live data over one WebSocket."""

from cadenza._version import __version__

__all__ = ["__version__"]
