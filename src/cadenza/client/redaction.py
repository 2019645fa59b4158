"""Keeps secrets out of the transport's debug log.

Above: ``_centrifuge`` installs it. Below: ``logging``. centrifuge-python and websockets write each frame to their
loggers at level DEBUG: the connect command with its token, a login with its password. Whoever turns DEBUG on for a
whole program must not find those in a file afterwards.
"""

from __future__ import annotations

import logging
import re
from typing import Final

#: centrifuge-python shows whole messages, so the words in them tell which to hide.
_MESSAGES: Final = "centrifuge"
_SECRET: Final = re.compile(r"token|password|passphrase|secret|apikey|api_key|codeverifier|eyJ", re.IGNORECASE)
#: websockets shows the two ends of a frame, perhaps without the word: no frame's content is shown, only its size.
_FRAMES: Final = ("websockets.client", "websockets.protocol")
_FRAME: Final = re.compile(r"^(?P<what>[<>] (?:TEXT|BINARY|CONT)) .*?(?P<size> \[\d+ bytes.*\])?$", re.DOTALL)
_HEADER: Final = re.compile(r"authorization|cookie", re.IGNORECASE)
_HIDDEN: Final = "(not shown: it may hold a secret)"


class MessageFilter(logging.Filter):
    """Lets every record pass; one that may hold a secret loses its text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Hide the text of a message with a telling word in it."""
        if _SECRET.search(record.getMessage()):
            record.msg, record.args = _HIDDEN, None
        return True


class FrameFilter(logging.Filter):
    """Lets every record pass; a frame loses its content, a telling header its value."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Hide what a frame holds."""
        text = record.getMessage()
        frame = _FRAME.match(text)
        if frame is not None:
            record.msg, record.args = f"{frame['what']} {_HIDDEN}{frame['size'] or ''}", None
        elif _HEADER.search(text):
            record.msg, record.args = _HIDDEN, None
        return True


def install() -> None:
    """Put the filters on the transport's loggers, once."""
    _add(_MESSAGES, MessageFilter)
    for name in _FRAMES:
        _add(name, FrameFilter)


def _add(name: str, kind: type[logging.Filter]) -> None:
    logger = logging.getLogger(name)
    if not any(isinstance(present, kind) for present in logger.filters):
        logger.addFilter(kind())
