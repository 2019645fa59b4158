"""An answer is written at once, whole and in order, and nothing of it is lost."""

from __future__ import annotations

import asyncio

import pytest

from cadenza.identity.coalescing import Coalescing


class Wire(asyncio.Transport):
    """Writes down what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")

    def write_eof(self) -> None:
        self.done.append("ended")

    def is_closing(self) -> bool:
        return "closed" in self.done

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.done.append("paused")

    def resume_reading(self) -> None:
        self.done.append("resumed")


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def both(wire: Wire) -> Coalescing:
    return Coalescing(wire, asyncio.get_running_loop())


async def test_two_writes_are_one(both: Coalescing, wire: Wire) -> None:
    both.write(b"head ")
    assert (wire.done, both.get_write_buffer_size()) == ([], 5)
    both.write(b"body")
    assert (wire.done, both.get_write_buffer_size()) == ([b"head body"], 0)
    await asyncio.sleep(0)
    assert wire.done == [b"head body"]


async def test_a_head_whose_body_takes_its_time_does_not_wait_for_it(both: Coalescing, wire: Wire) -> None:
    both.write(b"head")
    await asyncio.sleep(0)
    assert wire.done == [b"head"]
    both.write(b"body")
    await asyncio.sleep(0)
    assert wire.done == [b"head", b"body"]


async def test_what_is_held_back_goes_before_the_end_and_not_after_an_abort(both: Coalescing, wire: Wire) -> None:
    both.write(b"one")
    both.write_eof()
    both.writelines([b"t", b"wo"])
    both.close()
    assert both.is_closing()
    both.write(b"three")
    both.abort()
    await asyncio.sleep(0)
    assert wire.done == [b"one", "ended", b"two", "closed", "aborted"]


async def test_reading_is_paused_and_resumed_through_it(both: Coalescing, wire: Wire) -> None:
    both.pause_reading()
    both.resume_reading()
    assert wire.done == ["paused", "resumed"]
