"""The PKCE grant: the code a browser came back with, and the proof of who sent it away, for a session.

Above: ``parts``. Below: ``flows``, ``sessions``.
"""

from __future__ import annotations

import msgspec

from cadenza.identity import oauth_errors as errors
from cadenza.identity.exchange import Request, decode_body
from cadenza.identity.flows import Flows, FlowSecrets
from cadenza.identity.records import Records
from cadenza.identity.sessions import Opened, Sessions
from cadenza.identity.store import Store
from cadenza.protocol.auth import PkceGrantBody, Session


class PkceGrant:
    """See the module."""

    def __init__(self, *, store: Store, flows: Flows, sessions: Sessions) -> None:
        self._store = store
        self._flows = flows
        self._sessions = sessions

    async def exchange(self, request: Request) -> Session:
        """The session of who came back with the code; after OAuth with the provider's own tokens."""
        asked = decode_body(request.body, PkceGrantBody)
        code, verifier = asked.auth_code, asked.code_verifier
        if not code or not verifier:
            raise errors.code_or_verifier_missing()

        def trade(records: Records) -> tuple[Opened, FlowSecrets]:
            flow = self._flows.trade(records, code, verifier)
            user = records.users.by_id(flow.user_id or "")
            if user is None:
                raise errors.flow_state_not_found()
            opened = self._sessions.open(records, user, method=flow.method, agent=request.agent, provider=flow.provider)
            return opened, self._flows.secrets_of(flow)

        opened, secrets = await self._store.write(trade)
        return msgspec.structs.replace(
            self._sessions.hand_out(opened),
            provider_token=secrets.provider_token or None,
            provider_refresh_token=secrets.provider_refresh_token or None,
        )
