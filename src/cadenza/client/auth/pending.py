"""Sign-ins that wait for a browser: what has to be kept until it comes back, one record a flow (E9).

Above: ``redirects``. Below: ``protocol.auth``; ``pending_files`` keeps them over a restart. Each flow has its own
verifier under its own name, so two at once cannot overwrite each other; it ends at its time, and is taken once.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable
from typing import Final, Protocol

from cadenza.protocol.auth.messages import Discreet

#: A provider's consent page is not left open longer; a mail may be read tomorrow.
BROWSER_SECONDS: Final = 600.0
MAIL_SECONDS: Final = 24 * 3600.0
#: More are nobody's intention: the oldest goes.
MOST_FLOWS: Final = 32
#: So often a wrong code may be pasted.
MOST_ATTEMPTS: Final = 5


class FlowKind(enum.StrEnum):
    """What the browser was sent for."""

    PROVIDER = "provider"
    LINK = "link"
    MAGIC_LINK = "magiclink"
    RECOVERY = "recovery"

    @property
    def is_mailed(self) -> bool:
        """Whether it begins with a link in a mail, which also carries a code to be typed."""
        return self in {FlowKind.MAGIC_LINK, FlowKind.RECOVERY}


class PendingFlow(Discreet, frozen=True, kw_only=True):
    """One sign-in that waits.

    Attributes:
        state: Unguessable; comes back in the address the browser is sent to, and names the flow.
        kind: What it is for.
        verifier: PKCE's secret. Goes to the provider with the code, and nowhere else.
        redirect_to: Where the browser is sent in the end.
        started_at: Seconds since the epoch.
        expires_at: Seconds since the epoch; afterwards it is forgotten.
        ws_url: The gateway it belongs to.
        supabase_url: The provider it belongs to: a verifier is never sent elsewhere.
        over_websocket: Whether the backend exchanges the code.
        email: Whom a mail was sent to.
        provider: Where the user signs in.
        user_id: Whose account a way in is added to.
        attempts: How often a code was refused.
    """

    state: str
    kind: FlowKind
    verifier: str
    redirect_to: str
    started_at: float
    expires_at: float
    ws_url: str
    supabase_url: str | None
    over_websocket: bool
    email: str = ""
    provider: str = ""
    user_id: str = ""
    attempts: int = 0

    def __repr__(self) -> str:
        return f"<PendingFlow {self.kind}, expires_at={self.expires_at:.0f}>"


class PendingFlows(Protocol):
    """Where flows wait. Every implementation passes one test class."""

    async def save(self, flow: PendingFlow) -> None:
        """Keep one, and drop what has expired. Raises ``SessionStoreError``."""
        ...

    async def take(self, state: str) -> PendingFlow | None:
        """Remove one and return it; None if there is none, or no longer. Of two that ask at once one gets it."""
        ...

    async def waiting(self) -> tuple[PendingFlow, ...]:
        """Those that wait, the oldest first. Raises ``SessionStoreError``."""
        ...


def flow_id(state: str) -> str:
    """A name for a flow that gives nothing away."""
    return hashlib.sha256(state.encode()).hexdigest()[:32]


class MemoryPendingFlows:
    """Keeps flows as long as the process runs.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._flows: dict[str, PendingFlow] = {}

    async def save(self, flow: PendingFlow) -> None:
        """Keep one, and drop what has expired."""
        self._flows[flow.state] = flow
        kept = await self.waiting()
        self._flows = {one.state: one for one in kept[-MOST_FLOWS:]}

    async def take(self, state: str) -> PendingFlow | None:
        """Remove one and return it; None if there is none, or no longer."""
        flow = self._flows.pop(state, None)
        return flow if flow is not None and flow.expires_at > self._clock() else None

    async def waiting(self) -> tuple[PendingFlow, ...]:
        """Those that wait, the oldest first."""
        now = self._clock()
        return tuple(sorted((flow for flow in self._flows.values() if flow.expires_at > now), key=_age))


def _age(flow: PendingFlow) -> float:
    return flow.started_at
