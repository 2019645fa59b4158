"""The program: where it is, which version, whether it takes a file.

Above: ``stack.centrifugo_run``. Below: the system, errors.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cadenza.errors import ConfigurationError, ProcessError

__all__ = ["find_program", "require_taken", "version_of"]

_NAME: Final = "centrifugo"
_VERSION: Final = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
#: The file's format is that of v6; a build of the developers' own calls itself 0.
_MAJORS: Final = frozenset({0, 6})
_ANSWER_SECONDS: Final = 20.0


def find_program(named: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the program that is named, else ``CENTRIFUGO_BIN``, else what PATH leads to.

    Raises:
        ConfigurationError: There is none.
    """
    given = str(named) if named is not None else environ.get("CENTRIFUGO_BIN", "")
    # A path has lost its "./" by now, so it is tried as one before it is looked for on PATH.
    found = shutil.which(Path(given).absolute()) if given else None
    found = found or shutil.which(given or _NAME, path=environ.get("PATH"))
    if found is None:
        raise ConfigurationError(
            f"{given} is not a program." if given else "There is no Centrifugo on PATH.",
            setting="--binary",
            next_step="Install Centrifugo v6 (its documentation, centrifugal.dev, says how) and name it with --binary "
            "or CENTRIFUGO_BIN.",
        )
    return Path(found).absolute()


async def version_of(program: Path) -> str:
    """Ask a program for its version.

    Raises:
        ConfigurationError: It is not Centrifugo, or not v6.
    """
    _, said = await _ask(program, "version", environment={})
    found = _VERSION.search(said)
    if found is None or int(found[1]) not in _MAJORS:
        raise ConfigurationError(
            f"{program} is not Centrifugo v6{f' but {found[0]}' if found else ''}.",
            setting="--binary",
            next_step="Name Centrifugo v6 with --binary.",
        )
    return found[0]


async def require_taken(program: Path, file: Path, environment: Mapping[str, str]) -> None:
    """Raise ``ConfigurationError`` in the program's own words if it does not take a file."""
    status, said = await _ask(program, "checkconfig", "-c", str(file), environment=environment)
    if status != 0:
        raise ConfigurationError(
            f"Centrifugo does not take {file}: {' '.join(said.split()) or f'it ended with {status}'}.",
            setting="--config",
            next_step="Correct the file, or write one: cadenza gateway config -o FILE.",
        )


async def _ask(program: Path, *words: str, environment: Mapping[str, str]) -> tuple[int, str]:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *words,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as refused:
        raise ConfigurationError(
            f"{program} cannot be started: {refused.strerror}.",
            setting="--binary",
            next_step="Name a Centrifugo for this machine with --binary.",
        ) from None
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise ProcessError(f"{program} {words[0]} did not end.", program=_NAME) from None
    return process.returncode or 0, said.decode(errors="replace")
