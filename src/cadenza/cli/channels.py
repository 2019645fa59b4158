"""``cadenza channels``: the contract's channel patterns, who may join each, and what comes on it.

Above: ``cli.app``. Below: ``schema.channels``; no network.
"""

from __future__ import annotations

from typing import Annotated

import typer

from cadenza.cli.help import JSON, examples

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command("channels", epilog=examples("cadenza channels", "cadenza channels --json"))(channels)


def channels(*, as_json: Annotated[bool, JSON] = False) -> None:
    """List the contract's channels.

    Each pattern with who may join, what it carries, and an example for `cadenza watch`.
    """
    from cadenza.cli.colours import Style
    from cadenza.cli.output import json_text, say, show_table
    from cadenza.schema.channels import CHANNELS

    if as_json:
        described = [
            {
                "pattern": channel.pattern,
                "access": channel.access.name.lower(),
                "payload": _payload(channel.payload),
                "example": channel.example,
            }
            for channel in CHANNELS
        ]
        say(json_text(described))
        return
    rows = [
        (channel.pattern, channel.access.name.lower(), _payload(channel.payload), channel.example)
        for channel in CHANNELS
    ]
    show_table(("PATTERN", "ACCESS", "CARRIES", "EXAMPLE"), rows, styles={"EXAMPLE": Style.TYPED})


def _payload(payload: object) -> str:
    """A message type's name; a generic one's without its parameters, which say nothing here."""
    origin = getattr(payload, "__origin__", payload)
    return str(getattr(origin, "__name__", origin))
