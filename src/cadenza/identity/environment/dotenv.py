r"""Reads a file of ``NAME=value`` lines, in the form that Supabase Auth's own ``.env`` has.

Comments, blank lines, ``export``, and quotes: single ones hold text as it is, double ones know ``\n``, ``\"``, ``\\``.
Nothing is expanded: no ``$NAME``, no commands. A value without them is read in one program as in the other.

Above: ``cli.identity``. Below: nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cadenza.errors import ConfigurationError

_NAME: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*")
_SINGLE: Final = re.compile(r"'([^']*)'")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t"}


def read_env_file(path: Path) -> dict[str, str]:
    """Read the file; of a name given twice the last value counts.

    Raises:
        ConfigurationError: It cannot be read, or a line is none; the line is named by its number, never quoted.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(f"{path} is not text in UTF-8") from None
    except OSError as error:
        raise _refused(f"{path} cannot be read: {error.strerror}") from error
    return parse_env(content, name=str(path))


def parse_env(content: str, *, name: str) -> dict[str, str]:
    """Read the file's content. ``name``: of the file, for errors.

    Raises:
        ConfigurationError: A line is none.
    """
    found: dict[str, str] = {}
    position = 0
    while position < len(content):
        line_end = _end_of_line(content, position)
        line = content[position:line_end].strip()
        if line and not line.startswith("#"):
            start = position + len(content[position:line_end]) - len(content[position:line_end].lstrip())
            variable, value, line_end = _entry(content, start, line_end, name)
            found[variable] = value
        position = line_end + 1
    return found


def _entry(content: str, start: int, line_end: int, name: str) -> tuple[str, str, int]:
    """One variable, its value, and where its last line ends: a value in quotes may go over several."""
    head = _NAME.match(content, start, line_end)
    if head is None:
        raise _refused(f"{name}, line {content.count(chr(10), 0, start) + 1}, is no NAME=value")
    begin = head.end()
    if content[begin : begin + 1] not in {"'", '"'}:
        return head[1], _without_comment(content[begin:line_end]), line_end
    pattern = _SINGLE if content[begin] == "'" else _DOUBLE
    quoted = pattern.match(content, begin)
    if quoted is None:
        raise _refused(f"{name}, line {content.count(chr(10), 0, start) + 1}, has a quote that does not end")
    value = quoted[1] if pattern is _SINGLE else _ESCAPED.sub(lambda mark: _CONTROLS.get(mark[1], mark[1]), quoted[1])
    return head[1], value, _end_of_line(content, quoted.end())


def _end_of_line(content: str, position: int) -> int:
    end = content.find("\n", position)
    return len(content) if end < 0 else end


def _without_comment(value: str) -> str:
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].strip()


def _refused(message: str) -> ConfigurationError:
    return ConfigurationError(
        f"{message}.", setting="--env-file", next_step="Each line is NAME=value, with quotes around blanks."
    )
