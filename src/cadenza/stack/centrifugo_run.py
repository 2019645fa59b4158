"""A real Centrifugo, run from here: checked before it starts, kept running, told when a key is withdrawn.

Above: ``cli.gateway_run``. Below: ``gateway.centrifugo``, ``stack.centrifugo``, ``stack.run_folder``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import httpx

from cadenza.client.settings import default_data_dir, is_loopback, read_environment
from cadenza.errors import ConfigurationError
from cadenza.gateway.centrifugo import (
    SECRET_HEADER,
    Finding,
    Level,
    Options,
    Wanted,
    check,
    document,
    effective,
    read_file,
    secret_environment,
    text,
)
from cadenza.gateway.centrifugo.child import Child
from cadenza.gateway.centrifugo.key_watch import KeyWatch, fetch_keys
from cadenza.gateway.centrifugo.program import find_program, require_taken, version_of
from cadenza.gateway.centrifugo.supervisor import RestartPolicy, Supervisor
from cadenza.stack.centrifugo import require_secrets, wanted
from cadenza.stack.folder import write_private
from cadenza.stack.run_folder import RunFolder
from cadenza.stack.serving import require_free

#: Of the data folder.
RUN_FOLDER: Final = "gateway"
#: A withdrawn key is refused within five seconds: a look, the signal, and a connection after it.
KEY_CHECK_SECONDS: Final = 2.0
#: What Centrifugo has no use for, and need not know.
_NOT_HANDED_ON: Final = ("CADENZA_", "SUPABASE_", "GOTRUE_", "DATABASE_URL", "REDIS_URL", "CENTRIFUGO_BIN")
_RELOADED: Final = "configuration successfully reloaded"
_NOT_RELOADED: Final = ("error reading config", "error validating config", "error reloading")
_LOOK_SECONDS: Final = 1.5
_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # read, not bound


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What the command line says; ``None``: found or made.

    Attributes:
        binary: The program.
        config: Its file; without one it is made of the environment.
        run_dir: Of this run alone.
        unchecked: Start it although the check finds fault.
        key_check_seconds: Between two looks at the key set; 0 does not look.
        policy: How patient to be.
    """

    binary: Path | None = None
    config: Path | None = None
    run_dir: Path | None = None
    unchecked: bool = False
    key_check_seconds: float = KEY_CHECK_SECONDS
    policy: RestartPolicy = field(default_factory=RestartPolicy)


class Watcher(Protocol):
    """Is told how it goes."""

    def found(self, findings: tuple[Finding, ...]) -> None:
        """The check's findings, before it is started."""
        ...

    def up(self, running: Running, restarts: int) -> None:
        """It is running, for the first time or again."""
        ...

    def ended(self, status: int, delay_seconds: float) -> None:
        """It ended by itself, and is started again after that time."""
        ...

    def key_withdrawn(self) -> None:
        """The provider has withdrawn a key, and Centrifugo was told to drop what it holds."""
        ...


@dataclass(frozen=True, kw_only=True)
class Running:
    """What runs, and where it is reached."""

    pid: int
    version: str
    ws_url: str
    api_url: str
    run_dir: Path


def run_dir_of(named: Path | None, environ: Mapping[str, str] | None = None) -> Path:
    """Return the run folder: the one that is named, or the one of the data folder."""
    environ = os.environ if environ is None else environ
    return named or default_data_dir(read_environment(environ)) / RUN_FOLDER


class CentrifugoRun:
    """One Centrifugo, to be run with ``run``; made by ``prepared_run``."""

    def __init__(
        self, *, folder: RunFolder, command: tuple[str, ...], version: str, options: Options,
        environment: Mapping[str, str], expected: Wanted, run_options: RunOptions, watcher: Watcher,
        output: Callable[[bytes], None],
    ) -> None:  # fmt: skip
        self._folder = folder
        self._command = command
        self._version = version
        self._options = options
        self._environment = environment
        self._expected = expected
        self._run_options = run_options
        self._watcher = watcher
        self._output = output
        self._supervisor = Supervisor(
            self._start, is_up=self._is_up, reporter=self, policy=run_options.policy, monotonic=time.monotonic
        )

    def stop(self) -> None:
        """Have it end; asked a second time, at once."""
        self._supervisor.stop()

    def reload(self) -> None:
        """Have it read its file and the provider's keys anew."""
        self._supervisor.reload()

    async def run(self) -> None:
        """Run it until ``stop``.

        Raises:
            ProcessError: It does not start, ends again and again, or had to be killed.
        """
        try:
            require_free(self._client_host, self._client_port, what="gateway", option="http_server.port")
            require_free(*self._internal, what="gateway", option="http_server.internal_port")
        except ConfigurationError as taken:
            raise self._with_left_over(taken) from None
        async with self._watching_keys():
            await self._supervisor.run()

    # What the supervisor reports.

    def up(self, pid: int, restarts: int) -> None:
        """It serves."""
        self._folder.write(child_pid=pid, restarts=restarts)
        self._watcher.up(self._running(pid), restarts)

    def ended(self, status: int, delay_seconds: float) -> None:
        """It ended by itself."""
        self._folder.write(child_pid=None)
        self._watcher.ended(status, delay_seconds)

    def _running(self, pid: int) -> Running:
        encrypted = self._options.flag("http_server.tls.enabled")
        host, port = self._internal
        prefix = self._options.text("websocket.handler_prefix") or "/connection/websocket"
        return Running(
            pid=pid,
            version=self._version,
            ws_url=f"{'wss' if encrypted else 'ws'}://{_authority(self._client_host, self._client_port)}{prefix}",
            api_url=f"http://{_authority(host, port)}{self._options.text('http_api.handler_prefix') or '/api'}",
            run_dir=self._folder.path,
        )

    @property
    def _client_host(self) -> str:
        return _listening(self._options.text("http_server.address"))

    @property
    def _client_port(self) -> int:
        return self._options.number("http_server.port") or 8000

    @property
    def _internal(self) -> tuple[str, int]:
        address = self._options.text("http_server.internal_address")
        host = _listening(address) if address else self._client_host
        return host, self._options.number("http_server.internal_port") or self._client_port

    async def _start(self) -> Child:
        return await Child.start(self._command, environment=self._environment, output=self._output, on_line=self._hear)

    def _hear(self, line: str) -> None:
        """Tell from its log whether it took a reload: it says so in no other way."""
        if _RELOADED in line:
            self._folder.told_of_reload(taken=True)
        elif any(word in line for word in _NOT_RELOADED):
            self._folder.told_of_reload(taken=False)

    async def _is_up(self) -> bool:
        host = "127.0.0.1" if self._client_host in _EVERYWHERE else self._client_host
        try:
            _, writer = await asyncio.open_connection(host, self._client_port)
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    @contextlib.asynccontextmanager
    async def _watching_keys(self) -> AsyncIterator[None]:
        url, interval = self._options.text("client.token.jwks_public_endpoint"), self._run_options.key_check_seconds
        if not url or not interval or "{{" in url:
            yield
            return
        async with httpx.AsyncClient(timeout=_LOOK_SECONDS, trust_env=not is_loopback(url)) as client:
            watch = KeyWatch(
                fetch_keys(url, client, headers=self._shown_to(url)),
                withdrawn=self._key_withdrawn,
                interval_seconds=interval,
            )
            looking = asyncio.create_task(watch.run(), name="cadenza.centrifugo.keys")
            try:
                yield
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    def _shown_to(self, url: str) -> dict[str, str]:
        """What the backend is shown, and nobody else, so that it looks at the provider's keys at once."""
        config = self._expected.config
        ours = self._expected.known and url == config.jwks_url and config.proxy_secret is not None
        return {SECRET_HEADER: config.proxy_secret, "Cache-Control": "no-cache"} if ours and config.proxy_secret else {}

    def _key_withdrawn(self) -> None:
        self._supervisor.reload()
        self._watcher.key_withdrawn()

    def _with_left_over(self, taken: ConfigurationError) -> ConfigurationError:
        left_over = self._folder.left_over
        step = f"An earlier run seems to have left its Centrifugo behind: process {left_over}. " if left_over else ""
        return ConfigurationError(taken.message, setting=taken.setting, next_step=step + taken.next_step)


@contextlib.asynccontextmanager
async def prepared_run(
    options: RunOptions,
    watcher: Watcher,
    *,
    environ: Mapping[str, str] | None = None,
    output: Callable[[bytes], None] | None = None,
) -> AsyncIterator[CentrifugoRun]:
    """Find the program, check its file, and hold the run folder.

    Raises:
        ConfigurationError: The program or a setting is missing, or the file is dangerous; nothing was started.
    """
    environ = os.environ if environ is None else environ
    program = find_program(options.binary, environ)
    version = await version_of(program)
    expected = wanted(environ)
    with contextlib.closing(RunFolder(run_dir_of(options.run_dir, environ))) as folder:
        file = options.config or _made(folder, expected)
        environment = _handed_on(environ, expected)
        values = read_file(file)
        found = check(values, expected, environment, file=file)
        watcher.found(found)
        if not options.unchecked and any(finding.level is not Level.ADVICE for finding in found):
            raise ConfigurationError(
                f"{file} is not one to run.",
                setting="--config",
                next_step="Make the changes above, or insist with --unchecked.",
            )
        await require_taken(program, file, environment)
        yield CentrifugoRun(
            folder=folder,
            command=(str(program), "-c", str(file)),
            version=version,
            options=effective(values, environment),
            environment=environment,
            expected=expected,
            run_options=options,
            watcher=watcher,
            output=output or _to_standard_output,
        )


def _made(folder: RunFolder, expected: Wanted) -> Path:
    """Write the file that the environment makes. It holds no secret: those are handed on."""
    if not expected.known:
        raise ConfigurationError(
            "There is no file, and SUPABASE_URL is not set to make one from.",
            setting="--config",
            next_step="Name one with --config, or set the backend's variables.",
        )
    require_secrets(expected.config)
    write_private(folder.config_file, text(document(expected.config, with_secrets=False)))
    return folder.config_file


def _handed_on(environ: Mapping[str, str], expected: Wanted) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith(_NOT_HANDED_ON)}
    return {**secret_environment(expected.config), **kept}


def _listening(address: str) -> str:
    return address or "0.0.0.0"  # noqa: S104  # Centrifugo's own default


def _authority(host: str, port: int) -> str:
    reached = "127.0.0.1" if host in _EVERYWHERE else host
    return f"[{reached}]:{port}" if ":" in reached else f"{reached}:{port}"


def _to_standard_output(chunk: bytes) -> None:
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
