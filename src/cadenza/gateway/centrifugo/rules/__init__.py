"""What is asked of a configuration, one file a part of it.

Above: ``check``. Below: ``effective``, ``findings``, ``config``. A rule is a function from the options and what is
wanted to findings; each names the row of ``reference/known-problems.md`` that it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Finding
from cadenza.gateway.centrifugo.rules.channels import channel_findings
from cadenza.gateway.centrifugo.rules.clients import client_findings
from cadenza.gateway.centrifugo.rules.proxies import proxy_findings
from cadenza.gateway.centrifugo.rules.server import server_findings
from cadenza.gateway.centrifugo.rules.tokens import token_findings
from cadenza.gateway.centrifugo.rules.wanted import Wanted

__all__ = ["RULES", "Wanted"]

RULES: Final[tuple[Callable[[Options, Wanted], Iterator[Finding]], ...]] = (
    token_findings,
    client_findings,
    proxy_findings,
    channel_findings,
    server_findings,
)
