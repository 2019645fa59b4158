"""What waits for a reader is bounded, and nothing goes missing unsaid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.client.mailboxes import EventMailbox, Gap, GapCause, StateMailbox


def gap(cause: GapCause = GapCause.OVERFLOW, lost: int | None = 1) -> Gap:
    return Gap(channel="c", cause=cause, lost=lost)


def drain(mailbox: EventMailbox[int] | StateMailbox[int]) -> list[int | Gap]:
    taken: list[int | Gap] = []
    while (item := mailbox.take()) is not None:
        taken.append(item)
    return taken


def test_events_come_in_order() -> None:
    mailbox = EventMailbox[int]("c", 10)
    for n in range(5):
        mailbox.put(n)
    assert drain(mailbox) == [0, 1, 2, 3, 4]


def test_past_the_bound_the_oldest_go_and_one_gap_says_how_many() -> None:
    mailbox = EventMailbox[int]("c", 3)
    for n in range(8):
        mailbox.put(n)
    assert drain(mailbox) == [gap(lost=5), 5, 6, 7]


def test_a_gap_stands_where_something_is_missing() -> None:
    mailbox = EventMailbox[int]("c", 10)
    mailbox.put(1)
    mailbox.gap(gap(GapCause.NOT_RECOVERED, None))
    mailbox.put(2)
    assert drain(mailbox) == [1, gap(GapCause.NOT_RECOVERED, None), 2]


def test_gaps_that_touch_become_one() -> None:
    mailbox = EventMailbox[int]("c", 2)
    mailbox.put(1)
    mailbox.gap(gap(GapCause.MISSING, 4))
    mailbox.gap(gap(GapCause.UNREADABLE, 1))
    mailbox.put(2)
    mailbox.put(3)  # 1 is dropped, and its gap touches the other
    assert drain(mailbox) == [gap(lost=6), 2, 3]


@given(st.integers(1, 5), st.lists(st.one_of(st.none(), st.booleans()), max_size=60))
def test_every_event_is_handed_out_or_counted_as_lost(size: int, steps: list[bool | None]) -> None:
    mailbox = EventMailbox[int]("c", size)
    sent, seen, lost = 0, 0, 0
    previous = -1
    for step in [*steps, *([None] * 80)]:
        if step is None:
            taken = mailbox.take()
            if isinstance(taken, Gap):
                assert taken.lost is not None
                lost += taken.lost
            elif taken is not None:
                assert taken > previous
                assert taken == seen + lost  # the gap stood in the right place
                previous, seen = taken, seen + 1
        else:
            mailbox.put(sent)
            sent += 1
            assert len(mailbox._waiting) <= size + 1
    assert seen + lost == sent


def test_of_a_state_the_newest_waits_and_the_first_to_wait_comes_first() -> None:
    mailbox = StateMailbox[int]("c", key=lambda n: n % 10)
    for n in (11, 22, 31, 13, 42, 51):
        mailbox.put(n)
    assert drain(mailbox) == [51, 42, 13]


def test_a_state_tells_a_gap_before_its_newest_items() -> None:
    mailbox = StateMailbox[int]("c", key=lambda _: 0)
    mailbox.put(1)
    mailbox.gap(gap(GapCause.NOT_RECOVERED, 2))
    mailbox.gap(gap(GapCause.NOT_RECOVERED, None))
    assert drain(mailbox) == [gap(GapCause.NOT_RECOVERED, None), 1]


def test_even_states_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cadenza.client.mailboxes._MOST_KEYS", 2)
    mailbox = StateMailbox[int]("c", key=lambda n: n)
    for n in range(4):
        mailbox.put(n)
    assert drain(mailbox) == [gap(lost=2), 2, 3]
