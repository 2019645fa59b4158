"""Changing the signing keys as whoever runs the provider does it: not where nobody signs with them, and not unnoted.

Above: ``cli``. Below: ``key_rotation``, ``serving_file``, ``operator_log``. The change comes first and its entry in the
audit log second: a key that was stolen must go though the log cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cadenza.errors import ConfigurationError
from cadenza.identity.audit import Action, Admin
from cadenza.identity.config import IdentityConfig
from cadenza.identity.key_file import KeyStatus
from cadenza.identity.key_rotation import DEFAULT_LEAD_SECONDS, KeyRotation
from cadenza.identity.operator_log import OperatorLog
from cadenza.identity.serving_file import is_served, read_serving

#: Has no role at the provider; the entry's ``operator`` says how this machine calls them.
_ROLE: Final = "operator"


class KeyActs:
    """The signing keys of one provider's folder.

    Args:
        config: Where the folder is.
        clock: Seconds since the epoch.
        random_bytes: Where ids come from.
        operator: Who acts, as this machine calls them; for the audit log.

    Raises:
        ConfigurationError: There are no keys, or the provider has its own from outside and uses none of these.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        operator: str = "",
    ) -> None:
        if is_served(config) and (serving := read_serving(config)).keys_given:
            raise ConfigurationError(
                f"The provider at {serving.url} has its keys from GOTRUE_JWT_KEYS and uses none of {config.data_dir}.",
                setting="GOTRUE_JWT_KEYS",
                next_step="Change the keys there, and start it anew.",
            )
        self._rotation = KeyRotation(config.signing_keys_path, clock=clock)
        self._log = OperatorLog(config, clock=clock, random_bytes=random_bytes)
        self._operator = operator

    def statuses(self) -> tuple[KeyStatus, ...]:
        """Every key and what it is now. Raises ``ConfigurationError``: the file cannot be read."""
        return self._rotation.statuses()

    async def rotate(
        self, *, algorithm: str | None = None, lead_seconds: float = DEFAULT_LEAD_SECONDS
    ) -> tuple[KeyStatus, ...]:
        """``KeyRotation.rotate``, noted.

        Raises:
            ConfigurationError: As there; or the log cannot be written, after the change was made.
        """
        before = self._kids()
        changed = self._rotation.rotate(algorithm=algorithm, lead_seconds=lead_seconds)
        await self._note_added(before, changed)
        return changed

    async def revoke(self, kid: str, *, algorithm: str | None = None) -> tuple[KeyStatus, ...]:
        """``KeyRotation.revoke``, noted.

        Raises:
            ConfigurationError: As there; or the log cannot be written, after the change was made.
        """
        before = self._kids()
        changed = self._rotation.revoke(kid, algorithm=algorithm)
        await self._note(Action.SIGNING_KEY_REVOKED, kid)
        await self._note_added(before, changed)
        return changed

    def _kids(self) -> set[str]:
        return {status.key.kid for status in self._rotation.statuses()}

    async def _note_added(self, before: set[str], changed: tuple[KeyStatus, ...]) -> None:
        for status in changed:
            if status.key.kid not in before:
                await self._note(Action.SIGNING_KEY_ADDED, status.key.kid)

    async def _note(self, action: Action, kid: str) -> None:
        try:
            await self._log.note(action, actor=Admin(role=_ROLE), traits={"kid": kid, "operator": self._operator})
        except ConfigurationError as error:
            raise ConfigurationError(
                f"The keys were changed, but the audit log does not say so: {error.message}",
                setting=error.setting,
                next_step=error.next_step,
            ) from error
