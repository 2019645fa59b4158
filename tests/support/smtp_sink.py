"""A mail server that takes everything and keeps it: for providers under test, ours and the real one.

It speaks as much of RFC 5321 as a client that sends mails: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA, RSET, QUIT.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import cast

DEADLINE_SECONDS = 20


@dataclass
class SmtpSink:
    """What came in, and how the server behaves.

    Attributes:
        tls: With it, STARTTLS is offered.
        refusals: Command -> the answer it gets instead of the usual one.
        commands: All that were given, in order, without their arguments.
        mails: As they came.
        recipients: Of each mail.
        sign_ins: User and password of each AUTH, and whether the line was encrypted.
    """

    tls: ssl.SSLContext | None = None
    refusals: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    commands: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    sign_ins: list[tuple[str, str, bool]] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @contextlib.asynccontextmanager
    async def serving(self, *, tls_at_once: ssl.SSLContext | None = None) -> AsyncIterator[SmtpSink]:
        """Serve on a free port of loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls_at_once)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def mail_to(self, address: str, *, after: int = 0) -> EmailMessage:
        """The newest mail to an address beyond the first ``after`` of all mails, as soon as there is one."""

        def found() -> EmailMessage | None:
            fitting = [mail for mail, to in zip(self.mails, self.recipients, strict=True) if to == address]
            return fitting[-1] if fitting and len(self.mails) > after else None

        async with asyncio.timeout(DEADLINE_SECONDS), self.arrived:
            await self.arrived.wait_for(lambda: found() is not None)
        return cast("EmailMessage", found())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = ""
        writer.write(b"220 sink ready\r\n")
        while line := await reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            self.commands.append(verb.upper())
            refusal = self.refusals.get(verb.upper())
            match verb.upper():
                case _ if refusal is not None:
                    writer.write(f"{refusal}\r\n".encode())
                case "EHLO":
                    writer.write(self._hello(encrypted=writer.get_extra_info("sslcontext") is not None))
                case "STARTTLS":
                    writer.write(b"220 go ahead\r\n")
                    await writer.start_tls(cast("ssl.SSLContext", self.tls))
                case "AUTH":
                    _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                    self.sign_ins.append((user, password, writer.get_extra_info("sslcontext") is not None))
                    writer.write(b"235 welcome\r\n")
                case "RCPT":
                    to = rest.partition("<")[2].partition(">")[0]
                    writer.write(b"250 ok\r\n")
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    await self._keep(await reader.readuntil(b"\r\n.\r\n"), to)
                    writer.write(b"250 kept\r\n")
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case _:
                    writer.write(b"250 ok\r\n")
            await writer.drain()

    def _hello(self, *, encrypted: bool) -> bytes:
        offers = [b"AUTH PLAIN", *([b"STARTTLS"] if self.tls is not None and not encrypted else [])]
        return b"250-sink\r\n" + b"".join(b"250-" + offer + b"\r\n" for offer in offers) + b"250 8BITMIME\r\n"

    async def _keep(self, data: bytes, to: str) -> None:
        message = email.message_from_bytes(data.removesuffix(b".\r\n"), policy=email.policy.default)
        async with self.arrived:
            self.mails.append(message)
            self.recipients.append(to)
            self.arrived.notify_all()


def html_of(mail: EmailMessage) -> str:
    """A mail's HTML."""
    body = mail.get_body(preferencelist=("html", "plain"))
    assert body is not None
    return str(body.get_content())
