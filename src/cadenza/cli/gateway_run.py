"""``cadenza gateway run`` and ``reload``: a real Centrifugo, kept running from here.

Above: ``cli.app``. Below: ``stack.centrifugo_run``, ``stack.run_folder``.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.colours import Style
from cadenza.cli.exits import Exit
from cadenza.cli.help import JSON, examples
from cadenza.cli.output import json_text, note, say

if TYPE_CHECKING:
    from cadenza.gateway.centrifugo import Finding
    from cadenza.stack.centrifugo_run import CentrifugoRun, Running, RunOptions

__all__ = ["register"]

_RUN_DIR = typer.Option(metavar="FOLDER", help="Of this gateway's run. [default: gateway in the data folder]")


def register(app: typer.Typer) -> None:
    """Add these verbs to their group."""
    app.command(
        "run",
        epilog=examples(
            "cadenza gateway run",
            "cadenza gateway run --binary ./centrifugo --config centrifugo.json",
            "cadenza gateway run --config two.json --run-dir run/two",
        ),
    )(run)
    app.command("reload", epilog=examples("cadenza gateway reload", "cadenza gateway reload --run-dir run/two"))(reload)


def run(
    *,
    binary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The program. [default: CENTRIFUGO_BIN, or on PATH]")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its file. [default: made as `gateway config` makes it]")
    ] = None,
    run_dir: Annotated[Path | None, _RUN_DIR] = None,
    key_check: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="Look for withdrawn keys so often; 0: never. [default: 2]"),
    ] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Start it although `gateway check` finds fault with the file.")
    ] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Run a real Centrifugo v6, and keep it running.

    Its log goes to stdout. It is checked before it starts, started again when it ends by itself, and told to drop its
    keys when the provider withdraws one. SIGTERM and Ctrl-C end it in order; SIGHUP, or `gateway reload`, has it read
    its file anew. Without --config no secret is written anywhere: it gets them in its environment.
    """
    from cadenza.cli.loops import run_server, server_part

    def options() -> RunOptions:
        from cadenza.stack.centrifugo_run import KEY_CHECK_SECONDS, RunOptions

        return RunOptions(
            binary=binary,
            config=config,
            run_dir=run_dir,
            unchecked=unchecked,
            key_check_seconds=KEY_CHECK_SECONDS if key_check is None else key_check,
        )

    run_server(_run(server_part(options), as_json=as_json))


async def _run(options: RunOptions, *, as_json: bool) -> None:
    from cadenza.stack.centrifugo_run import prepared_run

    async with prepared_run(options, _Teller(as_json=as_json)) as prepared:
        with _signals(prepared):
            await prepared.run()
    note("Stopped.")


@contextlib.contextmanager
def _signals(running: CentrifugoRun) -> Iterator[None]:
    """Hand the process's signals on."""
    import asyncio

    loop = asyncio.get_running_loop()
    handlers = {signal.SIGINT: running.stop, signal.SIGTERM: running.stop, signal.SIGHUP: running.reload}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


class _Teller:
    """Tells on stderr how it goes: stdout is Centrifugo's."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def found(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            self._tell(f"{finding.level} ({finding.row}): {finding}", "finding", finding)

    def up(self, running: Running, restarts: int) -> None:
        told = {
            "pid": running.pid,
            "version": running.version,
            "wsUrl": running.ws_url,
            "apiUrl": running.api_url,
            "runDir": str(running.run_dir),
            "restarts": restarts,
        }
        line = (
            f"Centrifugo {running.version} is up: {running.ws_url}; server API {running.api_url}; process {running.pid}"
        )
        self._tell(line, "up", told)

    def ended(self, status: int, delay_seconds: float) -> None:
        line = f"Centrifugo ended with {status}; it is started again in {delay_seconds:g} s."
        self._tell(line, "ended", {"status": status, "againInSeconds": delay_seconds}, Style.WARNING)

    def key_withdrawn(self) -> None:
        self._tell("The provider has withdrawn a key; Centrifugo was told to drop what it holds.", "keyWithdrawn", {})

    def _tell(self, line: str, name: str, event: object, style: Style = Style.PLAIN) -> None:
        # Whoever reads along may go; the gateway stays.
        with contextlib.suppress(OSError):
            note(json_text({name: event}) if self._as_json else line, Style.PLAIN if self._as_json else style)


def reload(*, run_dir: Annotated[Path | None, _RUN_DIR] = None, as_json: Annotated[bool, JSON] = False) -> None:
    """Have the Centrifugo that `gateway run` runs read its file anew, and drop the provider's keys that it holds.

    For a withdrawn key, do it once the key set no longer has it; while that cannot be fetched, a node without keys
    refuses everybody. Ends with 1 if Centrifugo does not take the file; it then goes on with what it had.
    """
    from cadenza.cli.loops import run as run_client
    from cadenza.cli.loops import server_part

    def asked() -> bool | None:
        from cadenza.stack.centrifugo_run import run_dir_of
        from cadenza.stack.run_folder import ask_reload

        return run_client(ask_reload(run_dir_of(run_dir)))

    taken = server_part(asked)
    if as_json:
        say(json_text({"taken": taken}))
    elif taken is None:
        say("Centrifugo was told; its log does not say whether it took it.")
    else:
        say("Reloaded." if taken else "Centrifugo does not take its file, and goes on with what it had: see its log.")
    if taken is False:
        raise typer.Exit(Exit.FAILED)
