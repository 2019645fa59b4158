"""Whether there is a browser here for a person to sign in with, and opening it.

Above: ``redirects``, the command line. Below: the standard library. The environment comes in as ``Surroundings``
(``settings`` reads it). Over SSH and in containers a browser would open where nobody sits, and could not come back to
this machine from anywhere else (row G2): then the address is shown, and what it ends at is pasted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

#: Opens an address for the user. Whether that went well.
BrowserOpener = Callable[[str], Awaitable[bool]]

#: A launcher that still runs after this is the browser itself.
_LAUNCH_SECONDS: Final = 3.0
_DESKTOP: Final = (("xdg-open",), ("gio", "open"), ("x-www-browser",), ("firefox",), ("chromium",), ("google-chrome",))
_WINDOWS: Final = (("wslview",), ("rundll32.exe", "url.dll,FileProtocolHandler"))


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Where this process runs, as far as a browser is concerned.

    Attributes:
        platform: ``sys.platform``.
        is_remote: Somebody is here over SSH.
        has_display: X or Wayland.
        is_wsl: Linux on Windows, whose browser is Windows's.
        browser: The user's own choice (``BROWSER``), commands separated by colons.
    """

    platform: str = "linux"
    is_remote: bool = False
    has_display: bool = False
    is_wsl: bool = False
    browser: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str], platform: str) -> Surroundings:
        """Read what an environment says."""
        return cls(
            platform=platform,
            is_remote=any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")),
            has_display=any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")),
            is_wsl=any(environ.get(name) for name in ("WSL_DISTRO_NAME", "WSL_INTEROP")),
            browser=environ.get("BROWSER", ""),
        )

    @property
    def why_no_browser(self) -> str:
        """Why no browser can be opened for the user, as the end of a sentence; empty where one can."""
        if self.browser:
            return ""  # set on purpose, as remote editors do whose browser opens at the user's side
        if self.is_remote:
            return "this is an SSH session, and the browser is on the other side"
        if self.platform == "darwin" or self.is_wsl or self.has_display:
            return ""
        return "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"


def commands(url: str, surroundings: Surroundings) -> list[list[str]]:
    """How to open an address here, the best way first. No shell is involved."""
    if surroundings.browser:
        return [_with_url(shlex.split(each), url) for each in surroundings.browser.split(os.pathsep) if each.strip()]
    if surroundings.platform == "darwin":
        return [["open", url]]
    ways = (*(_WINDOWS if surroundings.is_wsl else ()), *(_DESKTOP if surroundings.has_display else ()))
    return [[*way, url] for way in ways]


async def open_browser(url: str, surroundings: Surroundings) -> bool:
    """Open an address, or say that it cannot be: False."""
    if surroundings.why_no_browser or not url.startswith(("https://", "http://")):
        return False
    for command in commands(url, surroundings):
        found = shutil.which(command[0])
        if found is not None and await asyncio.to_thread(_launch, command):
            return True
    return False


def _with_url(command: list[str], url: str) -> list[str]:
    if any("%s" in word for word in command):
        return [word.replace("%s", url) for word in command]
    return [*command, url]


def _launch(command: list[str]) -> bool:
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own browser, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C here must not end the browser
        )
    except OSError:
        return False
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(_LAUNCH_SECONDS) == 0
    threading.Thread(target=process.wait, daemon=True, name="cadenza-browser").start()  # no zombie is left
    return True
