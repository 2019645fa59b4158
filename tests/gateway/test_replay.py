"""Every transcript of the recording that concerns what is built replays here with the same result.

``tests/data/gateway/replay.json`` says for each of the recording's scenarios how it is replayed, with which
configuration and clock, what is left out of it and why, or why it is not replayed at all. Client ids, epochs and the
node's own figures are the only things normalised; lines are compared as bytes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.gateway.kit import Gateway, MemorySocket, load_plans, load_scenarios

from cadenza.gateway.api import Api, HttpRequest

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EPOCH = re.compile(r'(?<="epoch":")[A-Za-z]{8}(?=")')
_PING = "{}"
_SLACK_SECONDS = 0.01
_NO_PONG = 3012


PLANS, SCENARIOS = load_plans(), load_scenarios()


def test_every_scenario_is_replayed_or_listed_with_the_reason() -> None:
    assert PLANS.keys() == SCENARIOS.keys()
    for name, plan in PLANS.items():
        left_out = [key for key in plan if key.startswith("without")]
        assert plan["how"] in {"memory", "socket", "not"}, name
        assert bool(plan.get("because")) == (plan["how"] == "not" or bool(left_out)), name


class _Expected:
    """What the recording says came, as far as the plan keeps it."""

    def __init__(self, scenario: dict[str, Any], plan: dict[str, Any]) -> None:
        self._plan = plan
        self.lines: dict[str, list[str]] = {}
        self.pings: dict[str, list[float]] = {}
        self.closes: dict[str, list[tuple[float, int, str]]] = {}
        self.answers: list[dict[str, Any]] = []
        for entry in scenario["received"]:
            if "frame" in entry:
                for line in entry["frame"].split("\n"):
                    if line == _PING:
                        self.pings.setdefault(entry["c"], []).append(entry["t"])
                    elif self._is_kept(entry["c"], line):
                        self.lines.setdefault(entry["c"], []).append(line)
            elif "close" in entry:
                close = entry["close"]
                if close["code"] not in plan.get("without_closes", []):
                    self.closes.setdefault(entry["c"], []).append((entry["t"], close["code"], close["reason"]))
            elif "status" in entry:
                self.answers.append(entry)

    def _is_kept(self, client: str, line: str) -> bool:
        message = json.loads(line)
        if [client, message.get("id")] in self._plan.get("without_commands", []):
            return False
        push = message.get("push", {})
        if push.get("channel") in self._plan.get("without_channels", []):
            return False
        if push.get("pub", {}).get("offset") in self._plan.get("without_offsets", []):
            return False
        return not any(kind in push for kind in self._plan.get("without_pushes", []))


class _Normal:
    """Gives ids and epochs names by their first appearance, on one side of the comparison."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def text(self, line: str) -> str:
        line = _ID.sub(lambda match: self._name("id", match[0]), line)
        return _EPOCH.sub(lambda match: self._name("epoch", match[0]), line)

    def _name(self, kind: str, value: str) -> str:
        return self._names.setdefault(value, f"<{kind} {sum(n.startswith(f'<{kind}') for n in self._names.values())}>")


class _Replay:
    """One scenario against one gateway in memory."""

    def __init__(self, gateway: Gateway, scenario: dict[str, Any], plan: dict[str, Any]) -> None:
        self._gateway = gateway
        self._plan = plan
        self._scenario = scenario
        self._api = Api(gateway.node)
        self._sockets: dict[str, list[MemorySocket]] = {}
        self._requests: list[tuple[dict[str, Any], Any]] = []
        self._recorded_epochs: list[str] = []
        self.expected = _Expected(scenario, plan)

    def run(self) -> None:
        for client in self.expected.closes.keys() - {entry["c"] for entry in self._scenario["sent"]}:
            self._socket(client)  # one that never says a word
        for entry in self._events():
            self._gateway.time.advance_to(entry["t"])
            if "method" in entry:
                self._request(entry)
            elif "frame" in entry:
                self._put(entry)
            else:
                self._client_closes(entry)
        self._gateway.time.settle()

    def _events(self) -> Iterator[dict[str, Any]]:
        """What the recorder did, in order: frames sent, requests made, sockets it closed itself (code 1000)."""
        ends = [e for e in self._scenario["received"] if e.get("close", {}).get("code") == 1000]
        waits = [e for e in self._scenario["received"] if "close" in e or "note" in e]
        doings = [e for e in self._scenario["sent"] if e.get("frame") != _PING or not self.expected.pings]
        stops = [{"t": e["t"] + 0.001, "wait": True, "c": e["c"]} for e in waits if e not in ends]
        return iter(sorted([*doings, *ends, *stops], key=lambda e: e["t"]))

    def _put(self, entry: dict[str, Any]) -> None:
        frame = entry["frame"]
        data = base64.b64decode(frame["binary_b64"]) if isinstance(frame, dict) else self._ours(frame).encode()
        if not self._is_left_out(entry["c"], frame):
            self._socket(entry["c"]).put(data)

    def _is_left_out(self, client: str, frame: object) -> bool:
        without = self._plan.get("without_commands", [])
        return bool(without) and isinstance(frame, str) and [client, json.loads(frame)["id"]] in without

    def _request(self, entry: dict[str, Any]) -> None:
        recorded = self.expected.answers.pop(0)
        url = urlsplit(entry["url"])
        path, body = url.path, entry["body"]
        channel = body.get("channel") if isinstance(body, dict) else None
        skipped = path.removeprefix("/api/") in self._plan.get("without_requests", [])
        if skipped or channel in self._plan.get("without_channels", []):
            return
        text = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        headers = {name.lower(): value for name, value in entry["headers"].items()}
        request = HttpRequest(method=entry["method"], path=path, query=url.query, headers=headers, body=text)
        self._requests.append((recorded, self._api.answer(request)))
        self._gateway.time.settle()

    def _client_closes(self, entry: dict[str, Any]) -> None:
        if entry.get("wait"):
            self._socket(entry["c"])
            return
        socket = self._socket(entry["c"])
        if socket.closed is None:
            socket.leave()

    def _socket(self, client: str) -> MemorySocket:
        sockets = self._sockets.setdefault(client, [])
        if not sockets or (sockets[-1].closed is not None and len(sockets) < len(self.expected.closes.get(client, []))):
            sockets.append(self._gateway.open())
            sockets[-1].answers_pings = any(entry.get("frame") == _PING for entry in self._scenario["sent"])
        return sockets[-1]

    def _ours(self, frame: str) -> str:
        """Put our epochs in the place of the recorded ones."""
        for client, sockets in self._sockets.items():
            theirs = "".join(self.expected.lines.get(client, []))
            ours = "".join(line for socket in sockets for _, line in socket.lines)
            for old, new in zip(_EPOCH.findall(theirs), _EPOCH.findall(ours), strict=False):
                frame = frame.replace(old, new)
        return frame

    # Comparison

    def compare(self) -> None:
        recorded, actual = _Normal(), _Normal()
        assert self.expected.lines.keys() <= self._sockets.keys()
        for client, sockets in self._sockets.items():
            lines = self.expected.lines.get(client, [])
            ours = [line for socket in sockets for _, line in socket.lines if line != _PING]
            assert [actual.text(line) for line in ours] == [recorded.text(line) for line in lines], client
        for theirs, answer in self._requests:
            _compare_answer(theirs, answer, recorded, actual)
        self._compare_closes()
        self._compare_pings()

    def _compare_closes(self) -> None:
        for client, closes in self.expected.closes.items():
            kept = [(socket.closed, socket.closed_at) for socket in self._sockets[client]]
            for (closed, at), (recorded_at, code, reason) in zip(kept, closes, strict=True):
                if code == 1000:  # the recorder's own; the gateway had kept the socket open until then
                    assert closed is None, client
                elif code == 1006:  # a code that cannot stand in a close frame
                    assert closed is not None
                    assert closed.code < 1000
                else:
                    assert closed is not None
                    assert (closed.code, closed.reason) == (code, reason)
                    # Pings start at a random moment, and with them the count to 3012.
                    since, recorded_since = self._last_pings(client) if code == _NO_PONG else (0.0, 0.0)
                    assert abs((at - since) - (recorded_at - recorded_since)) < _SLACK_SECONDS

    def _last_pings(self, client: str) -> tuple[float, float]:
        return self._pings(client)[-1], self.expected.pings[client][-1]

    def _pings(self, client: str) -> list[float]:
        return [at for socket in self._sockets[client] for at, line in socket.lines if line == _PING]

    def _compare_pings(self) -> None:
        for client, recorded in self.expected.pings.items():
            ours = self._pings(client)
            assert abs(len(ours) - len(recorded)) <= 1, client
            assert all(0.999 < later - earlier < 1.001 for earlier, later in pairwise(ours))
            assert 0.5 <= ours[0] <= 1.0


def _compare_answer(theirs: dict[str, Any], answer: Any, recorded: _Normal, actual: _Normal) -> None:
    assert answer.status == theirs["status"]
    assert (answer.content_type or None) == theirs["content_type"]
    body = answer.body.decode()
    if '"nodes"' not in theirs["body"]:
        assert actual.text(body) == recorded.text(theirs["body"])
        return
    ours, node = json.loads(body)["result"]["nodes"][0], json.loads(theirs["body"])["result"]["nodes"][0]
    assert list(ours) == list(node)
    assert {name: type(value) for name, value in ours.items()} == {name: type(value) for name, value in node.items()}
    assert ours["metrics"].keys() == node["metrics"].keys()


@pytest.mark.parametrize("name", [name for name, plan in PLANS.items() if plan["how"] == "memory"])
async def test_scenario_replays(name: str, make_gateway: Callable[..., Awaitable[Any]], backend: Any) -> None:
    plan = PLANS[name]
    gateway = await make_gateway(plan["config"], proxy=backend, epoch=plan["clock"])
    replay = _Replay(gateway, SCENARIOS[name], plan)
    replay.run()
    replay.compare()
