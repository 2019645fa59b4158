"""How fast one caller may go on: the class of limits that a method counts in, decided in ``backend.rates``.

Above: ``method``, ``methods``. Below: nothing.
"""

from __future__ import annotations

import enum


class Rate(enum.StrEnum):
    """What is counted together. A method is of its kind's class unless it declares another beside it."""

    QUERIES = "queries"
    COMMANDS = "commands"
    #: Each asks the identity provider, and most have no user yet: they are counted by address.
    SIGN_IN = "sign-in"
    #: What machines hand in as fast as it happens: ``*.save``.
    FEEDS = "feeds"
    #: Channels joined; no method's.
    JOINS = "joins"
