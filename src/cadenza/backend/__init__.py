"""The backend: serves the gateway's proxies, owns what Cadenza's methods mean, and feeds the market channels.

Above: ``stack``. Below: schema, protocol (``proxy``, ``api``, ``auth``), errors. The door is ``Backend``, which puts
the parts together; ``ApiPublisher`` and ``HttpIdentityProvider`` reach a gateway and a provider over HTTP.
"""

from cadenza.backend.api_keys import ApiKeys
from cadenza.backend.app import SECRET_HEADER
from cadenza.backend.config import AccessConfig, AttemptLimits, BackendConfig, Pace, PaperConfig, RateLimits
from cadenza.backend.handlers import Handlers
from cadenza.backend.provider import HttpIdentityProvider
from cadenza.backend.publisher import ApiPublisher
from cadenza.backend.service import Backend

__all__ = [
    "SECRET_HEADER",
    "AccessConfig",
    "ApiKeys",
    "ApiPublisher",
    "AttemptLimits",
    "Backend",
    "BackendConfig",
    "Handlers",
    "HttpIdentityProvider",
    "Pace",
    "PaperConfig",
    "RateLimits",
]
