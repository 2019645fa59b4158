from __future__ import annotations

import pytest

from cadenza.gateway.node import Node
from cadenza.identity.server import IdentityServer
from cadenza.stack.demo import STEPS, DemoStep, run_demo


async def test_every_step_is_as_it_must_be() -> None:
    seen: list[DemoStep] = []
    assert await run_demo(seen.append)
    assert [step.name for step in seen] == ["start the stack", *(name for name, _ in STEPS)]
    assert all(step.ok and step.detail for step in seen)


async def test_a_token_that_does_not_expire_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    issue = IdentityServer.issue_access_token

    async def never_expired(self: IdentityServer, session_id: str, *, lifetime_seconds: int) -> str:
        return await issue(self, session_id, lifetime_seconds=abs(lifetime_seconds))

    monkeypatch.setattr(IdentityServer, "issue_access_token", never_expired)
    seen: list[DemoStep] = []
    assert not await run_demo(seen.append)
    assert (seen[-1].name, seen[-1].ok) == ("token expired at connect", False)
    assert "109" in seen[-1].detail


async def test_a_lost_publication_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    publish = Node.publish

    def forgetful(self: Node, channel: str, data: bytes, **options: object) -> object:
        return publish(self, channel, data, skip_history=b"demo-4" in data, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Node, "publish", forgetful)
    monkeypatch.setattr("cadenza.stack.demo_steps.DEADLINE_SECONDS", 5.0)
    seen: list[DemoStep] = []
    assert not await run_demo(seen.append)
    assert (seen[-1].name, seen[-1].ok) == ("gap recovered on reconnect", False)
