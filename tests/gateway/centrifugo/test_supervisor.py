"""A program is kept running: started again with patience, given up in words, ended in order, its voice handed on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from cadenza.errors import ProcessError
from cadenza.gateway.centrifugo.child import Child
from cadenza.gateway.centrifugo.supervisor import RestartPolicy, Supervisor

#: Serves until SIGTERM, and says so.
SERVES = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
print("up", flush=True)
while (number := signal.sigwait({signal.SIGTERM, signal.SIGHUP})) == signal.SIGHUP:
    print("reloaded", flush=True)
print("bye", flush=True)
"""
#: Ends by itself, once it was seen to be up.
ENDS = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print("up", flush=True)
signal.sigwait({signal.SIGUSR1})
print("ending", flush=True)
raise SystemExit(3)
"""
FAILS = """print('{"level":"info","message":"starting"}\\n{"level":"fatal","error":"bind: address already in use",'
      '"message":"error ListenAndServe"}', flush=True); raise SystemExit(1)"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("heard", flush=True))
print("up", flush=True)
while True: signal.pause()
"""


@dataclass
class Stage:
    """A supervisor over a program of a few lines, with a clock that nobody waits for."""

    program: str
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    lived_seconds: float = 0.0
    pid: int = 0

    def __post_init__(self) -> None:
        self.lines: list[str] = []
        self.output = bytearray()
        self.ups: list[int] = []
        self.ends: list[tuple[int, float]] = []
        self.slept: list[float] = []
        self.now = 0.0
        self.is_up = False
        self.heard = asyncio.Event()
        self.supervisor = Supervisor(
            self._start,
            is_up=self._is_up,
            reporter=self,
            policy=self.policy,
            sleep=self._sleep,
            monotonic=lambda: self.now,
        )

    def up(self, pid: int, restarts: int) -> None:
        self.ups.append(restarts)
        self.pid = pid
        self.heard.set()
        if self.program is ENDS:
            os.kill(pid, signal.SIGUSR1)

    def ended(self, status: int, delay_seconds: float) -> None:
        self.ends.append((status, delay_seconds))
        self.heard.set()

    async def until(self, line: str) -> None:
        """Wait until the program has said so, and the supervisor has seen it up."""
        async with asyncio.timeout(20):
            while line not in self.lines or not self.ups:
                self.heard.clear()
                await self.heard.wait()

    async def _start(self) -> Child:
        self.is_up = False
        return await Child.start(
            [sys.executable, "-I", "-S", "-c", self.program],
            environment={},
            output=self.output.extend,
            on_line=self._on_line,
        )

    def _on_line(self, line: str) -> None:
        self.is_up = self.is_up or line == "up"
        if line == "ending":
            self.now += self.lived_seconds
        self.lines.append(line)
        self.heard.set()

    async def _is_up(self) -> bool:
        return self.is_up

    async def _sleep(self, seconds: float) -> None:
        if seconds != Supervisor.POLL_SECONDS:
            self.slept.append(seconds)
        await asyncio.sleep(0)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_one_that_ends_is_started_again_more_and_more_slowly_and_then_given_up() -> None:
    stage = Stage(ENDS, policy=RestartPolicy(attempts=4, longest_delay_seconds=3.0))
    with pytest.raises(ProcessError, match="ended 5 times in a row, at last with 3") as given_up:
        await stage.supervisor.run()
    assert given_up.value.status == 3
    assert stage.slept == [0.5, 1.0, 2.0, 3.0]
    assert stage.ends == [(3, delay) for delay in stage.slept]
    assert stage.ups == [0, 1, 2, 3, 4]


async def test_one_that_ran_for_long_is_as_good_as_new() -> None:
    stage = Stage(ENDS, policy=RestartPolicy(attempts=1), lived_seconds=61.0)
    running = asyncio.create_task(stage.supervisor.run())
    async with asyncio.timeout(20):
        while len(stage.ends) < 4:
            stage.heard.clear()
            await stage.heard.wait()
    stage.supervisor.stop()
    await running
    assert {delay for _, delay in stage.ends} == {0.5}


async def test_one_that_does_not_start_is_not_tried_again_and_says_why() -> None:
    stage = Stage(FAILS)
    with pytest.raises(ProcessError, match=r"did not start .*1.*: error ListenAndServe: bind: address already") as why:
        await stage.supervisor.run()
    assert "port" in why.value.next_step
    assert stage.slept == []
    assert stage.ups == []


async def test_a_redis_that_is_not_there_is_named() -> None:
    stage = Stage("""print('{"level":"fatal","message":"m","error":"Redis client: refused"}'); raise SystemExit(1)""")
    with pytest.raises(ProcessError, match="Redis client: refused") as why:
        await stage.supervisor.run()
    assert "REDIS_URL" in why.value.next_step


async def test_one_that_is_never_up_is_ended_and_said_so() -> None:
    stage = Stage('print("waiting for Redis", flush=True); import time; time.sleep(60)')
    ticks = iter(range(10_000))
    stage.supervisor._monotonic = lambda: float(next(ticks))
    with pytest.raises(ProcessError, match="not up after 30 seconds"):
        await stage.supervisor.run()


async def test_stopping_sends_sigterm_and_waits_for_the_last_word() -> None:
    stage = Stage(SERVES)
    running = asyncio.create_task(stage.supervisor.run())
    await stage.until("up")
    stage.supervisor.stop()
    await running
    assert stage.lines == ["up", "bye"]
    assert bytes(stage.output) == b"up\nbye\n"


async def test_sighup_is_handed_on() -> None:
    stage = Stage(SERVES)
    assert not stage.supervisor.reload()
    running = asyncio.create_task(stage.supervisor.run())
    await stage.until("up")
    assert stage.supervisor.reload()
    await stage.until("reloaded")
    stage.supervisor.stop()
    await running


async def test_sighup_is_not_sent_before_it_serves() -> None:
    """To a program that has not yet said what it means, it is the end."""
    stage = Stage(SERVES)
    answers = []

    async def is_up() -> bool:
        answers.append(stage.supervisor.reload())
        return stage.is_up

    stage.supervisor._is_up = is_up
    running = asyncio.create_task(stage.supervisor.run())
    await stage.until("up")
    stage.supervisor.stop()
    await running
    assert not any(answers)
    assert "reloaded" not in stage.lines


async def test_one_that_does_not_end_is_killed_and_that_is_an_error() -> None:
    stage = Stage(DEAF, policy=RestartPolicy(stop_seconds=0.05))
    running = asyncio.create_task(stage.supervisor.run())
    await stage.until("up")
    stage.supervisor.stop()
    with pytest.raises(ProcessError, match="was killed"):
        await running


async def test_stopping_twice_does_not_wait() -> None:
    stage = Stage(DEAF)
    running = asyncio.create_task(stage.supervisor.run())
    await stage.until("up")
    stage.supervisor.stop()
    await stage.until("heard")
    stage.supervisor.stop()
    await running
    assert is_gone(stage.pid)


async def test_stopping_ends_the_pause_before_the_next_start() -> None:
    stage = Stage(ENDS)
    pausing = asyncio.Event()

    async def sleep(seconds: float) -> None:
        if seconds != Supervisor.POLL_SECONDS:
            pausing.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    stage.supervisor._sleep = sleep
    running = asyncio.create_task(stage.supervisor.run())
    async with asyncio.timeout(20):
        await pausing.wait()
        stage.supervisor.stop()
        await running
    assert stage.ups == [0]


async def test_cancellation_leaves_no_process_behind() -> None:
    stage = Stage(DEAF)
    running = asyncio.create_task(stage.supervisor.run())
    await stage.until("up")
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert is_gone(stage.pid)


async def test_a_program_that_is_none_is_said_so() -> None:
    with pytest.raises(ProcessError, match="cannot be started: No such file"):
        await Child.start(["/nowhere/centrifugo"], environment={}, output=bytearray().extend)


@pytest.mark.parametrize(
    ("written", "last"),
    [
        ("", ""),
        ("first\\nsecond\\n", "second"),
        ("no end of line", "no end of line"),
        ('{"level":"error","message":"m"}\\n{"level":"info","message":"i"}\\n', "m"),
        ("[1]\\n", "[1]"),
    ],
)
async def test_all_that_is_written_is_handed_on_and_the_reason_is_found(written: str, last: str) -> None:
    output = bytearray()
    program = f"import sys; sys.stdout.write('{written}'); sys.stdout.flush(); sys.stderr.write('')"
    child = await Child.start([sys.executable, "-I", "-S", "-c", program], environment={}, output=output.extend)
    assert await child.wait() == 0
    assert output.decode() == written.replace("\\n", "\n")
    assert child.last_word() == last
    child.signal(signal.SIGTERM)  # to one that has ended: nothing


async def test_a_log_that_cannot_be_written_does_not_stop_the_program() -> None:
    def output(_: bytes) -> None:
        raise OSError("no space left on device")

    program = "for line in range(20_000): print('x' * 100)"
    child = await Child.start([sys.executable, "-I", "-S", "-c", program], environment={}, output=output)
    async with asyncio.timeout(20):
        assert await child.wait() == 0


async def test_a_line_without_end_is_handed_on_whole_and_remembered_short() -> None:
    output = bytearray()
    program = "import sys; sys.stdout.write('x' * 1_000_000)"
    child = await Child.start([sys.executable, "-I", "-S", "-c", program], environment={}, output=output.extend)
    await child.wait()
    assert len(output) == 1_000_000
    assert 0 < len(child.last_word()) <= 65_536


def _slow(gate: asyncio.Event) -> Callable[[bytes], None]:
    loop = asyncio.get_running_loop()

    def output(_: bytes) -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    return output


async def test_a_reader_that_stalls_does_not_keep_signals_from_the_program() -> None:
    gate = asyncio.Event()
    child = await Child.start(
        [sys.executable, "-I", "-S", "-c", 'print("up", flush=True); import time; time.sleep(60)'],
        environment={},
        output=_slow(gate),
    )
    child.signal(signal.SIGKILL)
    ending = asyncio.ensure_future(child.wait())
    assert await child._process.wait() == -signal.SIGKILL
    gate.set()
    assert await ending == -signal.SIGKILL
