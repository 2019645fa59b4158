"""Names that Centrifugo does not know: it says so in its log, and goes on without them.

Above: ``check``. Below: ``options``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from cadenza.gateway.centrifugo.document import Json
from cadenza.gateway.centrifugo.findings import Change, ChangeKind, Finding, Level
from cadenza.gateway.centrifugo.options import LISTED, Kinds, known_options, leaves, section
from cadenza.gateway.centrifugo.reading import CUSTOM_PREFIX, PREFIX

__all__ = ["name_findings", "variable_findings"]

#: Kubernetes gives every container variables that are named after services.
_KUBERNETES: Final = re.compile(r"CENTRIFUGO(_[A-Z0-9_]+)?_(PORT|SERVICE_)")
#: Cadenza's own: where the program is.
_OURS: Final = frozenset({"CENTRIFUGO_BIN"})
_ROW: Final = "4 Keys"


def name_findings(document: Mapping[str, Json]) -> Iterator[Finding]:
    """Options that Centrifugo does not know. What stands in a map, or is not on record, is not judged."""
    yield from _unknown(document, known_options(), ())


def variable_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Variables of Centrifugo's prefix that set no option."""
    known = {PREFIX + path.replace(".", "_").upper() for path, _ in leaves(known_options())}
    starts = tuple(PREFIX + listed.replace(".", "_").upper() + "_" for listed in (*LISTED, "consumers"))
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith((CUSTOM_PREFIX, *starts)):
            continue
        if name in known or name in _OURS or _KUBERNETES.match(name):
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        yield Finding(
            level=Level.BROKEN if near else Level.ADVICE,
            row=_ROW,
            where=name,
            message=f"Centrifugo knows no such variable{f'; {near[0]} is one' if near else ''}.",
            changes=(Change(kind=ChangeKind.UNSET, where=(name,)),),
        )


def _unknown(values: Mapping[str, Json], kinds: Kinds, at: tuple[str, ...]) -> Iterator[Finding]:
    for name, value in values.items():
        where = (*at, name)
        kind = kinds.get(name)
        if kind is None:
            yield _unknown_name(where, kinds)
        elif not isinstance(kind, str) and isinstance(value, dict):
            yield from _unknown(value, kind, where)
        elif isinstance(value, list) and ".".join(where) in LISTED:
            options: Kinds = {"name": "text", **section(LISTED[".".join(where)])}
            for element in value:
                if isinstance(element, dict):
                    yield from _unknown(element, options, (*where, str(element.get("name", ""))))


def _unknown_name(where: tuple[str, ...], kinds: Kinds) -> Finding:
    near = difflib.get_close_matches(where[-1], kinds, n=1, cutoff=0.75)
    return Finding(
        level=Level.BROKEN if near else Level.ADVICE,
        row=_ROW,
        where=".".join(where),
        message=f"Centrifugo v6 knows no such option{f'; {near[0]} is one' if near else ''}, and ignores it.",
        changes=(Change(kind=ChangeKind.REMOVE, where=where),),
    )
