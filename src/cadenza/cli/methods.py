"""``cadenza methods``: the contract's methods, who may call each, and what it takes.

Above: ``cli.app``. Below: ``schema.methods``; no network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cadenza.cli.help import JSON, examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cadenza.schema.methods import Method

    AnyMethod = Method[Any, Any]

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "methods",
        epilog=examples("cadenza methods", "cadenza methods ticker", "cadenza methods query.orderbook.get --json"),
    )(methods)


def methods(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="Only methods with this in their name.", show_default=False)
    ] = "",
    *,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List the contract's methods.

    Who may call each, and what it takes: optional parameters stand in brackets. A method's whole name shows each of its
    parameters with type and default.
    """
    from cadenza.cli.output import json_text, say
    from cadenza.errors import ValidationError
    from cadenza.schema.methods import METHODS

    found = [METHODS[text]] if text in METHODS else [one for name, one in METHODS.items() if text in name]
    if not found:
        from cadenza.cli.suggest import did_you_mean

        raise ValidationError(f"No method has {text!r} in its name.", next_step=did_you_mean(text, METHODS))
    if as_json:
        say(json_text([_described(method) for method in found]))
    elif text in METHODS:
        _show_one(found[0])
    else:
        _show(found)


def _described(method: AnyMethod) -> dict[str, object]:
    from cadenza.cli.describe import parameters_of

    return {
        "name": method.name,
        "kind": method.kind,
        "access": method.access.name.lower(),
        "secondFactor": method.guarded,
        "limit": method.rate,
        "paginated": method.paginated,
        "params": parameters_of(method.params),
    }


def _show(found: Sequence[AnyMethod]) -> None:
    from cadenza.cli.colours import Style
    from cadenza.cli.describe import parameters_of, summary
    from cadenza.cli.output import show_table

    rows = [(method.name, method.access.name.lower(), summary(parameters_of(method.params))) for method in found]
    show_table(("METHOD", "ACCESS", "TAKES"), rows, styles={"METHOD": Style.TYPED, "TAKES": Style.MUTED})


def _show_one(method: AnyMethod) -> None:
    from cadenza.cli.colours import Style
    from cadenza.cli.describe import parameters_of
    from cadenza.cli.output import json_text, say, show_pairs, show_table

    parameters = parameters_of(method.params)
    pairs = {"Method": method.name, "Access": f"{method.access.name.lower()}: {method.access.value}"}
    if method.guarded is not None:
        pairs["Second factor"] = f"where the operator demands it for {method.guarded}"
    pairs["Limit"] = f"counted with the caller's {method.rate}"
    show_pairs(pairs)
    if not parameters:
        say("Takes no parameters.")
        return
    say("")
    rows = [
        (
            one.name,
            one.type,
            "required" if one.required else f"default {json_text(one.default)}" if one.default is not None else "",
            ", ".join(value or '""' for value in one.values),
        )
        for one in parameters
    ]
    show_table(("PARAMETER", "TYPE", "", "ONE OF"), rows, styles={"PARAMETER": Style.TYPED, "ONE OF": Style.MUTED})
