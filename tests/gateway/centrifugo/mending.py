"""Applies the changes that a finding tells to make, to the letter."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

from cadenza.gateway.centrifugo import Change, ChangeKind, Finding

#: What somebody who is told to set a secret's variable puts there.
EXPORTED = "a-secret-of-some-length"


def mended(
    document: Mapping[str, Any], environ: Mapping[str, str], findings: Iterable[Finding]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the file and the environment after every change of every finding."""
    file, variables = copy.deepcopy(dict(document)), dict(environ)
    for finding in findings:
        for change in finding.changes:
            match change.kind:
                case ChangeKind.EXPORT:
                    variables[change.where[0]] = EXPORTED
                case ChangeKind.UNSET:
                    variables.pop(change.where[0], None)
                case _:
                    _apply(file, change)
    return file, variables


def _apply(file: dict[str, Any], change: Change) -> None:
    *above, last = change.where
    here: Any = file
    for word in above:
        if isinstance(here, list):
            here = next(element for element in here if element["name"] == word)
        else:
            here = here.setdefault(_spelt(here, word), [] if word in {"namespaces", "proxies"} else {})
    value = json.loads(json.dumps(change.value))
    if isinstance(here, list):
        here[:] = [element for element in here if element["name"] != last]
        if change.kind is ChangeKind.SET:
            here.append(value)
    elif change.kind is ChangeKind.REMOVE:
        here.pop(_spelt(here, last), None)
    else:
        here[_spelt(here, last)] = value


def _spelt(section: dict[str, Any], word: str) -> str:
    """The name as the file spells it."""
    return next((name for name in section if name.lower() == word.lower()), word)
