"""A sign-in that waits for a browser: on a loopback address, or for what a person pastes. Whatever comes first.

Above: ``redirects``. Below: ``loopback``, ``pasted``, ``pending``, ``host``.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import msgspec

from cadenza.client.auth.host import AuthHost
from cadenza.client.auth.loopback import Loopback
from cadenza.client.auth.pasted import ExchangeCode, MailedCode, Pasted, read_pasted
from cadenza.client.auth.pending import MOST_ATTEMPTS, FlowKind, PendingFlow
from cadenza.client.auth.ports import SignIn
from cadenza.client.auth.session import Session
from cadenza.errors import CadenzaError, ProtocolError, UsageError
from cadenza.protocol.auth.words import VerifyType


class PendingSignIn:
    """A sign-in that was started. Use it in ``async with``, which frees the port it listens on.

    ``wait`` returns when the browser comes back to this machine; ``complete`` ends it with what a person pastes. What
    was started by mail goes on after a restart: ``api.auth.complete_sign_in``.

    Attributes:
        url: Where the browser begins; empty for a sign-in that begins with a link in a mail.
    """

    def __init__(self, host: AuthHost, flow: PendingFlow, *, url: str, loopback: Loopback | None) -> None:
        self._host = host
        self._flow = flow
        self._loopback = loopback
        self.url = url

    def __repr__(self) -> str:
        return f"<PendingSignIn {self._flow.kind}, {'listening' if self.is_listening else 'to be pasted'}>"

    async def __aenter__(self) -> Self:
        """Go on."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Free the port."""
        await self.close()

    @property
    def is_listening(self) -> bool:
        """Whether a browser on this machine finds its way back by itself."""
        return self._loopback is not None

    @property
    def redirect_to(self) -> str:
        """Where the browser ends, without what it brings."""
        return self._flow.redirect_to.partition("?")[0]

    @property
    def expires_at(self) -> float:
        """Until when it can be completed, seconds since the epoch."""
        return self._flow.expires_at

    async def wait(self, *, timeout_seconds: float | None = None) -> Session:
        """Wait for the browser to come back, and sign in.

        Args:
            timeout_seconds: As long as the sign-in lives, if not given.

        Raises:
            IdentityError: The provider refused, or the user did (``access_denied``).
            DeadlineExceededError: The browser did not come back.
            UsageError: Nothing listens: use ``complete``.
        """
        if self._loopback is None:
            raise UsageError("This sign-in does not listen.", next_step="Use complete(...) with what was pasted.")
        left = self._flow.expires_at - self._host.timing.clock()
        return await self.complete(await self._loopback.wait(left if timeout_seconds is None else timeout_seconds))

    async def complete(self, pasted: str) -> Session:
        """Sign in with what a person pastes.

        Args:
            pasted: The whole address that the browser ended at, though no page may have opened there; or its code; for
                a mail also its link, not followed, or its digits.

        Raises:
            ValidationError: It is none of these, or belongs to another sign-in. It can be tried again.
            IdentityError: The provider refused. A wrong code can be tried again.
            UsageError: The sign-in has been completed already, or its time is over.
        """
        read_pasted(pasted, self._flow)  # what cannot be read costs no attempt
        flow = await self._host.pending_flows.take(self._flow.state)
        if flow is None:
            raise UsageError("This sign-in has been completed, or its time is over.", next_step="Start it anew.")
        session = await self._redeemed(read_pasted(pasted, flow), flow)
        await self._host.begin_session(session)
        await self.close()
        return session

    async def close(self) -> None:
        """Free the port. What was started can still be completed until ``expires_at``."""
        if self._loopback is not None:
            await self._loopback.close()
            self._loopback = None

    async def cancel(self) -> None:
        """Free the port and forget the sign-in: what comes for it now does nothing."""
        await self.close()
        await self._host.pending_flows.take(self._flow.state)

    async def _redeemed(self, pasted: Pasted, flow: PendingFlow) -> Session:
        try:
            session = await self._redeem(pasted, flow)
        except CadenzaError:
            # A code that was mistyped, a network that was away: the flow is as good as before, but not for ever.
            if flow.attempts + 1 < MOST_ATTEMPTS:
                again = msgspec.structs.replace(flow, attempts=flow.attempts + 1)
                await self._host.pending_flows.save(again)
            raise
        _check_user(session, flow, mailed=not isinstance(pasted, ExchangeCode))
        return session

    async def _redeem(self, pasted: Pasted, flow: PendingFlow) -> Session:
        sign_in: SignIn = self._host.sign_in(over_websocket=flow.over_websocket)
        if isinstance(pasted, ExchangeCode):
            return await sign_in.exchange(pasted.code, flow.verifier)
        if isinstance(pasted, MailedCode):
            kind = VerifyType.RECOVERY if flow.kind is FlowKind.RECOVERY else VerifyType.EMAIL
            session = await sign_in.verify_code(flow.email, pasted.code, kind)
        else:
            session = await sign_in.verify_link(pasted.token_hash, pasted.kind)
        if session is None:
            raise ProtocolError("The identity provider confirmed the mail, and gave no session.")
        return session


def _check_user(session: Session, flow: PendingFlow, *, mailed: bool) -> None:
    """A way in is added to one's own account; a mail's link signs in whom the mail went to, and nobody else."""
    is_other = (flow.user_id and session.user_id != flow.user_id) or (
        mailed and session.email.casefold() != flow.email.casefold()
    )
    if is_other:
        raise ProtocolError(
            "The identity provider signed in somebody else; that session was not taken.",
            next_step="Start the sign-in anew, with your own link.",
        )
