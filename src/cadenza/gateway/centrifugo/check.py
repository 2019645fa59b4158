"""Says what is missing in a configuration, or dangerous.

Above: ``cli.gateway``, ``stack.centrifugo``. Below: ``reading``, ``rules``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cadenza.gateway.centrifugo.document import Json
from cadenza.gateway.centrifugo.findings import Finding, Level
from cadenza.gateway.centrifugo.reading import effective
from cadenza.gateway.centrifugo.rules import RULES, Wanted
from cadenza.gateway.centrifugo.rules.file import file_findings
from cadenza.gateway.centrifugo.rules.names import name_findings, variable_findings

__all__ = ["check"]

_WORST_FIRST = tuple(Level)


def check(
    document: Mapping[str, Json], wanted: Wanted, environ: Mapping[str, str], *, file: Path | None = None
) -> tuple[Finding, ...]:
    """Hold a document, read by ``read_file``, and its environment against what is wanted; the worst comes first.

    Args:
        document: As ``read_file`` returns it.
        wanted: What it is held against.
        environ: Centrifugo's.
        file: Where the document stands, to be looked at too.
    """
    options = effective(document, environ)
    found = [] if file is None else list(file_findings(file, document))
    found += [finding for rule in RULES for finding in rule(options, wanted)]
    found += [*name_findings(document), *variable_findings(environ)]
    return tuple(sorted(found, key=lambda finding: _WORST_FIRST.index(finding.level)))
