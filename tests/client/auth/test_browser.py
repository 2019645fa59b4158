"""Whether there is a browser, and opening it (row G2)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cadenza.client.auth.browser import Surroundings, commands, open_browser

URL = "https://auth.example/authorize?provider=google&code_challenge=abc%20def"


@pytest.mark.parametrize(
    ("environ", "platform", "why"),
    [
        ({"DISPLAY": ":0"}, "linux", ""),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", ""),
        ({}, "darwin", ""),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", ""),
        ({}, "linux", "display"),
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "darwin", "SSH"),
        ({"SSH_TTY": "/dev/pts/1", "DISPLAY": "localhost:10.0"}, "linux", "SSH"),
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22", "BROWSER": "/vscode/browser.sh"}, "linux", ""),
    ],
)
def test_a_browser_is_where_somebody_sits(environ: dict[str, str], platform: str, why: str) -> None:
    found = Surroundings.of(environ, platform).why_no_browser
    assert (why in found) if why else not found


def test_the_users_own_choice_comes_first_and_no_shell_is_involved() -> None:
    chosen = Surroundings(browser="firefox --private-window %s:lynx", has_display=True)
    assert commands(URL, chosen) == [["firefox", "--private-window", URL], ["lynx", URL]]
    assert commands(URL, Surroundings(platform="darwin")) == [["open", URL]]
    assert commands(URL, Surroundings(has_display=True))[0] == ["xdg-open", URL]
    assert commands(URL, Surroundings(is_wsl=True))[0] == ["wslview", URL]


async def test_the_address_reaches_the_browser_whole(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = tmp_path / "browser.py"
    program.write_text(f"import sys, pathlib; pathlib.Path({str(seen)!r}).write_text(sys.argv[1])")
    assert await open_browser(URL, Surroundings(browser=f"{sys.executable} {program}"))
    assert seen.read_text() == URL


async def test_a_browser_that_fails_is_followed_by_the_next(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = tmp_path / "browser.py"
    program.write_text(f"import sys, pathlib; pathlib.Path({str(seen)!r}).write_text(sys.argv[1])")
    assert await open_browser(URL, Surroundings(browser=f"false:no-such-browser:{sys.executable} {program}"))
    assert seen.read_text() == URL


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "--help"])
async def test_nothing_but_a_web_address_is_opened(url: str) -> None:
    assert not await open_browser(url, Surroundings(browser="true"))


async def test_where_nothing_can_be_opened_that_is_said() -> None:
    assert not await open_browser(URL, Surroundings())
    assert not await open_browser(URL, Surroundings(browser="false"))
