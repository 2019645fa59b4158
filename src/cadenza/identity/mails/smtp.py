"""Hands mails to an SMTP server (RFC 5321): TLS at once on port 465 (RFC 8314), else STARTTLS where it is offered.

The standard library speaks the protocol, on threads of its own with a bounded queue: mails are few, and TLS and
authentication are what smtplib has done for decades. A password never goes over a connection that is not encrypted,
unless the server is on this machine.

Above: ``post``. Below: smtplib, ``config.mail``.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as LINES_OF_SMTP
from typing import Final

from cadenza.identity.config import SmtpServer, is_loopback
from cadenza.identity.mails.letters import Mail
from cadenza.identity.mails.post import DeliveryError

_TLS_AT_ONCE: Final = 465
_TIMEOUT_SECONDS: Final = 10.0
_THREADS: Final = 2
_MOST_WAITING: Final = 64


class SmtpCarrier:
    """Hands mails over, a connection each.

    Args:
        server: Where.
        tls: What certificates are believed; the system's, unless told otherwise.
        timeout_seconds: Of each step.
    """

    def __init__(
        self, server: SmtpServer, *, tls: ssl.SSLContext | None = None, timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> None:
        self._server = server
        self._tls = tls
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="cadenza-identity-smtp")
        self._waiting = 0

    async def deliver(self, mail: Mail) -> None:
        """Hand one over.

        Raises:
            DeliveryError: See ``post``.
        """
        message = self._message(mail)
        await self._off_loop(lambda smtp: self._hand_over(smtp, message, mail.to))

    async def rehearse(self) -> None:
        """Connect, encrypt, authenticate, name the sender, and take it back.

        Raises:
            DeliveryError: See ``post``.
        """
        await self._off_loop(self._name_the_sender_only)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _off_loop(self, work: Callable[[smtplib.SMTP], None]) -> None:
        if self._waiting >= _MOST_WAITING:
            raise DeliveryError("too many mails wait for the SMTP server")
        self._waiting += 1
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._with_server, work)
        finally:
            self._waiting -= 1

    def _with_server(self, work: Callable[[smtplib.SMTP], None]) -> None:
        try:
            with self._connected() as smtp:
                work(smtp)
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"the SMTP server answered {error.smtp_code} ({type(error).__name__})") from None
        except smtplib.SMTPRecipientsRefused:
            raise DeliveryError("the SMTP server refused the recipient") from None
        except (OSError, ValueError, smtplib.SMTPException) as error:
            raise DeliveryError(f"the SMTP server cannot be used ({type(error).__name__})") from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        smtp = self._connect()
        try:
            self._sign_in(smtp)
            yield smtp
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        server, timeout = self._server, self._timeout_seconds
        name = socket.gethostname() or "localhost"
        if server.port == _TLS_AT_ONCE:
            return smtplib.SMTP_SSL(server.host, server.port, name, timeout=timeout, context=self._context())
        smtp = smtplib.SMTP(server.host, server.port, name, timeout=timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if smtp.has_extn("starttls"):
                smtp.starttls(context=self._context())
                smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()

    def _sign_in(self, smtp: smtplib.SMTP) -> None:
        server = self._server
        smtp.ehlo_or_helo_if_needed()
        if not server.user:
            return
        if not isinstance(smtp.sock, ssl.SSLSocket) and not is_loopback(server.host):
            raise DeliveryError("the SMTP server offers no encryption, and the password must not go without")
        smtp.login(server.user, server.password)

    def _hand_over(self, smtp: smtplib.SMTP, message: EmailMessage, to: str) -> None:
        smtp.send_message(message, from_addr=self._server.sender, to_addrs=[to])

    def _name_the_sender_only(self, smtp: smtplib.SMTP) -> None:
        code, answer = smtp.mail(self._server.sender)
        if code != 250:  # noqa: PLR2004 - RFC 5321 section 4.2.3
            raise smtplib.SMTPResponseException(code, answer)
        smtp.rset()

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=LINES_OF_SMTP)
        try:
            message["From"] = Address(display_name=self._server.sender_name, addr_spec=self._server.sender)
            message["To"] = Address(addr_spec=mail.to)
            message["Subject"] = mail.subject
        except (ValueError, IndexError) as error:
            raise DeliveryError(f"an address cannot stand in a mail ({type(error).__name__})") from None
        message["Date"] = email.utils.localtime()
        message["Message-ID"] = email.utils.make_msgid(domain=self._server.sender.rpartition("@")[2] or None)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no out-of-office answers
        message.set_content(_plain(mail))
        message.add_alternative(mail.html, subtype="html")
        return message


def _plain(mail: Mail) -> str:
    """For readers of plain text: where the link leads, or the code of a mail without a link."""
    return f"{mail.subject}\n\n{mail.link or mail.code}\n"
