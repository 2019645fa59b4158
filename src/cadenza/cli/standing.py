"""How it stands with a session, for a person and for a program: who, how, until when, what next, where it is kept.

Above: ``cli.whoami``. Below: the SDK's observable state, the access token's own words, ``cli.moments``. It shows no
token.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from cadenza.cli.moments import distance, local_time
from cadenza.client import Addresses, AuthState, Session
from cadenza.client.auth.session import FIRST_LEVEL
from cadenza.schema.auth import AuthUser
from cadenza.tokens.claims import AuthenticationMethod, Claims, check_form

__all__ = ["Standing"]

#: A token is made this soon after the sign-in that it is of; a later one was refreshed.
_SAME_MOMENT_SECONDS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of a session.

    Attributes:
        user: As the provider knows them now.
        session: The session.
        state: The SDK's.
        addresses: Where it belongs.
        store_why: Who chose where it is kept.
    """

    user: AuthUser
    session: Session
    state: AuthState
    addresses: Addresses
    store_why: str

    @property
    def signed_in_at(self) -> float | None:
        """When the user last proved who they are, seconds since the epoch."""
        return max((method.timestamp for method in self._methods), default=None)

    @property
    def refreshed_at(self) -> float | None:
        """When the session was last refreshed; None if not since the sign-in."""
        made_at, signed_in_at = self._claims.iat, self.signed_in_at
        if self.state.last_refresh_at is not None or made_at is None or signed_in_at is None:
            return self.state.last_refresh_at
        return made_at if made_at - signed_in_at > _SAME_MOMENT_SECONDS else None

    def described(self) -> dict[str, object]:
        """The same for a program."""
        state = self.state
        return {
            "user": self.user,
            "phase": state.phase.name.lower(),
            "anonymous": self.session.is_anonymous,
            "level": self.session.level,
            "needsSecondFactor": self.session.needs_second_factor,
            "methods": [method.method for method in self._methods],
            "signedInAt": _time(self.signed_in_at),
            "tokenExpiresAt": _time(self._ends_at),
            "lastRefreshAt": _time(self.refreshed_at),
            "nextRefreshAt": _time(state.next_attempt_at),
            "nextRefreshWhy": state.next_attempt_why.value,
            "lastFailure": state.last_failure and state.last_failure.message,
            "clockOffsetSeconds": state.clock_offset_seconds,
            "wsUrl": self.addresses.ws_url,
            "supabaseUrl": self.addresses.supabase_url,
            "sessionStore": state.store,
            "sessionStoreWhy": self.store_why,
        }

    def shown(self, now: float) -> dict[str, str]:
        """The same for a person, by name; what is not so is left out.

        Args:
            now: Seconds since the epoch.
        """
        state, session = self.state, self.session
        skew = f"{state.clock_offset_seconds:+.0f} s" if state.clock_is_wrong else ""
        pairs = {
            "E-mail": self.user.email or ("none: an anonymous user" if session.is_anonymous else ""),
            "User id": self.user.id or "",
            "Role": self.user.role or "",
            "Signed in": self._how(now),
            "Level": self._level(),
            "Token ends": _when(self._ends_at, now),
            "Refreshed": _when(self.refreshed_at, now) or "not since the sign-in",
            "Next refresh": self._next(now),
            "Failed": state.last_failure.message if state.last_failure else "",
            "Gateway": self.addresses.ws_url,
            "Provider": self.addresses.supabase_url or "through the gateway",
            "Session in": f"{state.store} ({self.store_why})",
            "Clock": skew and f"the provider's is {skew} from this machine's: set it",
        }
        return {name: value for name, value in pairs.items() if value}

    @property
    def _claims(self) -> Claims:
        return check_form(self.session.access_token).claims

    @property
    def _methods(self) -> tuple[AuthenticationMethod, ...]:
        """How the user proved who they are, the first first. Other issuers have bare words there, without a time."""
        timed = (method for method in self._claims.amr or () if isinstance(method, AuthenticationMethod))
        return tuple(sorted(timed, key=lambda method: method.timestamp))

    @property
    def _ends_at(self) -> float:
        return self.session.expires_at if math.isfinite(self.session.expires_at) else self._claims.exp or 0.0

    def _how(self, now: float) -> str:
        by = ", then ".join(method.method for method in self._methods)
        return ", ".join(part for part in (by and f"by {by}", _when(self.signed_in_at, now)) if part)

    def _level(self) -> str:
        if self.session.needs_second_factor:
            return f"{self.session.level}; the second factor is still to come: cadenza login --second-factor"
        return f"{self.session.level}, {'one factor' if self.session.level == FIRST_LEVEL else 'two factors'}"

    def _next(self, now: float) -> str:
        at, why = self.state.next_attempt_at, self.state.next_attempt_why.value
        return why if at is None else f"{distance(at - now)}: {why}"


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else local_time(seconds) or None


def _when(seconds: float | None, now: float) -> str:
    return "" if seconds is None else f"{local_time(seconds)}, {distance(seconds - now)}"
