"""Whether somebody has shown the second factor they have.

Above: ``changes``, ``own_data``. Below: ``sessions``.
"""

from __future__ import annotations

from cadenza.identity.errors import RefusalError
from cadenza.identity.sessions import Caller
from cadenza.protocol.auth import FactorStatus


def check_second_factor(caller: Caller, refusal: RefusalError) -> None:
    """Raises the refusal where there is a verified factor and the session has not shown one."""
    has_factor = any(factor.status == FactorStatus.VERIFIED for factor in caller.factors)
    if has_factor and (caller.session is None or caller.session.aal != "aal2"):
        raise refusal.about(caller.user.id)
