"""The real Centrifugo, in the embedded gateway's place: its configuration file, what is wrong with one, its process.

::

    config = CentrifugoConfig(issuer=..., audience="authenticated", jwks_url=..., backend_url=..., namespaces=table)
    file.write_text(text(document(config)))
"""

from cadenza.gateway.centrifugo.check import check
from cadenza.gateway.centrifugo.config import SECRET_HEADER, CentrifugoConfig
from cadenza.gateway.centrifugo.document import Json, document, secret_environment, secret_variables, text
from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Change, ChangeKind, Finding, Level
from cadenza.gateway.centrifugo.reading import effective, read_file
from cadenza.gateway.centrifugo.rules import Wanted

__all__ = [
    "SECRET_HEADER",
    "CentrifugoConfig",
    "Change",
    "ChangeKind",
    "Finding",
    "Json",
    "Level",
    "Options",
    "Wanted",
    "check",
    "document",
    "effective",
    "read_file",
    "secret_environment",
    "secret_variables",
    "text",
]
