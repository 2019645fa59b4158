"""What is wrong with a configuration, why it matters, and the exact change that mends it.

Above: ``rules``, ``check``, ``cli``. Below: nothing. No value of a secret is ever part of a finding.
"""

from __future__ import annotations

import enum
import json
import shlex

import msgspec

from cadenza.gateway.centrifugo.document import Json

__all__ = ["Change", "ChangeKind", "Finding", "Level"]


class Level(enum.StrEnum):
    """How bad it is."""

    #: Somebody can do what they must not.
    DANGER = "danger"
    #: Something that the stack needs does not work.
    BROKEN = "broken"
    #: It works, and not as well as it could.
    ADVICE = "advice"


class ChangeKind(enum.StrEnum):
    """What is done to mend it."""

    SET = "set"
    REMOVE = "remove"
    EXPORT = "export"
    UNSET = "unset"
    PROTECT = "protect"


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step. ``where``: an option's path, an element of a list by its name; or a variable, or the file."""

    kind: ChangeKind
    where: tuple[str, ...]
    value: Json = None

    def __str__(self) -> str:
        where = ".".join(self.where)
        match self.kind:
            case ChangeKind.SET:
                return f"Set {where} to {json.dumps(self.value)}."
            case ChangeKind.REMOVE:
                return f"Remove {where}."
            case ChangeKind.EXPORT:
                return f"Set {where} in Centrifugo's environment to {self.value}."
            case ChangeKind.UNSET:
                return f"Unset {where} in Centrifugo's environment."
            case ChangeKind.PROTECT:
                return f"Let nobody else read it: chmod 600 {shlex.quote(where)}"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing.

    Attributes:
        level: How bad it is.
        row: Of ``reference/known-problems.md``: a row's id, or the section and its key word.
        where: The option.
        message: What happens with it as it stands.
        changes: What mends it, all of it.
    """

    level: Level
    row: str
    where: str
    message: str
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        return f"{self.where}: {self.message} {' '.join(map(str, self.changes))}"
