"""A sign-in that is given up at a question ends at once, and leaves nothing: no session, nothing that waits."""

from __future__ import annotations

import pytest
from tests.cli.people import Person


def _left(person: Person) -> tuple[bool, list[str]]:
    """What a sign-in that did not end well may have left: a session, something that waits."""
    return person.session_file.exists(), person.waiting


class TestCtrlC:
    @pytest.fixture(
        params=[
            ("--password", "E-mail: "),
            ("--password", "--email", "a@example.com", "Password of "),
            ("Which? [1] ",),
            ("--provider", "test", "paste the address"),
        ]
    )
    def question(self, request: pytest.FixtureRequest) -> tuple[str, ...]:
        asked: tuple[str, ...] = request.param
        return asked

    def test_it_ends_a_question_at_once_and_leaves_nothing(self, person: Person, question: tuple[str, ...]) -> None:
        *argv, asked = question
        with person.at_terminal("login", *argv) as terminal:
            terminal.expect(asked)
            terminal.interrupt()
            assert terminal.end() == 130
            assert "Traceback" not in terminal.seen
            assert terminal.echoes
        assert _left(person) == (False, [])

    def test_a_mail_that_is_given_up_signs_nobody_in_later(self, known: Person) -> None:
        with known.at_terminal("login", "--magic-link", "--email", known.email) as terminal:
            terminal.expect("paste link or code: ")
            terminal.interrupt()
            assert terminal.end() == 130
        assert _left(known) == (False, [])

    def test_ctrl_d_is_no_answer(self, person: Person) -> None:
        with person.at_terminal("login") as terminal:
            terminal.expect("Which? [1] ")
            terminal.end_of_input()
            assert terminal.end() == 130
