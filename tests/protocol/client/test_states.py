"""The table of connection states: what is legal, and that what is not changes nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.errors import ProtocolError
from cadenza.protocol.client import TRANSITIONS, Event, IllegalEventError, State, next_state

ALIVE = set(State) - {State.CLOSED}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_pair_is_a_row_or_an_error(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) is TRANSITIONS[state, event]
        return
    with pytest.raises(IllegalEventError) as caught:
        next_state(state, event)
    assert (caught.value.state, caught.value.event) == (state, event)
    assert isinstance(caught.value, ProtocolError)


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_illegal_events_change_nothing_on_any_path(events: list[Event]) -> None:
    state = State.OPEN
    legal: list[Event] = []
    for event in events:
        try:
            state = next_state(state, event)
            legal.append(event)
        except IllegalEventError:
            pass
    again = State.OPEN
    for event in legal:
        again = next_state(again, event)
    assert again is state


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_commands_are_served_only_after_an_accepted_connect(events: list[Event]) -> None:
    state, accepted, closed = State.OPEN, False, False
    for event in events:
        try:
            state = next_state(state, event)
        except IllegalEventError:
            continue
        accepted = accepted or event is Event.ACCEPT
        closed = closed or event is Event.CLOSE
        assert event is not Event.COMMAND or (accepted and not closed)
        assert (state is State.CLOSED) == closed


def test_every_state_can_be_reached_and_every_living_one_closed() -> None:
    reached, edge = {State.OPEN}, [State.OPEN]
    while edge:
        state = edge.pop()
        for (before, _), after in TRANSITIONS.items():
            if before is state and after not in reached:
                reached.add(after)
                edge.append(after)
    assert reached == set(State)
    assert {before for (before, event) in TRANSITIONS if event is Event.CLOSE} == ALIVE | {State.CLOSED}


def test_nothing_leads_out_of_closed() -> None:
    assert [event for (state, event) in TRANSITIONS if state is State.CLOSED] == [Event.CLOSE]
    assert TRANSITIONS[State.CLOSED, Event.CLOSE] is State.CLOSED


def test_second_ping_may_go_out_before_the_first_is_answered() -> None:
    assert next_state(next_state(State.PINGED, Event.PING), Event.PONG) is State.CONNECTED
