"""The mission's flow from sign-up to sign-out, on a stack of its own: what ``cadenza demo`` runs.

Each step does one thing through the SDK and then looks where only the right behaviour shows: in the gateway's own
tables, the venue's own book, the provider's answer. Above: ``cli.demo``. Below: ``demo_steps``, ``embedded``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cadenza.errors import CadenzaError
from cadenza.stack import demo_steps
from cadenza.stack.demo_steps import DifferenceError, Scene
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class DemoStep:
    """What became of one step. ``detail`` says what was seen, or what was seen instead."""

    name: str
    detail: str
    seconds: float
    ok: bool


#: In this order; each needs those before it.
STEPS: Final[tuple[tuple[str, Callable[[Scene], Awaitable[str]]], ...]] = (
    ("sign up", demo_steps.sign_up),
    ("log in at the provider", demo_steps.log_in_at_provider),
    ("log in over the WebSocket", demo_steps.log_in_over_websocket),
    ("connect", demo_steps.connect),
    ("three typed calls", demo_steps.call),
    ("ten typed events", demo_steps.receive_events),
    ("token refreshed in place", demo_steps.refresh_in_place),
    ("token expired at connect", demo_steps.connect_with_expired_token),
    ("gap recovered on reconnect", demo_steps.recover_gap),
    ("wrong signature refused", demo_steps.refuse_wrong_signature),
    ("malformed token stays here", demo_steps.keep_malformed_token),
    ("sign out", demo_steps.sign_out),
)


async def run_demo(show: Callable[[DemoStep], None], *, clock: Callable[[], float] = time.monotonic) -> bool:
    """Run every step on free ports and in a folder that goes afterwards; stop at the first difference.

    Args:
        show: Is told of each step as it ends.
        clock: Times the steps, in seconds.

    Returns:
        Whether every step was as it must be.
    """
    with tempfile.TemporaryDirectory(prefix="cadenza-demo-") as folder:
        settings = StackSettings(data_dir=Path(folder) / "data", identity_port=0, gateway_port=0, backend_port=0)
        began = clock()
        async with EmbeddedStack(settings) as stack:
            detail = f"gateway {stack.ws_url}, provider {stack.identity_url}"
            show(DemoStep(name="start the stack", detail=detail, seconds=clock() - began, ok=True))
            async with Scene(stack) as scene:
                for name, act in STEPS:
                    step = await _run(name, act, scene, clock)
                    show(step)
                    if not step.ok:
                        return False
    return True


async def _run(name: str, act: Callable[[Scene], Awaitable[str]], scene: Scene, clock: Callable[[], float]) -> DemoStep:
    began = clock()
    try:
        detail, ok = await act(scene), True
    except (DifferenceError, CadenzaError, TimeoutError) as difference:
        detail, ok = f"{type(difference).__name__}: {difference}", False
    return DemoStep(name=name, detail=detail, seconds=clock() - began, ok=ok)
