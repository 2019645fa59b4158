"""What may stand at the end of a command line that is still being typed.

Above: ``cli.app``, called as ``cadenza __complete LINE`` by the scripts of ``cli.shells``. Below: the commands' own
parameters, ``cli.words`` for the values behind their metavars.

The answer's first line is its kind, ``words``, ``files`` or ``folders``; of words, a line each follows, its help behind
a tab. A word that ends in ``:`` or ``=`` goes on. It has to come at once: nothing is asked of a network.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from cadenza.cli.words import FILES, FOLDERS, words_for

__all__ = ["WORD", "answer", "split"]

#: The verb that is not listed.
WORD = "__complete"

_HELP_CHARACTERS = 72
_Command = TyperGroup | TyperCommand
_Parameter = TyperOption | TyperArgument
_Candidate = tuple[str, str]


def answer(command: _Command, line: str) -> str:
    """Return what a shell is told: the kind, then the words."""
    words, typed = split(line)
    place = _place(command, words[1:])
    if place is None:
        return "words"
    parameter, mark, value = _asked_for(place, typed)
    if parameter is None:
        known = _names(place, typed)
    elif (metavar := _metavar(parameter, value)) in (FILES, FOLDERS):
        return "files" if metavar == FILES else "folders"
    else:
        known = words_for(metavar, value) or _choices(place, parameter, value)
    found = [f"{mark}{name}\t{_short(text)}".rstrip("\t") for name, text in known if name.startswith(value)]
    return "\n".join(["words", *found])


def split(line: str) -> tuple[list[str], str]:
    """Return the finished words of a line, and the one that is being typed; quotes need not be closed yet."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=False)
    reader.whitespace_split, reader.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(reader)
    except ValueError:  # within quotes, or behind a backslash
        return words, reader.token
    if not words or line[-1:].isspace():
        return words, ""
    return words[:-1], words[-1]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the line stands: in which command, behind which of its own words."""

    command: _Command
    words: Sequence[str]

    @property
    def options(self) -> dict[str, TyperOption]:
        """By each of their names."""
        listed = [one for one in self.command.params if isinstance(one, TyperOption) and not one.hidden]
        named = {name: one for one in listed for name in (*one.opts, *one.secondary_opts)}
        return {name: one for name, one in named.items() if name.startswith("--")}

    @property
    def open_option(self) -> TyperOption | None:
        """The option whose value comes next."""
        last = self.options.get(self.words[-1]) if self.words else None
        return None if last is None or last.is_flag else last

    @property
    def argument(self) -> TyperArgument | None:
        """The argument that comes next."""
        given = sum(1 for _ in self._plain())
        arguments = [one for one in self.command.params if isinstance(one, TyperArgument)]
        return arguments[given] if given < len(arguments) else None

    def first_plain(self) -> int | None:
        """Where the first word stands that is neither an option nor one's value."""
        return next(self._plain(), None)

    def _plain(self) -> Iterator[int]:
        options = self.options
        takes_value = False
        for position, word in enumerate(self.words):
            if takes_value:
                takes_value = False
            elif word.startswith("-") and word != "-":
                option = options.get(word)
                takes_value = option is not None and not option.is_flag
            else:
                yield position


def _place(command: _Command, words: Sequence[str]) -> _Place | None:
    """Follow the words down to a command; None where one of them is no command."""
    place = _Place(command=command, words=words)
    while isinstance(place.command, TyperGroup):
        position = place.first_plain()
        if position is None:
            return place
        inner = place.command.commands.get(place.words[position])
        if not isinstance(inner, _Command):
            return None
        place = _Place(command=inner, words=place.words[position + 1 :])
    return place


def _asked_for(place: _Place, typed: str) -> tuple[_Parameter | None, str, str]:
    """Return whose value is asked for, or None for a name; what goes before the value; and what is typed of it."""
    if place.open_option is not None:
        return place.open_option, "", typed
    name, equals, value = typed.partition("=")
    if equals and name in place.options:
        return place.options[name], f"{name}=", value
    return (None if typed.startswith("-") else place.argument), "", typed


def _metavar(parameter: _Parameter, value: str) -> str:
    metavar = parameter.metavar or ""
    return FILES if metavar == "JSON" and value.startswith("@") else metavar


def _choices(place: _Place, parameter: _Parameter, value: str) -> Sequence[_Candidate]:
    """What typer itself knows: the members of an enum, what a verb's own function says."""
    context = typer.Context(place.command, resilient_parsing=True)
    return [(item.value, item.help or "") for item in parameter.shell_complete(context, value)]


def _names(place: _Place, typed: str) -> Sequence[_Candidate]:
    """Names of commands, or of options once a dash is typed."""
    if not typed.startswith("-") and isinstance(place.command, TyperGroup):
        listed = [(name, inner) for name, inner in place.command.commands.items() if not inner.hidden]
        return [(name, inner.get_short_help_str(limit=_HELP_CHARACTERS)) for name, inner in listed]
    if isinstance(place.command, TyperCommand) and not typed.startswith("-"):
        return []
    given = {id(place.options[word]) for word in place.words if word in place.options}
    shown = [(name, one) for name, one in place.options.items() if one.multiple or id(one) not in given]
    return [(name, one.help or "") for name, one in shown] + [("--help", "Show this message and exit.")]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _HELP_CHARACTERS else line[: _HELP_CHARACTERS - 3] + "..."
