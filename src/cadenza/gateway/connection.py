"""One client's connection: takes its commands in order, asks the node, writes replies and pushes.

Above: ``websocket`` feeds it frames and gives it a transport. Below: ``node`` (broker, hub, backend, verifier),
``commands`` (what each command does), ``protocol.client`` (codec, state table).

Everything that leaves goes through ``out`` and is flushed once a read or a loop turn, so replies keep the order of
their commands, a publication made by a command goes before its reply, and several lines share a frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from cadenza.errors import ProtocolError
from cadenza.gateway import commands
from cadenza.gateway.authenticate import ANONYMOUS
from cadenza.gateway.deadlines import Deadline, Deadlines
from cadenza.gateway.ports import Transport
from cadenza.gateway.subscribing import Subscription
from cadenza.protocol.client import (
    NEWLINE,
    PING,
    ClientInfo,
    Command,
    Event,
    Push,
    Reply,
    State,
    UnsubscribePush,
    decode_command,
    encode_push,
    encode_reply,
    join_lines,
    next_state,
    split_frame,
)
from cadenza.protocol.codes import Disconnects, ReplyError, Termination, Unsubscribes
from cadenza.protocol.proxy import Peer

if TYPE_CHECKING:
    from cadenza.gateway.node import Node

__all__ = ["Connection"]

T = TypeVar("T")
K = TypeVar("K")

_MAX_LINES_IN_FRAME = 16
_CLOSED = State.CLOSED  # looking a member up on its class costs more than the comparison


class Connection:
    """A client's connection.

    Attributes:
        client: Its id, known to the client.
        who: User, expiry, info and meta, from the token.
        peer: What the backend is told of the network.
        state: Where it stands in the state table.
        subscriptions: What it is subscribed to, by channel.
        joining: Channels the backend is being asked about.
        ending: Those of them that the server has unsubscribed since, and why.
        token_channels: Channels its token subscribed it to.
        out: Lines that wait for the next flush.
    """

    __slots__ = (
        "_deadlines",
        "_is_reading",
        "_running",
        "_transport",
        "_waiting",
        "client",
        "ending",
        "joining",
        "node",
        "out",
        "peer",
        "state",
        "subscriptions",
        "token_channels",
        "who",
    )

    def __init__(self, node: Node, transport: Transport, peer: Peer) -> None:
        self.node = node
        self.peer = peer
        self.state = State.OPEN
        self.client = node.new_client_id()
        self.who = ANONYMOUS
        self.subscriptions: dict[str, Subscription] = {}
        self.joining: tuple[str, ...] = ()
        self.ending: tuple[tuple[str, Termination], ...] = ()
        self.token_channels: frozenset[str] = frozenset()
        self.out: list[bytes] = []
        self._transport = transport
        self._waiting: deque[Command] | None = None  # an empty one has 600 bytes, and most connections need none
        self._running = 0
        self._is_reading = False
        self._deadlines = Deadlines(node.scheduler, self._due)
        self._deadlines.set(Deadline.STALE, node.config.stale_close_delay_seconds)

    @property
    def user(self) -> str:
        """The user, empty when anonymous."""
        return self.who.user

    @property
    def is_closed(self) -> bool:
        """Whether nothing happens here any more."""
        return self.state is State.CLOSED

    # What arrives

    def receive(self, frame: bytes) -> None:
        """Take one message from the client. Whoever reads flushes once it has handed over all it has read."""
        self._is_reading = True
        try:
            if NEWLINE not in frame:
                self._take(decode_command(frame))
                return
            for line in split_frame(frame):
                self._take(decode_command(line))
        except ProtocolError:
            self.close(Disconnects.BAD_REQUEST)

    def lost(self) -> None:
        """Take note that the socket is gone."""
        if self.state is not State.CLOSED:
            self.state = next_state(self.state, Event.CLOSE)
            self._leave()

    def _take(self, command: Command) -> None:
        if self.state is _CLOSED:
            return
        if command.id == 0 and command.send is None:
            self.state = next_state(self.state, Event.PONG)
            self._deadlines.clear(Deadline.PONG)
        elif self._running and self._must_wait():
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append(command)
            if len(self._waiting) > self.node.config.client_command_queue_limit:
                self._transport.pause_reading()
        else:
            commands.serve(self, command)

    def _must_wait(self) -> bool:
        """Say whether the next command waits while something runs: it may not overtake, nor go before connect."""
        if self._waiting or self.state is State.CONNECTING:
            return True
        return self._running >= self.node.config.client_concurrency

    def call(
        self,
        coroutine: Coroutine[Any, Any, T],
        done: Callable[[Connection, K, T | None, BaseException | None], None],
        about: K,
    ) -> None:
        """Ask the backend or the verifier; ``done(self, about, result, error)`` follows, at once if nothing waits."""
        outcome = self.node.runner.start(coroutine)
        if isinstance(outcome, tuple):
            done(self, about, outcome[0], outcome[1])
        else:
            self._running += 1
            self.node.runner.finish_later(outcome, partial(self._go_on, done, about))

    def _go_on(
        self,
        done: Callable[[Connection, K, T | None, BaseException | None], None],
        about: K,
        result: T | None,
        error: BaseException | None,
    ) -> None:
        self._running -= 1
        if self.state is State.CLOSED:
            return
        try:
            done(self, about, result, error)
            while self._waiting and self._running < self.node.config.client_concurrency:
                commands.serve(self, self._waiting.popleft())
                if self.is_closed:
                    return
        except ProtocolError:
            self.close(Disconnects.BAD_REQUEST)
        if not self._waiting:
            self._transport.resume_reading()

    # What leaves

    def reply(self, reply: Reply) -> None:
        """Queue a reply."""
        self.push(encode_reply(reply))

    def refuse(self, command_id: int, error: ReplyError) -> None:
        """Queue an error reply."""
        self.node.stats.reply_errors[error.code] += 1
        self.push(encode_reply(Reply(id=command_id, error=error)))

    def push(self, line: bytes) -> None:
        """Queue a line; it leaves at the end of this read or of this loop turn."""
        if not self.out and not self._is_reading:
            self.node.flush_soon(self)
        self.out.append(line)

    def flush(self) -> None:
        """Send what is queued."""
        self._is_reading = False
        out = self.out
        if len(out) == 1:
            self.out = []
            self._transport.send(out[0])
        elif out:
            self.out = []
            for start in range(0, len(out), _MAX_LINES_IN_FRAME):
                self._transport.send(join_lines(out[start : start + _MAX_LINES_IN_FRAME]))

    def close(self, termination: Termination) -> None:
        """Close with a code. What is queued still goes out, except to a client that does not keep up."""
        if self.is_closed:
            return
        if termination.code != Disconnects.SLOW.code:
            self.flush()
        self._end(termination)

    def _end(self, termination: Termination) -> None:
        if self.is_closed:  # flushing has found the client too slow
            return
        self.state = next_state(self.state, Event.CLOSE)
        self.node.stats.disconnects[termination.code] += 1
        self._leave()
        self._transport.close(termination)

    def _leave(self) -> None:
        self._deadlines.cancel()
        self._waiting = None
        self.out = []
        for channel in self.subscriptions:
            self.node.hub.unsubscribe(channel, self)
        self.subscriptions.clear()
        self.node.hub.remove(self)

    # What it is subscribed to

    def join(self, channel: str, subscription: Subscription) -> None:
        """Become a subscriber."""
        self.subscriptions[channel] = subscription
        self.node.hub.subscribe(channel, self)
        if subscription.expires_at:
            self._await_subscription_expiry()

    def drop(self, channel: str) -> bool:
        """Stop being a subscriber; says whether it was one."""
        if self.subscriptions.pop(channel, None) is None:
            return False
        self.node.hub.unsubscribe(channel, self)
        return True

    def end_subscription(self, channel: str, why: Termination) -> None:
        """Unsubscribe the client and tell it; where it is just being let in, after that."""
        if channel in self.joining:
            self.ending = (*self.ending, (channel, why))
            return
        self.drop(channel)
        self.push(encode_push(Push(channel=channel, unsubscribe=UnsubscribePush(code=why.code, reason=why.reason))))

    def info_in(self, channel: str) -> ClientInfo:
        """Say what others see of this client in a channel."""
        subscription = self.subscriptions.get(channel) or Subscription()
        return ClientInfo(user=self.who.user, client=self.client, conn_info=self.who.info, chan_info=subscription.info)

    # Time

    def start_timers(self) -> None:
        """Begin to ping, and to watch the token's end."""
        self._deadlines.clear(Deadline.STALE)
        self.watch_expiry()
        interval = self.node.config.ping_interval_seconds
        if interval > 0:
            # Spread over half an interval, for after an outage thousands come back in the same second.
            self._deadlines.set(Deadline.PING, interval * (0.5 + self.node.random.random() / 2))

    def watch_expiry(self) -> None:
        """Set the end of the connection by what the newest token says."""
        if self.who.expires_at is None:
            self._deadlines.clear(Deadline.EXPIRE)
        else:
            left = self.who.expires_at - int(self.node.clock())
            self._deadlines.set(Deadline.EXPIRE, left + self.node.config.expired_close_delay_seconds)

    def _due(self, deadline: Deadline) -> None:
        if deadline is Deadline.PING:
            self._ping()
        elif deadline is Deadline.PONG:
            self.close(Disconnects.NO_PONG)
        elif deadline is Deadline.STALE:
            self.close(Disconnects.STALE)
        elif deadline is Deadline.EXPIRE:
            self.close(Disconnects.EXPIRED)
        else:
            self._end_expired_subscriptions()

    def _ping(self) -> None:
        config = self.node.config
        self.push(PING)
        self.state = next_state(self.state, Event.PING)
        if config.pong_timeout_seconds > 0:
            self._deadlines.set(Deadline.PONG, config.pong_timeout_seconds)
        self._deadlines.set(Deadline.PING, config.ping_interval_seconds)

    def _await_subscription_expiry(self) -> None:
        ends = [s.expires_at for s in self.subscriptions.values() if s.expires_at]
        if ends:
            left = min(ends) - self.node.clock() + self.node.config.expired_sub_close_delay_seconds
            self._deadlines.set(Deadline.SUBSCRIPTIONS, max(0.0, left))

    def _end_expired_subscriptions(self) -> None:
        limit = self.node.clock() - self.node.config.expired_sub_close_delay_seconds
        for channel in [c for c, s in self.subscriptions.items() if s.expires_at and s.expires_at <= limit]:
            self.end_subscription(channel, Unsubscribes.EXPIRED)
        self._await_subscription_expiry()
