"""The JSON that a call takes: from the argument, from stdin (``-``) or from a file (``@file``).

Above: ``cli.call``. Below: msgspec. What the parameters mean is the SDK's business.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from cadenza.cli.input import read_all
from cadenza.errors import ValidationError

__all__ = ["read_parameters"]

_NEXT = """Give an object, such as '{"venue": "PAPER"}', or - for stdin, or @file."""


def read_parameters(given: str) -> dict[str, object]:
    """Return the parameters as an object; none at all where nothing is given.

    Raises:
        ValidationError: Not JSON, not an object, or a file that cannot be read.
        ConfigurationError: Standard input is no text.
    """
    text = _text(given)
    if not text.strip():
        return {}
    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValidationError(
            f"The parameters are not JSON: {_reason(error)}.", field="JSON", next_step=_NEXT
        ) from None
    if not isinstance(value, dict):
        raise ValidationError("The parameters are JSON, but not an object.", field="JSON", next_step=_NEXT)
    return value


def _text(given: str) -> str:
    if given == "-":
        return read_all()
    if not given.startswith("@"):
        return given
    file = Path(given[1:]).expanduser()
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValidationError(f"{file} is not text in UTF-8.", field="JSON", next_step=_NEXT) from None
    except (OSError, ValueError) as failed:
        reason = getattr(failed, "strerror", None) or "no such path can exist"
        raise ValidationError(f"{file} cannot be read: {reason}.", field="JSON", next_step=_NEXT) from None


def _reason(error: Exception) -> str:
    """What the decoder says, which names a position but repeats nothing of the text."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, UnicodeError):
        return "not text in UTF-8"
    return str(error).removeprefix("JSON is malformed: ")
