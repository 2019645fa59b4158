"""The life of one client connection, as a table: which event is legal in which state, and where it leads.

Above: ``gateway.connection`` asks the table before it acts. Below: errors. No I/O, no clock.

=============  ==========================================================================
state          meaning
=============  ==========================================================================
OPEN           the socket is there; nothing but ``connect`` is understood
CONNECTING     ``connect`` has arrived and is being judged
CONNECTED      commands are served
PINGED         connected, and the last ping is not answered yet
REFUSED        ``connect`` got an error reply; the socket only waits to be closed
CLOSED         a close code was sent or the socket is gone; nothing happens any more
=============  ==========================================================================

An illegal event raises :class:`IllegalEventError` and changes nothing.
Source: centrifuge ``client.go`` (``dispatchCommand``, ``sendPing``, ``closeStale``); recorded as ``connect_double``,
``command_before_connect``, ``unsolicited_pong``, ``connect_expired_token``, ``stale_connection``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from cadenza.errors import ProtocolError

__all__ = ["TRANSITIONS", "Event", "IllegalEventError", "State", "next_state"]


class State(enum.IntEnum):
    """Where a connection stands."""

    OPEN = 0
    CONNECTING = 1
    CONNECTED = 2
    PINGED = 3
    REFUSED = 4
    CLOSED = 5


class Event(enum.IntEnum):
    """What can happen to a connection."""

    CONNECT = 0
    """The client sent ``connect``."""
    ACCEPT = 1
    """Its credentials are good; the connect reply goes out."""
    REFUSE = 2
    """``connect`` is answered with an error (109 and the like)."""
    COMMAND = 3
    """The client sent any other command."""
    PING = 4
    """The gateway sends a ping."""
    PONG = 5
    """The client sent an empty command, its answer to a ping."""
    CLOSE = 6
    """The gateway closes, or the socket is gone."""


class IllegalEventError(ProtocolError):
    """The event is not legal in this state. A client's illegal event is answered with close 3501."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.name} is not legal in state {state.name}")
        self.state = state
        self.event = event


TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.OPEN, Event.CONNECT): State.CONNECTING,
        (State.OPEN, Event.CLOSE): State.CLOSED,
        (State.CONNECTING, Event.ACCEPT): State.CONNECTED,
        (State.CONNECTING, Event.REFUSE): State.REFUSED,
        (State.CONNECTING, Event.CLOSE): State.CLOSED,
        (State.CONNECTED, Event.COMMAND): State.CONNECTED,
        (State.CONNECTED, Event.PING): State.PINGED,
        (State.CONNECTED, Event.CLOSE): State.CLOSED,
        (State.PINGED, Event.COMMAND): State.PINGED,
        # A pong timeout longer than the ping interval lets a second ping go out before the first is answered.
        (State.PINGED, Event.PING): State.PINGED,
        (State.PINGED, Event.PONG): State.CONNECTED,
        (State.PINGED, Event.CLOSE): State.CLOSED,
        (State.REFUSED, Event.CLOSE): State.CLOSED,
        (State.CLOSED, Event.CLOSE): State.CLOSED,
    }
)

# The same table by position: two tuple look-ups on the path of every command instead of a hash of two enums.
_NEXT = tuple(tuple(TRANSITIONS.get((state, event)) for event in Event) for state in State)


def next_state(state: State, event: Event) -> State:
    """Look up where ``event`` leads from ``state``.

    Raises:
        IllegalEventError: The table has no such row; nothing has changed.
    """
    after = _NEXT[state][event]
    if after is None:
        raise IllegalEventError(state, event)
    return after
