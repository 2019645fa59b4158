"""Whoever measures an answer learns in which step it ended, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from cadenza.identity.errors import RefusalError, validation_failed
from cadenza.identity.evenly import Evenly


class Watch:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def evenly(step_seconds: float, watch: Watch, *, chance: float = 0.0) -> Evenly:
    drawn = int(chance * 256**4).to_bytes(4)
    return Evenly(step_seconds, monotonic=watch, random_bytes=lambda _: drawn, sleep=watch.sleep)


@pytest.mark.parametrize(("worked", "ends"), [(0.0, 0.5), (0.125, 0.5), (0.375, 0.5), (0.625, 1.0), (2.75, 3.0)])
async def test_an_answer_ends_with_the_step_it_is_ready_in(worked: float, ends: float) -> None:
    watch = Watch()
    async with evenly(0.5, watch)():
        watch.now += worked
    assert watch.now == 100.0 + ends


@pytest.mark.parametrize(("chance", "ends"), [(0.0, 0.5), (0.5, 0.5625), (0.75, 0.59375)])
async def test_chance_makes_it_a_little_longer(chance: float, ends: float) -> None:
    watch = Watch()
    async with evenly(0.5, watch, chance=chance)():
        watch.now += 0.125
    assert watch.now == 100.0 + ends


async def test_a_refusal_is_an_answer_too() -> None:
    watch = Watch()
    with pytest.raises(RefusalError):
        await ending_with(validation_failed("no"), watch)
    assert watch.now == 100.5


@pytest.mark.parametrize("end", [ZeroDivisionError(), asyncio.CancelledError()])
async def test_a_fault_and_a_client_that_left_wait_for_nothing(end: BaseException) -> None:
    watch = Watch()
    with pytest.raises(type(end)):
        await ending_with(end, watch)
    assert watch.slept == []


async def ending_with(end: BaseException, watch: Watch) -> None:
    async with evenly(0.5, watch)():
        watch.now += 0.125
        raise end


async def test_without_a_step_nothing_is_stretched() -> None:
    watch = Watch()
    async with evenly(0, watch)():
        watch.now += 0.125
    assert watch.slept == []
