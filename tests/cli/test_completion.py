"""What the Tab key completes: asked of the answering side, and of the shells themselves, each in a terminal."""

from __future__ import annotations

import codecs
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from cadenza.backend.venues.paper_instruments import PAPER_INSTRUMENTS
from cadenza.cli.app import app
from cadenza.cli.completing import answer, split
from cadenza.cli.completion import Shell
from cadenza.cli.words import PAPER_SYMBOLS, PROVIDERS, words_for
from cadenza.identity.providers import PRESETS
from cadenza.schema.channels import CHANNELS, parse_channel
from cadenza.schema.methods import METHODS


def _answer(line: str) -> list[str]:
    command = typer.main.get_command(app())
    assert isinstance(command, TyperGroup)
    return [word.partition("\t")[0] for word in answer(command, line).splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cadenza comp", ["completion"]),
        ("cadenza token ", ["inspect"]),
        ("cadenza call query.ticker", ["query.ticker.list"]),
        ("cadenza call --timeout 5 query.ticker", ["query.ticker.list"]),
        ("cadenza methods query.ticker", ["query.ticker.list"]),
        ("cadenza call query.ticker.list ", []),
        ("cadenza explain query.ticker", ["query.ticker.list"]),
        ("cadenza explain market:tr", ["market:trade:"]),
        ("cadenza watch ", ["tradingAccount:", "market:"]),
        ("cadenza watch market:orderb", ["market:orderbook:"]),
        ("cadenza watch market:ticker:PAPER", ["market:ticker:PAPER:", "market:ticker:PAPER"]),
        ("cadenza watch market:trade:PAPER:BTC", ["market:trade:PAPER:BTC/USDT"]),
        ("cadenza watch market:trade:OKX:", []),
        ("cadenza watch 'market:trade:PAPER:BTC", ["market:trade:PAPER:BTC/USDT"]),
        ("cadenza watch market:kline:PAPER:BTC/USDT:1m", ["market:kline:PAPER:BTC/USDT:1m"]),
        ("cadenza completion ", ["bash", "zsh", "fish"]),
        ("cadenza completion --json z", ["zsh"]),
        ("cadenza login --provider git", ["github", "gitlab"]),
        ("cadenza login --provider=gith", ["--provider=github"]),
        ("cadenza logout --ever", ["--everywhere"]),
        ("cadenza watch market:trade:PAPER:BTC/USDT --cou", ["--count"]),
        ("cadenza watch --json --js", []),
        ("cadenza login --email ", []),
        ("cadenza login --store ", ["file", "keyring"]),
        ("cadenza --profile default whoa", ["whoami"]),
        ("cadenza nonsense ", []),
        ("cadenza --vers", ["--version"]),
    ],
)
def test_what_is_known_is_completed(line: str, words: list[str]) -> None:
    assert _answer(line) == ["words", *words]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("cadenza call query.ticker.list @par", "files"),
        ("cadenza identity serve --env-file ", "files"),
        ("cadenza identity serve --env-file=sup", "files"),
        ("cadenza up --data-dir ./", "folders"),
    ],
)
def test_paths_are_left_to_the_shell(line: str, kind: str) -> None:
    assert _answer(line) == [kind]


@pytest.mark.parametrize(
    ("line", "words", "typed"),
    [
        ("cadenza", [], "cadenza"),
        ("cadenza ", ["cadenza"], ""),
        ("cadenza 'a b", ["cadenza"], "a b"),
        ("cadenza 'a b' c", ["cadenza", "a b"], "c"),
        ("cadenza a\\", ["cadenza"], "a"),
        ("", [], ""),
    ],
)
def test_a_line_is_read_as_a_shell_reads_it_though_it_is_not_finished(line: str, words: list[str], typed: str) -> None:
    assert split(line) == (words, typed)


def test_every_method_is_offered() -> None:
    assert _answer("cadenza call ") == ["words", *METHODS]


def test_every_channel_can_be_reached_a_segment_at_a_time() -> None:
    for channel in CHANNELS:
        typed = ""
        for segment in channel.example.split(":"):
            offered = [word for word, _ in words_for("CHANNEL", typed)]
            typed += segment
            if "{accountId}" in channel.pattern and segment != "tradingAccount":
                continue  # nobody's account is known without asking
            assert {typed, f"{typed}:"} & set(offered)
            typed = typed if typed in offered and parse_channel(typed) and typed == channel.example else f"{typed}:"


def test_the_tables_that_are_here_for_speed_are_the_real_ones() -> None:
    assert tuple(instrument.symbol for instrument in PAPER_INSTRUMENTS) == PAPER_SYMBOLS
    assert sorted([*PRESETS, "test"]) == list(PROVIDERS)
    assert [word for word, _ in words_for("PROVIDER", "")] == list(PROVIDERS)


def test_profiles_are_those_of_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CADENZA_DATA_DIR", str(tmp_path))
    folder = tmp_path / "profiles" / "uat"
    folder.mkdir(parents=True)
    (folder / "profile.json").write_text('{"ws_url": "wss://uat.example/connection/websocket"}')
    assert _answer("cadenza whoami --profile ") == ["words", "default", "uat"]
    assert _answer("cadenza --profile=u") == ["words", "--profile=uat"]
    assert words_for("PROFILE", "") == [("default", ""), ("uat", "wss://uat.example/connection/websocket")]


def test_somebody_who_types_is_never_shown_an_error(cadenza: Callable[..., Any]) -> None:
    for argv in (("__complete",), ("__complete", "cadenza call 'x\x00"), ("__complete", "cadenza watch \udcff:")):
        ran = cadenza(*argv)
        assert ran.err == ""
        assert ran.out in {"", "words\n"}


def test_json_has_the_script(cadenza: Callable[..., Any]) -> None:
    told = json.loads(cadenza("completion", "fish", "--json").out)
    assert told["shell"] == "fish"
    assert told["script"] == cadenza("completion", "fish").out


@pytest.mark.parametrize("shell", Shell)
def test_each_script_says_how_to_keep_it(cadenza: Callable[..., Any], shell: Shell) -> None:
    head = cadenza("completion", shell).out.splitlines()[:8]
    assert any("For this shell" in line for line in head)
    assert any("For every new shell" in line for line in head)


def test_completion_loads_neither_the_sdk_nor_rich() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _LOADED],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


_LOADED = """
import sys
from cadenza.cli import main
for line in ("cadenza ca", "cadenza call query.", "cadenza watch market:ticker:", "cadenza login --"):
    main(["__complete", line])
sys.exit(" ".join(sorted({"asyncio", "centrifuge", "httpx", "rich", "uvloop", "sqlalchemy"} & sys.modules.keys())) or 0)
"""

#: How each is started with nothing of its user's, and given the script.
_STARTED: dict[str, tuple[list[str], str]] = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(cadenza completion bash)"\r'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(cadenza completion zsh)"\r'),
    "fish": (["fish", "--no-config", "-i"], "cadenza completion fish | source\r"),
}
#: fish wants to be in charge of its terminal.
_IN_CHARGE = "import fcntl,os,sys,termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
_HOME_KEY, _END_KEY = "\x01", "\x05"
_ECHOED = re.compile(r"[\r\n]< (.*?) +>\r")


class _Typist:
    """Somebody at a shell's terminal."""

    def __init__(self, shell: str, program: list[str], folder: Path) -> None:
        argv, take_up = _STARTED[shell]
        path = os.pathsep.join([str(Path(program[0]).parent), os.defpath])
        environ = {"PATH": path, "HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8", "PS1": "$ "}
        self._mine, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _IN_CHARGE, *argv],
            env=environ,
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._type(take_up)

    def completed(self, typed: str) -> str:
        """The line that stands there once its tabs have been answered."""
        self._type(f"{typed}{_HOME_KEY}echo '<' {_END_KEY} '>'\r")
        seen, shown = "", None
        decode = codecs.getincrementaldecoder("utf-8")().decode  # a read may end within a character
        while shown is None:
            seen += decode(os.read(self._mine, 65536))
            shown = _ECHOED.search(seen)
        return shown[1]

    def close(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._mine)

    def _type(self, text: str) -> None:
        os.write(self._mine, text.encode())


@pytest.fixture(params=[shell for shell in Shell if shutil.which(shell)])
def typist(request: pytest.FixtureRequest, program: list[str], tmp_path: Path) -> Iterator[_Typist]:
    (tmp_path / "parameters.json").write_text("{}")
    person = _Typist(request.param, program, tmp_path)
    yield person
    person.close()


def test_a_shell_completes_verbs_methods_channels_options_and_files(typist: _Typist) -> None:
    for typed, completed in (
        ("cadenza whoa\t", "cadenza whoami"),
        ("cadenza call query.tick\t", "cadenza call query.ticker.list"),
        ("cadenza watch mark\torderb\tPAPER:BTC\t", "cadenza watch market:orderbook:PAPER:BTC/USDT"),
        ("cadenza login --prov\tgoo\t", "cadenza login --provider google"),
        ("cadenza login --provider=goo\t", "cadenza login --provider=google"),
        ("cadenza call query.ticker.list @para\t", "cadenza call query.ticker.list @parameters.json"),
        ("cadenza identity serve --env-file par\t", "cadenza identity serve --env-file parameters.json"),
    ):
        assert typist.completed(typed) == completed
