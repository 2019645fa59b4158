"""Whatever a client does and whenever, it sees each publication of a stream once and in order, or is told of the gap.

Rows D4 and D5 of the known problems: missed events are given again, and "subscribed" means from a known position on.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.kit import NOW, Gateway, MemorySocket, recorded_config

CHANNELS = {"hist:x": 100, "small:x": 2}
DOINGS = st.lists(st.sampled_from(["publish", "subscribe", "leave", "unsubscribe", "turn"]), max_size=60)


class Reader:
    """A client as the SDKs are: it keeps its position, recovers from it, and notes gaps it is told of."""

    def __init__(self, gateway: Gateway, channel: str) -> None:
        self._gateway = gateway
        self._channel = channel
        self._socket: MemorySocket | None = None
        self._is_subscribed = False
        self.position: tuple[int, str] | None = None
        self.seen: list[int] = []
        self.told_gaps: list[tuple[int, int]] = []

    def subscribe(self) -> None:
        if self._socket is None:
            self._socket = self._gateway.connect()
        if self._is_subscribed:
            return
        request: dict[str, Any] = {"channel": self._channel}
        if self.position is not None:
            request |= {"recover": True, "offset": self.position[0], "epoch": self.position[1]}
        self._socket.put(json.dumps({"id": 2, "subscribe": request}))
        self._is_subscribed = True

    def leave(self) -> None:
        if self._socket is not None:
            self.read()
            self._socket.leave()
            self._socket, self._is_subscribed = None, False

    def unsubscribe(self) -> None:
        if self._socket is not None and self._is_subscribed:
            self._socket.put(json.dumps({"id": 3, "unsubscribe": {"channel": self._channel}}))
            self._is_subscribed = False

    def read(self) -> None:
        for message in self._socket.take() if self._socket is not None else []:
            if "subscribe" in message:
                self._start(message["subscribe"])
            elif "pub" in message.get("push", {}):
                self._publication(message["push"]["pub"])

    def _start(self, result: dict[str, Any]) -> None:
        offset, epoch = result.get("offset", 0), result["epoch"]
        if self.position is not None:
            assert result["was_recovering"]
            if result.get("recovered"):
                assert offset == self.position[0]
            else:
                self.told_gaps.append((self.position[0], offset))
        self.position = (offset, epoch)
        for publication in result.get("publications", []):
            self._publication(publication)

    def _publication(self, publication: dict[str, Any]) -> None:
        assert self.position is not None
        assert publication["offset"] == self.position[0] + 1, "neither lost nor repeated"
        assert publication["data"] == publication["offset"]
        self.seen.append(publication["offset"])
        self.position = (publication["offset"], self.position[1])


@given(channel=st.sampled_from(sorted(CHANNELS)), doings=DOINGS)
def test_every_publication_arrives_once_and_in_order_or_the_gap_is_told(channel: str, doings: list[str]) -> None:
    asyncio.run(_run(channel, doings))


async def _run(channel: str, doings: list[str]) -> None:
    gateway = Gateway(recorded_config("A"), None, NOW)
    reader, published, first = Reader(gateway, channel), 0, 0
    for doing in [*doings, "subscribe", "turn"]:
        if doing == "publish":
            published += 1
            gateway.node.publish(channel, b"%d" % published)
        elif doing == "turn":
            reader.read()
        else:
            if doing == "subscribe" and reader.position is None:
                first = published
            getattr(reader, doing)()
            reader.read()
    missed = set(range(first + 1, published + 1)) - set(reader.seen)
    told = {offset for lost_from, top in reader.told_gaps for offset in range(lost_from + 1, top + 1)}
    assert missed == told
    assert reader.position is not None
    assert reader.position[0] == published
    if channel == "hist:x":
        assert not told, "a hundred are kept"
