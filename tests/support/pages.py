"""A few files on a loopback web server, for a browser."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}


class Pages:
    """Serves ``files``, path to file, on a free port of loopback."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                file = files.get(self.path.partition("?")[0])
                body = file.read_bytes() if file else b""
                self.send_response(200 if file else 404)
                self.send_header("Content-Type", _TYPES.get(file.suffix, "text/plain") if file else "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
