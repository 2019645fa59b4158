"""The embedded identity provider: Supabase Auth's REST API on SQLite, for development and tests.

``IdentityServer`` runs it; in production Supabase Auth itself stands in its place, and nobody notices.

Above: ``stack``, ``cli``. Below: ``tokens``, ``protocol.auth``, ``errors``. ``client`` and ``backend`` never import it:
they speak to it by HTTP alone.
"""

from cadenza.identity.config import IdentityConfig, PasswordHashing, RateLimits
from cadenza.identity.server import IdentityServer

__all__ = ["IdentityConfig", "IdentityServer", "PasswordHashing", "RateLimits"]
