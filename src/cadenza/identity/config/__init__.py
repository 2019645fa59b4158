"""The provider's settings: ``main`` has the whole, the other files its parts.

Above: ``server`` and the parts it builds; ``stack`` and ``cli`` fill it from the environment and the command line.
Below: ``cadenza.errors``.
"""

from cadenza.identity.config.keys import GivenKeys, Secret
from cadenza.identity.config.limits import AttemptLimits, PasswordHashing, RateLimits
from cadenza.identity.config.mail import MailConfig, SmtpServer
from cadenza.identity.config.main import (
    ANY_ORIGIN,
    DEFAULT_PORT,
    LONGEST_PASSWORD_BYTES,
    SIGNING_ALGORITHMS,
    IdentityConfig,
    is_loopback,
)
from cadenza.identity.config.policy import MfaPolicy
from cadenza.identity.config.providers import OAuthProvider
from cadenza.identity.config.tls import TlsFiles

__all__ = [
    "ANY_ORIGIN",
    "DEFAULT_PORT",
    "LONGEST_PASSWORD_BYTES",
    "SIGNING_ALGORITHMS",
    "AttemptLimits",
    "GivenKeys",
    "IdentityConfig",
    "MailConfig",
    "MfaPolicy",
    "OAuthProvider",
    "PasswordHashing",
    "RateLimits",
    "Secret",
    "SmtpServer",
    "TlsFiles",
    "is_loopback",
]
