"""The real Centrifugo, in the embedded gateway's place: its configuration file, what is wrong with one, its process.

::

    config = CentrifugoConfig(issuer=..., audience="authenticated", jwks_url=..., backend_url=..., namespaces=table)
    file.write_text(text(document(config)))
"""

from cadenza.gateway.centrifugo.config import SECRET_HEADER, CentrifugoConfig
from cadenza.gateway.centrifugo.document import Json, document, secret_environment, secret_variables, text

__all__ = ["SECRET_HEADER", "CentrifugoConfig", "Json", "document", "secret_environment", "secret_variables", "text"]
