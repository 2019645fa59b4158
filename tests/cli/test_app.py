"""The command line as a whole: help, mistakes, what a script sees."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from cadenza._version import __version__
from cadenza.cli.app import app


def _verbs() -> list[tuple[str, ...]]:
    root = typer.main.get_command(app())
    assert isinstance(root, TyperGroup)
    return [
        (name, inner) if inner else (name,)
        for name, verb in root.commands.items()
        for inner in (verb.commands if isinstance(verb, TyperGroup) else ("",))
    ]


@pytest.mark.parametrize("verb", _verbs(), ids=" ".join)
def test_every_verb_explains_itself_with_an_example_and_takes_json(verb: tuple[str, ...]) -> None:
    ran = CliRunner().invoke(app(), [*verb, "--help"])
    assert ran.exit_code == 0
    assert "Example" in ran.output
    assert f"$ cadenza {' '.join(verb)}" in ran.output or f"| cadenza {' '.join(verb)}" in ran.output
    assert "--json" in ran.output


@pytest.mark.parametrize("verb", _verbs(), ids=" ".join)
def test_no_verb_takes_a_secret_as_an_argument(verb: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app())
    for word in verb:
        command = command.commands[word]
    taking = [parameter.name for parameter in command.params if not getattr(parameter, "is_flag", False)]
    assert not [name for name in taking if re.search("password|token$|code|secret|link", name)]


def test_without_a_verb_the_help_is_shown(cadenza: Callable[..., Any]) -> None:
    ran = cadenza()
    assert ran.code == 0
    assert "Commands:" in ran.out
    assert ran.out == cadenza("--help").out


def test_the_version_is_shown(cadenza: Callable[..., Any]) -> None:
    assert cadenza("--version").out == f"cadenza {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["chanels"], "Did you mean 'channels'?"),
        (["channels", "--nonsense"], "--nonsense"),
        (["channels", "hunter2"], "an argument too many"),
        (["token"], "Missing command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistaken_command_line_is_one_line_on_stderr(cadenza: Callable[..., Any], argv: list[str], said: str) -> None:
    ran = cadenza(*argv)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert said in ran.err
    assert "--help" in ran.err
    assert "hunter2" not in ran.err


def test_a_mistaken_command_line_is_json_where_json_was_asked_for(cadenza: Callable[..., Any]) -> None:
    ran = cadenza("channels", "--json", "--nonsense")
    said = json.loads(ran.err)
    assert said["exitCode"] == ran.code == 2
    assert said["error"]["type"] == "UsageError"


def test_help_loads_neither_the_sdk_nor_the_server_nor_rich(program: list[str]) -> None:
    del program
    # What makes help quick is what it does not import; time itself is measured in benchmarks.
    script = (
        "import sys; from cadenza.cli import main; main(['--help'])\n"
        "heavy = {'asyncio', 'centrifuge', 'httpx', 'msgspec', 'rich', 'uvloop', 'litestar', 'sqlalchemy'}\n"
        "sys.exit(' '.join(sorted(heavy & sys.modules.keys())) or 0)"
    )
    ran = subprocess.run(  # our own interpreter
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.stderr == ""
    assert ran.returncode == 0


def test_a_missing_extra_is_one_line_that_names_it() -> None:
    script = "import sys; sys.modules['typer'] = None\nfrom cadenza.cli import main; sys.exit(main(['--help']))"
    ran = subprocess.run(  # our own interpreter
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr == "cadenza: The command line is not installed. Install it: pip install 'cadenza[cli]'\n"


@pytest.mark.parametrize("verb", ["up", "demo"])
def test_a_verb_that_serves_says_what_to_install(verb: str, environment: dict[str, str]) -> None:
    script = f"import sys; sys.modules['picows'] = None\nfrom cadenza.cli import main; sys.exit(main([{verb!r}]))"
    ran = subprocess.run(  # our own interpreter
        [sys.executable, "-c", script], capture_output=True, env=environment, text=True, timeout=30, check=False
    )
    assert ran.returncode == 2
    assert "picows is missing" in ran.stderr
    assert "pip install 'cadenza[server,cli]'" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_closed_pipe_ends_a_command_quietly(program: list[str]) -> None:
    ran = subprocess.run(  # noqa: S602  # a pipe is what is tested
        f"{program[0]} methods | head -n 1", shell=True, capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.stdout.startswith("METHOD")
    assert ran.stderr == ""
