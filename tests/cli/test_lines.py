"""Lines of stdin beside everything else that goes on: from a terminal, a pipe, a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cadenza.cli.lines import Lines, without_echo
from cadenza.errors import ConfigurationError

DEADLINE_SECONDS = 20

UseStdin = Callable[[int], None]


@pytest.fixture
def use_stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[UseStdin]:
    """Put a descriptor in the place of stdin; it is closed in the end."""
    with contextlib.ExitStack() as opened:

        def use(descriptor: int) -> None:
            monkeypatch.setattr("sys.stdin", opened.enter_context(open(descriptor, encoding="utf-8")))

        yield use


@pytest.fixture
def pipe(use_stdin: UseStdin) -> Iterator[int]:
    """The end that is written to."""
    theirs, mine = os.pipe()
    use_stdin(theirs)
    yield mine
    with contextlib.suppress(OSError):
        os.close(mine)


async def test_a_line_is_waited_for_while_the_loop_goes_on(pipe: int) -> None:
    lines = Lines()
    async with asyncio.timeout(DEADLINE_SECONDS):
        waiting = asyncio.ensure_future(lines.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        os.write(pipe, b"on")
        await asyncio.sleep(0)
        os.write(pipe, b"e\r\ntwo\nthree")
        assert await waiting == "one"
        assert await lines.next() == "two"
        os.close(pipe)
        assert [await lines.next(), await lines.next(), await lines.next()] == ["three", None, None]


async def test_a_question_that_is_given_up_takes_no_line_with_it(pipe: int) -> None:
    lines = Lines()
    async with asyncio.timeout(DEADLINE_SECONDS):
        given_up = asyncio.ensure_future(lines.next())
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        os.write(pipe, b"kept\n")
        assert await lines.next() == "kept"


async def test_a_file_is_read_too(use_stdin: UseStdin, tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_text(" first \nsecond")
    use_stdin(os.open(tmp_path / "password.txt", os.O_RDONLY))
    lines = Lines()
    assert [await lines.next(), await lines.next(), await lines.next()] == [" first ", "second", None]


async def test_what_never_ends_a_line_is_refused(use_stdin: UseStdin) -> None:
    use_stdin(os.open("/dev/zero", os.O_RDONLY))
    with pytest.raises(ConfigurationError, match="too long"):
        await Lines().next()


async def test_a_terminal_that_is_gone_has_no_more_lines(use_stdin: UseStdin) -> None:
    mine, theirs = pty.openpty()
    use_stdin(theirs)
    async with asyncio.timeout(DEADLINE_SECONDS):
        waiting = asyncio.ensure_future(Lines().next())
        await asyncio.sleep(0)
        os.close(mine)
        assert await waiting is None


def test_the_echo_comes_back_whatever_happens(use_stdin: UseStdin) -> None:
    mine, theirs = pty.openpty()
    use_stdin(theirs)

    def interrupted() -> None:
        with without_echo():
            assert not termios.tcgetattr(mine)[3] & termios.ECHO
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert termios.tcgetattr(mine)[3] & termios.ECHO
    os.close(mine)
