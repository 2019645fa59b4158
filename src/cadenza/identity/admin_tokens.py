"""Tokens for the operator: short-lived, of an administrator's role, signed with the provider's own key.

Supabase's operators have a service key that never runs out, signed with a secret that everything shares. Whoever can
read this provider's folder can sign for it anyway, so here they get a token when they need one; the audit log says that
they did, before they have it.

Above: ``cli.identity``. Below: ``keys``, ``serving_file``, ``operator_log``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.errors import ConfigurationError
from cadenza.identity.audit import Action, Admin
from cadenza.identity.config import IdentityConfig
from cadenza.identity.keys import load_key_ring
from cadenza.identity.operator_log import OperatorLog
from cadenza.identity.serving_file import Serving, read_serving

#: Lives as long when nobody says.
DEFAULT_LIFETIME_SECONDS: Final = 15 * 60
#: And never longer.
MOST_LIFETIME_SECONDS: Final = 24 * 3600
#: Supabase's own administrator.
_USUAL_ROLE: Final = "service_role"


class AdminToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token and what is to be known of it. ``url`` is the provider's that believes it."""

    token: str
    id: str
    role: str
    url: str
    expires_at: int

    def __repr__(self) -> str:
        return f"<AdminToken {self.id}>"


class AdminTokens:
    """Makes them, beside a provider that runs or not.

    Args:
        config: Where its folder is; with keys given from outside, those.
        clock: Seconds since the epoch.
        random_bytes: Where ids come from.
    """

    def __init__(
        self, config: IdentityConfig, *, clock: Callable[[], float], random_bytes: Callable[[int], bytes]
    ) -> None:
        self._config = config
        self._clock = clock
        self._random_bytes = random_bytes
        self._log = OperatorLog(config, clock=clock, random_bytes=random_bytes)

    async def issue(
        self, *, role: str | None = None, lifetime_seconds: float = DEFAULT_LIFETIME_SECONDS, operator: str = ""
    ) -> AdminToken:
        """Make one, and have the audit log say so.

        Args:
            role: One of the provider's administrators; ``None``: ``service_role``, or the only one there is.
            lifetime_seconds: More than zero, at most a day.
            operator: Who asked, as this machine calls them; for the audit log.

        Raises:
            ConfigurationError: No provider has served the folder, a file of it is not what it should be, or the role
                is no administrator's there.
        """
        serving = read_serving(self._config)
        role = _checked_role(role, serving)
        if serving.keys_given != (self._config.given_keys is not None):
            raise _other_keys(serving)
        keys = load_key_ring(self._config, random_bytes=self._random_bytes, clock=self._clock)
        now = math.floor(self._clock())
        token_id, expires_at = self._log.new_id(), now + math.ceil(min(lifetime_seconds, MOST_LIFETIME_SECONDS))
        claims = {
            "iss": serving.issuer,
            "aud": serving.audience,
            "role": role,
            "iat": now,
            "exp": expires_at,
            "jti": token_id,
        }
        token = keys.signer.sign(claims)
        traits = {"token_id": token_id, "expires_at": expires_at, "operator": operator}
        await self._log.note(Action.ADMIN_TOKEN_ISSUED, actor=Admin(role=role), traits=traits)
        return AdminToken(token=token, id=token_id, role=role, url=serving.url, expires_at=expires_at)


def _other_keys(serving: Serving) -> ConfigurationError:
    here, there = ("not ", "") if serving.keys_given else ("", "not ")
    return ConfigurationError(
        f"The provider at {serving.url} has {there}its keys from GOTRUE_JWT_KEYS, which is {here}set here.",
        setting="GOTRUE_JWT_KEYS",
        next_step="Name the environment file the provider was started with (--env-file), or start it anew.",
    )


def _checked_role(role: str | None, serving: Serving) -> str:
    roles = serving.admin_roles
    wanted = role or (_USUAL_ROLE if _USUAL_ROLE in roles or len(roles) != 1 else roles[0])
    if wanted not in roles:
        raise ConfigurationError(
            f"{wanted[:40]!r} is no administrator's role at {serving.url}.",
            setting="role",
            next_step=f"Use one of: {', '.join(roles) or 'none is configured (GOTRUE_JWT_ADMIN_ROLES)'}.",
        )
    return wanted
