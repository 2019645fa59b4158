"""What the real Supabase Auth needs beside it: an OAuth provider that says yes, and templates with codes for its mails.

The provider is as much of a Keycloak as Supabase Auth asks of one. It shows no page: whoever comes is the
``login_hint``, or somebody new.
"""

from __future__ import annotations

import http.server
import json
import secrets
import threading
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlencode, urlsplit

_REALM: Final = "/protocol/openid-connect"
_TEMPLATE: Final = b'<p>{{ .Token }}</p><p><a href="{{ .ConfirmationURL }}">this link</a></p>'
TEMPLATES: Final = ("CONFIRMATION", "MAGIC_LINK", "RECOVERY", "EMAIL_CHANGE", "REAUTHENTICATION")


class Partners:
    """Both, on a free port of loopback."""

    def __init__(self) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if parts.path == f"{_REALM}/auth":
                    email = query.get("login_hint") or f"kc-{secrets.token_hex(6)}@example.com"
                    back = urlencode({"code": email, "state": query["state"]})
                    self._answer(302, b"", Location=f"{query['redirect_uri']}?{back}")
                elif parts.path == f"{_REALM}/userinfo":
                    email = self.headers["Authorization"].removeprefix("Bearer ")
                    self._say({"sub": f"kc-{email}", "email": email, "email_verified": True, "name": "Ann"})
                elif parts.path == "/template":
                    self._answer(200, _TEMPLATE, Content_Type="text/html")
                else:
                    self._answer(404, b"")

            def do_POST(self) -> None:
                body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self._say({"access_token": body["code"][0], "token_type": "bearer", "expires_in": 60})

            def _say(self, data: object) -> None:
                self._answer(200, json.dumps(data).encode(), Content_Type="application/json")

            def _answer(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self, auth_url: str, smtp_port: int) -> dict[str, str]:
        """What Supabase Auth is told, so that it asks here and mails to that port; with every way in open."""
        paths = ("CONFIRMATION", "RECOVERY", "INVITE", "EMAIL_CHANGE")
        return {
            "GOTRUE_EXTERNAL_ANONYMOUS_USERS_ENABLED": "true",
            "GOTRUE_EXTERNAL_KEYCLOAK_ENABLED": "true",
            "GOTRUE_EXTERNAL_KEYCLOAK_CLIENT_ID": "kc-client",
            "GOTRUE_EXTERNAL_KEYCLOAK_SECRET": secrets.token_hex(8),
            "GOTRUE_EXTERNAL_KEYCLOAK_URL": self.url,
            "GOTRUE_EXTERNAL_KEYCLOAK_REDIRECT_URI": f"{auth_url}/callback",
            "GOTRUE_SECURITY_MANUAL_LINKING_ENABLED": "true",
            "GOTRUE_MFA_TOTP_ENROLL_ENABLED": "true",
            "GOTRUE_MFA_TOTP_VERIFY_ENABLED": "true",
            "GOTRUE_SMTP_HOST": "127.0.0.1",
            "GOTRUE_SMTP_PORT": str(smtp_port),
            "GOTRUE_SMTP_ADMIN_EMAIL": "admin@example.com",
            "GOTRUE_SMTP_MAX_FREQUENCY": "1ms",
            "GOTRUE_MAILER_OTP_LENGTH": "6",
            "GOTRUE_RATE_LIMIT_EMAIL_SENT": "100000",
            **{f"GOTRUE_MAILER_URLPATHS_{kind}": "/auth/v1/verify" for kind in paths},
            **{f"GOTRUE_MAILER_TEMPLATES_{kind}": f"{self.url}/template" for kind in TEMPLATES},
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
