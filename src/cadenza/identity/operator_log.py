"""What whoever runs the provider does beside it, with the files of its folder, noted in its audit log.

Above: ``admin_tokens``, ``key_acts``. Below: ``store``, ``audit``. It does the same whether the provider runs or not.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Final

from cadenza.identity.audit import Action, Admin, Audit
from cadenza.identity.config import IdentityConfig
from cadenza.identity.records import Records
from cadenza.identity.store import Store

_UUID_BYTES: Final = 16


class OperatorLog:
    """Writes entries into the log of a provider that another process may be running.

    Args:
        config: Where its folder is.
        clock: Seconds since the epoch.
        random_bytes: Where ids come from.
    """

    def __init__(
        self, config: IdentityConfig, *, clock: Callable[[], float], random_bytes: Callable[[int], bytes]
    ) -> None:
        self._config = config
        self._random_bytes = random_bytes
        self._audit = Audit(clock=clock, new_id=self.new_id)

    async def note(self, action: Action, *, actor: Admin, traits: Mapping[str, object]) -> None:
        """Write an entry.

        Raises:
            ConfigurationError: The database is not what it should be.
        """

        def note(records: Records) -> None:
            self._audit.note(records, action, actor=actor, traits=traits)

        store = Store(self._config.database_path)
        try:
            await store.open()
            await store.write(note)
        finally:
            await store.close()

    def new_id(self) -> str:
        """An id that no other entry has."""
        return str(uuid.UUID(bytes=self._random_bytes(_UUID_BYTES), version=4))
