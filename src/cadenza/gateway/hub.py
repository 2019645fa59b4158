"""Who is here: connections by client id and by user, subscribers by channel.

Above: ``node``. Below: nothing but the connection's shape. All of it lives in one event loop.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Generic, Protocol, TypeVar

__all__ = ["Hub", "Member"]


class Member(Protocol):
    """What the hub needs to know of a connection."""

    @property
    def client(self) -> str:
        """The connection's id."""
        ...

    @property
    def user(self) -> str:
        """Whose it is."""
        ...


M = TypeVar("M", bound=Member)


class Hub(Generic[M]):
    """Connections and subscriptions of one node. Iterating is safe while members come and go."""

    def __init__(self) -> None:
        self._by_client: dict[str, M] = {}
        self._by_user: dict[str, dict[str, M]] = {}
        self._by_channel: dict[str, dict[str, M]] = {}

    @property
    def client_count(self) -> int:
        """Connections."""
        return len(self._by_client)

    @property
    def user_count(self) -> int:
        """Different users; all anonymous connections together are one."""
        return len(self._by_user)

    @property
    def channel_count(self) -> int:
        """Channels with at least one subscriber."""
        return len(self._by_channel)

    @property
    def subscription_count(self) -> int:
        """Subscriptions of all connections."""
        return sum(len(members) for members in self._by_channel.values())

    def add(self, member: M) -> None:
        """Register a connection."""
        self._by_client[member.client] = member
        self._by_user.setdefault(member.user, {})[member.client] = member

    def remove(self, member: M) -> None:
        """Forget a connection; its subscriptions are dropped one by one before."""
        if self._by_client.pop(member.client, None) is None:
            return
        of_user = self._by_user[member.user]
        del of_user[member.client]
        if not of_user:
            del self._by_user[member.user]

    def subscribe(self, channel: str, member: M) -> None:
        """Add a subscriber."""
        self._by_channel.setdefault(channel, {})[member.client] = member

    def unsubscribe(self, channel: str, member: M) -> None:
        """Drop a subscriber; the last one takes the channel away."""
        members = self._by_channel.get(channel)
        if members is None:
            return
        members.pop(member.client, None)
        if not members:
            del self._by_channel[channel]

    def subscribers(self, channel: str) -> Collection[M]:
        """Give the subscribers of this moment."""
        members = self._by_channel.get(channel)
        return tuple(members.values()) if members else ()

    def of_user(self, user: str) -> list[M]:
        """Give the user's connections of this moment."""
        return list(self._by_user.get(user, {}).values())

    def user_connection_count(self, user: str) -> int:
        """Count the user's connections."""
        return len(self._by_user.get(user, ()))

    def __iter__(self) -> Iterator[M]:
        return iter(list(self._by_client.values()))
