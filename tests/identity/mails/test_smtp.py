"""Mails handed to an SMTP server: encrypted where they can be, else an error that says where it stopped."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.smtp_sink import SmtpSink, html_of

from cadenza.identity.config import MailConfig, SmtpServer
from cadenza.identity.mails import Mail, MailKind
from cadenza.identity.mails.post import DeliveryError
from cadenza.identity.mails.smtp import SmtpCarrier
from cadenza.protocol.auth import requests

DEADLINE_SECONDS = 20
MAIL = Mail(
    kind=MailKind.MAGIC_LINK,
    to="ann@example.com",
    subject="Your sign-in link \N{EM DASH} ü",
    html='<p><a href="http://x/">Sign in, ü</a></p>',
    link="http://x/verify?token=1",
    code="123456",
)


def server(sink: SmtpSink, **changes: Any) -> SmtpServer:
    usual = SmtpServer(host="127.0.0.1", port=sink.port, sender="auth@example.com", sender_name="Cadenza, Inc.")
    return dataclasses.replace(usual, **changes)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS context and a client's that believes it."""
    folder = tmp_path_factory.mktemp("smtp-certificate")
    certificate, key = _self_signed(folder)
    of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    of_server.load_cert_chain(certificate, key)
    return of_server, ssl.create_default_context(cafile=str(certificate))


def _self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem", folder / "key.pem"


async def test_a_mail_arrives_as_text_and_as_html() -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink().serving() as sink:
        carrier = SmtpCarrier(server(sink))
        await carrier.deliver(MAIL)
        carrier.close()

    (mail,) = sink.mails
    assert sink.recipients == ["ann@example.com"]
    assert mail["From"] == '"Cadenza, Inc." <auth@example.com>'
    assert mail["To"] == "ann@example.com"
    assert mail["Subject"] == MAIL.subject
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert html_of(mail).strip() == MAIL.html
    plain = mail.get_body(preferencelist=("plain",))
    assert plain is not None
    assert MAIL.link in plain.get_content()


async def test_starttls_is_used_where_it_is_offered_and_the_password_goes_over_it(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    of_server, of_client = certificates
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink(tls=of_server).serving() as sink:
        carrier = SmtpCarrier(server(sink, user="me", password="s3cret"), tls=of_client)
        await carrier.deliver(MAIL)
        carrier.close()

    assert sink.sign_ins == [("me", "s3cret", True)]
    assert len(sink.mails) == 1


async def test_a_certificate_that_is_not_believed_ends_it(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink(tls=certificates[0]).serving() as sink:
        carrier = SmtpCarrier(server(sink, user="me", password="s3cret"))
        with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
            await carrier.deliver(MAIL)
        carrier.close()

    assert sink.sign_ins == []


async def test_tls_at_once_is_spoken_on_its_port(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_server, of_client = certificates
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink().serving(tls_at_once=of_server) as sink:
        monkeypatch.setattr("cadenza.identity.mails.smtp._TLS_AT_ONCE", sink.port)  # 465 is not ours to listen on
        carrier = SmtpCarrier(server(sink, user="me", password="s3cret"), tls=of_client)
        await carrier.deliver(MAIL)
        carrier.close()

    assert sink.sign_ins == [("me", "s3cret", True)]


async def test_a_password_never_goes_out_in_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cadenza.identity.mails.smtp.is_loopback", lambda _: False)
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink().serving() as sink:
        carrier = SmtpCarrier(server(sink, user="me", password="s3cret"))
        with pytest.raises(DeliveryError, match="no encryption"):
            await carrier.deliver(MAIL)
        carrier.close()

    assert "AUTH" not in sink.commands
    assert sink.mails == []


@pytest.mark.parametrize("command", ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
async def test_a_refusal_is_an_error_that_holds_neither_address_nor_secret(command: str) -> None:
    refusals = {command: "554 no, ann@example.com s3cret"} | ({"HELO": "554 no"} if command == "EHLO" else {})
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink(refusals=refusals).serving() as sink:
        carrier = SmtpCarrier(server(sink, user="me", password="s3cret"))
        with pytest.raises(DeliveryError) as caught:
            await carrier.deliver(MAIL)
        carrier.close()

    assert "ann@example.com" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_server_that_is_not_there_or_says_nothing_is_an_error() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with asyncio.timeout(DEADLINE_SECONDS):
        silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        carrier = SmtpCarrier(SmtpServer(host="127.0.0.1", port=port, sender="a@example.com"), timeout_seconds=0.1)
        with pytest.raises(DeliveryError, match="cannot be used"):
            await carrier.deliver(MAIL)
        silent.close()
        await silent.wait_closed()
        with pytest.raises(DeliveryError, match="ConnectionRefused"):
            await carrier.deliver(MAIL)
        carrier.close()


async def test_a_rehearsal_does_all_but_naming_a_recipient() -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink().serving() as sink:
        carrier = SmtpCarrier(server(sink, user="me", password="s3cret"))
        await carrier.rehearse()
        carrier.close()

    assert sink.commands == ["EHLO", "AUTH", "MAIL", "RSET", "QUIT"]
    assert sink.mails == []


async def test_addresses_that_cannot_stand_in_a_mail_are_refused_before_anything_is_sent() -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink().serving() as sink:
        carrier = SmtpCarrier(server(sink))
        for address in ("a@example.com\r\nBcc: all@example.com", "a b@example.com", "", "nobody"):
            with pytest.raises(DeliveryError):
                await carrier.deliver(msgspec.structs.replace(MAIL, to=address))
        carrier.close()

    assert "RCPT" not in sink.commands


async def test_mails_that_cannot_be_sent_are_a_500_and_can_be_asked_for_again(make_provider: Any) -> None:
    refusals = {"RCPT": "451 later"}
    async with asyncio.timeout(DEADLINE_SECONDS), SmtpSink(refusals=refusals).serving() as sink:
        mail = MailConfig(smtp=server(sink), interval_seconds=60)
        async with make_provider(autoconfirm=False, mail=mail) as provider:
            answer = await provider.send(requests.sign_up("ann@example.com", "correct horse 1"))
            assert answer.status_code == 500
            assert answer.json() == {"code": "unexpected_failure", "message": "Error sending confirmation email"}
            sink.refusals = {}
            again = await provider.send(requests.sign_up("ann@example.com", "correct horse 1"))
            assert again.status_code == 200
            assert again.json()["confirmation_sent_at"]
            mail_sent = await sink.mail_to("ann@example.com")
            link = html_of(mail_sent).partition('href="')[2].partition('"')[0].replace("&amp;", "&")
            followed = await provider.http.get(link)
            assert "#access_token=" in followed.headers["location"]
