"""A backend's orderly end: nothing that was accepted is lost, and nothing is waited for without end.

Above: ``stack.external``. Below: ``backend``, ``identity.http_server``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cadenza.backend.publisher import ApiPublisher
from cadenza.backend.service import Backend
from cadenza.identity.http_server import HttpServer

__all__ = ["StopTimes", "drain"]

_logger = logging.getLogger("cadenza.backend")


@dataclass(frozen=True, kw_only=True)
class StopTimes:
    """How long the steps of a stop may take.

    Attributes:
        leave_seconds: Every call is still answered for so long, while readiness tells whoever shares calls out among
            several backends to send them elsewhere.
        calls_seconds: Calls under way are waited for. A gateway waits for an answer for 4 seconds.
        publications_seconds: What is queued for the gateway is sent.
    """

    leave_seconds: float = 0.0
    calls_seconds: float = 10.0
    publications_seconds: float = 5.0


async def drain(
    backend: Backend,
    publisher: ApiPublisher,
    server: HttpServer,
    times: StopTimes,
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Take no more calls, answer those under way, stop listening, send what they and the venues have published.

    What could not be done in its time is in the log.
    """
    intake = backend.app.intake
    intake.leave()
    if times.leave_seconds:
        await sleep(times.leave_seconds)
    unanswered = await intake.close(timeout_seconds=times.calls_seconds)
    if unanswered:
        _logger.warning("%d calls were cut off: they took longer than %g s", unanswered, times.calls_seconds)
    await server.stop()
    await _publish_the_rest(backend, publisher, times.publications_seconds)


async def _publish_the_rest(backend: Backend, publisher: ApiPublisher, timeout_seconds: float) -> None:
    try:
        async with asyncio.timeout(timeout_seconds):
            await backend.drain()
            await publisher.flush()
    except TimeoutError:
        _logger.warning("%d publications were not sent within %g s", publisher.waiting, timeout_seconds)
