"""As much of Centrifugo's program as whoever runs it sees: its words, its log, its signals; no protocol.

Where the real one is given, the same tests run over that too. ``write`` makes it a program of its own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path


def write(folder: Path) -> Path:
    """Write the program; return where it is."""
    program = folder / "centrifugo"
    # -I -S: without the checkout and its packages it starts in no time.
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {__file__} "$@"\n')
    program.chmod(0o755)
    return program


def _log(level: str, message: str, **more: str) -> None:
    print(json.dumps({"level": level, **more, "message": message}), flush=True)


def _read(file: str) -> dict[str, dict[str, object]]:
    made: dict[str, dict[str, object]] = json.loads(Path(file).read_text())
    return made


def _serve(file: str) -> None:
    try:
        server = _read(file)["http_server"]
        for name in ("address", "internal_address"):
            listener = socket.create_server((str(server[name]), int(str(server[name.replace("address", "port")]))))
            _LISTENERS.append(listener)
    except (ValueError, OSError) as refused:
        _log("fatal", "error ListenAndServe", error=str(refused))
        sys.exit(1)
    _log("info", "serving websocket endpoints")
    while True:
        number = signal.sigwait({signal.SIGTERM, signal.SIGHUP})
        if number == signal.SIGTERM:
            _log("info", "shutting down ...")
            sys.exit(0)
        try:
            _read(file)
        except ValueError as broken:
            _log("error", "error reading config", error=str(broken))
        else:
            _log("info", "configuration successfully reloaded")


_LISTENERS: list[socket.socket] = []


def main(words: list[str]) -> None:
    """Do what Centrifugo does with these words."""
    if words == ["version"]:
        print("Centrifugo v6.9.6 (Go version: go1.26)")
    elif words[:1] == ["checkconfig"]:
        try:
            _read(words[-1])
        except ValueError:
            print(f"error getting config: error reading config file {words[-1]}")
            sys.exit(1)
    else:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
        assert "CADENZA_PROXY_SECRET" not in os.environ
        _serve(words[-1])


if __name__ == "__main__":
    main(sys.argv[1:])
