"""Who is at the other end of the wire: what a session and the audit log remember of a request.

Above: ``exchange`` makes it, ``sessions`` and ``audit`` keep it. Below: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_LONGEST_USER_AGENT: Final = 512


@dataclass(frozen=True, kw_only=True)
class Agent:
    """``address`` is whom rate limits count; ``user_agent`` is what it says it is, cut where it gets absurd."""

    address: str = ""
    user_agent: str = ""

    @classmethod
    def of(cls, address: str, user_agent: str) -> Agent:
        """The agent of a request."""
        return cls(address=address, user_agent=user_agent[:_LONGEST_USER_AGENT])


#: In process, or unknown.
NOBODY: Final = Agent()
