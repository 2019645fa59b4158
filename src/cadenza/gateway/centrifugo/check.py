"""Says what is missing in a configuration, or dangerous.

Above: ``cli.gateway``, ``stack.centrifugo``. Below: ``reading``, ``rules``.
"""

from __future__ import annotations

from collections.abc import Mapping

from cadenza.gateway.centrifugo.document import Json
from cadenza.gateway.centrifugo.findings import Finding, Level
from cadenza.gateway.centrifugo.reading import effective
from cadenza.gateway.centrifugo.rules import RULES, Wanted
from cadenza.gateway.centrifugo.rules.names import name_findings, variable_findings

__all__ = ["check"]

_WORST_FIRST = tuple(Level)


def check(document: Mapping[str, Json], wanted: Wanted, environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """Hold a document, read by ``read_file``, and its environment against what is wanted; the worst comes first."""
    options = effective(document, environ)
    found = [finding for rule in RULES for finding in rule(options, wanted)]
    found += [*name_findings(document), *variable_findings(environ)]
    return tuple(sorted(found, key=lambda finding: _WORST_FIRST.index(finding.level)))
