"""``cadenza call``: one method, its parameters as JSON, its data printed.

Above: ``cli.app``. Below: ``cli.parameters`` reads the JSON, ``cli.session`` connects, the SDK calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE

if TYPE_CHECKING:
    from cadenza.client import Page

__all__ = ["register"]

#: Parameters and results that nobody else may see. Everybody on the machine sees arguments.
_SECRETS = frozenset(
    {"password", "accessToken", "refreshToken", "token", "secretKey", "secretPassphrase", "codeVerifier"}
)


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "call",
        epilog=examples(
            "cadenza call query.system.info",
            """cadenza call query.ticker.list '{"venue": "PAPER"}'""",
            """echo '{"instrumentId": "PAPER:BTC/USDT"}' | cadenza call query.orderbook.get - --json""",
            "cadenza call query.kline.list @parameters.json",
        ),
    )(call)


def call(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Its name; `cadenza methods` lists them.")],
    parameters: Annotated[
        str,
        typer.Argument(
            metavar="JSON", help="Its parameters, an object; - reads stdin, @file a file.", show_default=False
        ),
    ] = "",
    *,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="How long to wait for the answer.")
    ] = 10.0,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Call a method of the contract and print its data.

    The data is indented JSON; on a terminal a list is a table, and books, tickers and bars are drawn. With --json the
    answer is one line, {"data", "pagination"}. Tokens in an answer are not shown. A secret is never an argument: pipe
    parameters that hold one. Where a call wants a second factor, somebody at a terminal is asked for the code.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.parameters import read_parameters
    from cadenza.cli.suggest import did_you_mean
    from cadenza.errors import ValidationError
    from cadenza.schema.methods import METHODS

    if method not in METHODS:
        raise ValidationError(f"There is no method {method!r}.", next_step=did_you_mean(method, METHODS))
    values = read_parameters(parameters)
    if not parameters.startswith(("-", "@")):
        _refuse_secrets(values)
    run(_call(method, values, timeout, profile=profile, as_json=as_json))


async def _call(
    method: str, parameters: Mapping[str, object], seconds: float, *, profile: str | None, as_json: bool
) -> None:
    import msgspec

    from cadenza.cli.output import json_text, note, person_looks, say, show_json
    from cadenza.cli.session import open_api

    async with open_api(as_json=as_json, profile=profile, timeout=seconds) as api:
        page: Page[object] = await api.do(api.client.call_page(method, parameters))
    data = _without_secrets(msgspec.to_builtins(page.data))
    if as_json:
        pagination = {} if page.pagination is None else {"pagination": page.pagination}
        say(json_text({"data": data, **pagination}))
        return
    if not person_looks() or not _show_for_a_person(page.data, data):
        show_json(data)
    if page.pagination is not None:
        note(f"Page: {json_text(page.pagination)}")


def _show_for_a_person(data: object, plain: object) -> bool:
    from cadenza.cli.answers import show_answer

    return show_answer(data, plain)


def _refuse_secrets(values: object, path: str = "") -> None:
    """Raise for the first secret among parameters that stood on the command line."""
    from cadenza.errors import ValidationError

    for name, value in _members(values):
        field = f"{path}.{name}" if path else name
        if name in _SECRETS and value:
            raise ValidationError(
                "A secret is never an argument: others on this machine can read those.",
                field=field,
                next_step="Pipe the JSON in with -, or put it into a file that only you can read and give @file.",
            )
        _refuse_secrets(value, field)


def _without_secrets(value: object) -> object:
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if isinstance(value, dict):
        return {
            name: "(not shown)" if name in _SECRETS and item else _without_secrets(item) for name, item in value.items()
        }
    return value


def _members(value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [(str(name), item) for name, item in value.items()]
    return [(str(index), item) for index, item in enumerate(value)] if isinstance(value, list) else []
