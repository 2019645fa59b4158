"""A connection is raised for its own user, for a time, and the number of them is bounded."""

from typing import Any

from cadenza.backend.levels import RaisedLevels


def test_a_connection_falls_back_when_the_token_it_showed_expires(time: Any) -> None:
    levels = RaisedLevels(clock=time)
    levels.raise_to("c1", "ann", "aal2", expires_at=time.now + 60)
    assert levels.of("c1", "ann") == "aal2"
    time.now += 60
    assert levels.of("c1", "ann") == ""
    assert len(levels) == 0


def test_another_user_or_connection_is_not_raised_with_it(time: Any) -> None:
    levels = RaisedLevels(clock=time)
    levels.raise_to("c1", "ann", "aal2", expires_at=time.now + 60)
    assert levels.of("c1", "bob") == ""
    assert levels.of("c2", "ann") == ""


def test_the_connection_raised_longest_ago_is_forgotten_first(time: Any) -> None:
    levels = RaisedLevels(clock=time, max_connections=2)
    for client in ("c1", "c2", "c1", "c3"):
        levels.raise_to(client, "ann", "aal2", expires_at=time.now + 60)
    assert [client for client in ("c1", "c2", "c3") if levels.of(client, "ann")] == ["c1", "c3"]
