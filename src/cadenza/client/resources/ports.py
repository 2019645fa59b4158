"""What a resource needs of the client: to call, and to watch.

Above: the resources. ``_client`` implements it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from cadenza.client.hubs import Hub
from cadenza.client.mailboxes import Mailbox
from cadenza.client.subscriptions import BookWatch, GapHandler, HubMaker, Watch
from cadenza.schema.methods import Method

P = TypeVar("P")
D = TypeVar("D")
T = TypeVar("T")


class Api(Protocol):
    """The client as its resources see it."""

    async def call(self, method: Method[P, D], params: P, /, *, deadline_seconds: float | None = None) -> D:
        """Call a method."""
        ...

    def watch(
        self,
        channel: str,
        *,
        make_hub: HubMaker[T],
        make_mailbox: Callable[[Hub[T]], Mailbox[T]],
        on_gap: GapHandler | None,
        heals: bool,
    ) -> Watch[T]:
        """Prepare a reader of a channel."""
        ...

    def watch_book(self, channel: str, *, depth: int | None, on_gap: GapHandler | None) -> BookWatch:
        """Prepare a reader of a book's channel."""
        ...
