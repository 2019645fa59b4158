"""The venues served here."""

from typing import Any


async def test_venues_are_bare_names(rpc: Any) -> None:
    assert await rpc("query.venue.list") == {"data": ["PAPER"]}
