"""Flows: a sign-in that leaves through a browser or a mail and comes back, once, with a code (RFC 7636).

A flow is begun with the challenge of whoever will trade the code; its id may travel as ``state``. Once it is known who
came back, a code is issued for them, of which only a keyed digest is kept. Trading it ends the flow; a wrong verifier
does not, as with Supabase Auth, for it says nothing about who holds the right one.

Above: ``handlers.oauth``, ``grants.pkce``, and whoever sends links. Below: ``records``, ``sealing``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import oauth_errors as errors
from cadenza.identity.config import IdentityConfig
from cadenza.identity.records import FlowStateRow, Records
from cadenza.identity.sealing import Vault
from cadenza.identity.times import instant
from cadenza.protocol.auth import pkce
from cadenza.protocol.auth.words import S256

_CODE: Final = "flow code"
_SECRETS: Final = "flow secrets"
#: A link may be followed long after it was sent; a flow nobody came back from is kept no longer than this.
_KEPT_SECONDS: Final = 24 * 3600
#: Anyone may begin a flow: beyond so many the oldest go.
_MOST: Final = 20_000


class FlowSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """What a flow keeps sealed: ours to show to the provider, and the provider's to hand on with the session.

    ``browser`` is what the browser that was sent away holds in a cookie, where it was one; ``invitation`` the token of
    the invitation it follows.
    """

    verifier: str = ""
    nonce: str = ""
    browser: str = ""
    invitation: str = ""
    provider_token: str = ""
    provider_refresh_token: str = ""

    def __repr__(self) -> str:
        return "<FlowSecrets>"


def check_challenge(challenge: str | None, method: str | None) -> str:
    """The challenge of a request, empty for the implicit flow.

    Raises:
        RefusalError: ``validation_failed``: one without the other, malformed, or not S256.
    """
    if bool(challenge) != bool(method):
        raise errors.challenge_incomplete()
    if not challenge or not method:
        return ""
    if not pkce.is_well_formed(challenge):
        raise errors.challenge_malformed()
    if not pkce.is_s256(method):
        raise errors.challenge_method_unsupported()
    return challenge


class Flows:
    """Begins, continues and ends them. Everything runs inside a transaction of the caller's.

    Args:
        config: How long a flow and a code live.
        vault: Digests codes, seals secrets.
        clock: Seconds since the epoch.
        new_id: Makes ids and codes: 122 random bits.
    """

    def __init__(
        self, config: IdentityConfig, *, vault: Vault, clock: Callable[[], float], new_id: Callable[[], str]
    ) -> None:
        self._lifetime = instant(config.flow_lifetime_seconds)
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

    def begin(
        self,
        records: Records,
        *,
        provider: str,
        method: str,
        challenge: str = "",
        user_id: str | None = None,
        redirect_to: str = "",
        linking_user_id: str | None = None,
        secrets: FlowSecrets | None = None,
    ) -> FlowStateRow:
        """Begin a flow.

        Args:
            records: The transaction's.
            provider: Who will say who it is: ``email``, or an OAuth provider.
            method: What the session's ``amr`` will say.
            challenge: As ``check_challenge`` gave it; empty for the implicit flow.
            user_id: Who will come back, where that is known (a mail).
            redirect_to: Where the browser ends.
            linking_user_id: Whom a new way in is for.
            secrets: What must still be shown to the provider.
        """
        now = instant(self._clock())
        records.flow_states.forget(made_before=now - instant(_KEPT_SECONDS), but=_MOST)
        flow_id = self._new_id()
        flow = FlowStateRow(
            id=flow_id,
            user_id=user_id,
            challenge=challenge,
            challenge_method=S256 if challenge else "",
            provider=provider,
            method=method,
            redirect_to=redirect_to,
            linking_user_id=linking_user_id,
            secrets=self._sealed(flow_id, secrets),
            created_at=now,
            updated_at=now,
        )
        records.flow_states.insert(flow)
        return flow

    def take(self, records: Records, state: str) -> FlowStateRow | None:
        """The flow a browser came back with from a provider, once: the next time there is none.

        What comes of it stands in the row alone, until ``issue_code`` puts it back with a code.
        """
        flow = records.flow_states.by_id(state)
        if flow is None or flow.code_digest is not None:
            return None
        records.flow_states.delete(flow.id)
        return flow

    def is_expired(self, flow: FlowStateRow) -> bool:
        """Whether a browser came back too late, or a code is shown too late: each has its own time."""
        begun = flow.created_at if flow.code_issued_at is None else flow.code_issued_at
        return instant(self._clock()) > begun + self._lifetime

    def issue_code(
        self, records: Records, flow: FlowStateRow, *, user_id: str, secrets: FlowSecrets | None = None
    ) -> str:
        """A code for whoever has come back. The flow may have been taken."""
        now = instant(self._clock())
        code = self._new_id()
        records.flow_states.delete(flow.id)
        records.flow_states.insert(
            msgspec.structs.replace(
                flow,
                user_id=user_id,
                code_digest=self._vault.digest(code, purpose=_CODE),
                secrets=self._sealed(flow.id, secrets),
                code_issued_at=now,
                updated_at=now,
            )
        )
        return code

    def trade(self, records: Records, code: str, verifier: str) -> FlowStateRow:
        """End the flow of a code.

        Raises:
            RefusalError: The code is unknown or used, too old, or not for whoever has this verifier.
        """
        flow = records.flow_states.by_code(self._vault.digest(code, purpose=_CODE))
        if flow is None or flow.user_id is None or not flow.challenge:
            raise errors.flow_state_not_found()
        if self.is_expired(flow):
            raise errors.flow_state_expired()
        if not pkce.matches(verifier, flow.challenge):
            raise errors.bad_code_verifier()
        records.flow_states.delete(flow.id)
        return flow

    def secrets_of(self, flow: FlowStateRow) -> FlowSecrets:
        """What the flow kept sealed; nothing if the key is another by now."""
        opened = None if flow.secrets is None else self._vault.open(flow.secrets, purpose=f"{_SECRETS} {flow.id}")
        return FlowSecrets() if opened is None else msgspec.json.decode(opened, type=FlowSecrets)

    def _sealed(self, flow_id: str, secrets: FlowSecrets | None) -> bytes | None:
        if secrets is None:
            return None
        return self._vault.seal(msgspec.json.encode(secrets), purpose=f"{_SECRETS} {flow_id}")
