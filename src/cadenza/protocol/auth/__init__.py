"""Supabase Auth's REST API as values: requests, responses, both error bodies, codes, paths. Sans-I/O.

``requests`` builds, ``responses`` reads, ``codes`` judges, ``endpoints`` names; ``errors`` writes and reads refusals.

Above: ``identity`` serves it; ``client`` and ``backend`` speak it. Below: ``cadenza.errors``.
"""

from cadenza.protocol.auth import codes, endpoints, errors, requests, responses
from cadenza.protocol.auth.codes import SESSION_OVER, Action, ErrorCode
from cadenza.protocol.auth.messages import (
    GrantType,
    Health,
    Identity,
    LogoutScope,
    OpenIdConfiguration,
    PasswordGrantBody,
    RefreshTokenGrantBody,
    Session,
    Settings,
    SignupBody,
    User,
    UserUpdateBody,
    WeakPassword,
)
from cadenza.protocol.auth.requests import Request

__all__ = [
    "SESSION_OVER",
    "Action",
    "ErrorCode",
    "GrantType",
    "Health",
    "Identity",
    "LogoutScope",
    "OpenIdConfiguration",
    "PasswordGrantBody",
    "RefreshTokenGrantBody",
    "Request",
    "Session",
    "Settings",
    "SignupBody",
    "User",
    "UserUpdateBody",
    "WeakPassword",
    "codes",
    "endpoints",
    "errors",
    "requests",
    "responses",
]
