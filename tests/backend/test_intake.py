"""Calls under way are waited for when the backend stops, for a bounded time."""

import asyncio

from cadenza.backend.intake import Intake, Taking


async def test_closing_waits_for_the_last_call() -> None:
    intake = Intake()
    with intake:
        with intake:
            closing = asyncio.create_task(intake.close(timeout_seconds=60))
            await asyncio.sleep(0)
            assert (intake.under_way, intake.taking) == (2, Taking.NONE)
        await asyncio.sleep(0)
        assert not closing.done()
    assert await closing == 0


async def test_a_call_that_never_ends_is_not_waited_for_without_end() -> None:
    intake = Intake()
    with intake:
        assert await intake.close(timeout_seconds=0) == 1


async def test_with_nothing_under_way_closing_takes_no_time() -> None:
    intake = Intake()
    intake.leave()
    assert intake.taking is Taking.LAST
    assert await intake.close(timeout_seconds=0) == 0
