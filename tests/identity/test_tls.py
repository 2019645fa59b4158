"""The provider over TLS: its own address says so, and a certificate that cannot be used is one clear line."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.identity.browsing import fields, walk

from cadenza.errors import ConfigurationError
from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config import TlsFiles

DEADLINE_SECONDS = 20


def make_certificate(folder: Path, *, passphrase: bytes | None = None) -> TlsFiles:
    """A certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cadenza test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    sealing = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    files = TlsFiles(certificate=folder / "certificate.pem", key=folder / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing))
    return files


async def test_it_speaks_tls_and_says_so_in_its_addresses(config: IdentityConfig, tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    trust = ssl.create_default_context(cafile=files.certificate)
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        IdentityServer(dataclasses.replace(config, port=0, tls=files)) as server,
        httpx.AsyncClient(verify=trust, trust_env=False) as http,
    ):
        discovered = (await http.get(f"{server.url}/.well-known/openid-configuration")).json()
        keys = (await http.get(discovered["jwks_uri"])).json()

    assert server.url == f"https://127.0.0.1:{server.port}/auth/v1"
    assert discovered["issuer"] == server.issuer == server.url
    assert len(keys["keys"]) == 1


async def test_it_believes_its_own_test_provider_over_tls(config: IdentityConfig, tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    trust = ssl.create_default_context(cafile=files.certificate)
    settings = dataclasses.replace(config, port=0, tls=files, test_provider=True)
    async with asyncio.timeout(DEADLINE_SECONDS), IdentityServer(settings) as server:
        end = "http://127.0.0.1:53682/callback"
        back = await walk(f"{server.url}/authorize?provider=test&redirect_to={end}", until=end, trust=trust)

    assert fields(back)["provider_token"]


async def test_plain_http_is_not_answered_on_a_port_with_tls(config: IdentityConfig, tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        IdentityServer(dataclasses.replace(config, port=0, tls=files)) as server,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        with pytest.raises(httpx.TransportError):
            await http.get(f"http://127.0.0.1:{server.port}/health")


@pytest.mark.parametrize("wrong", ["missing", "no pem", "another key", "passphrase"])
async def test_a_certificate_that_cannot_be_used_is_one_clear_line(
    wrong: str, config: IdentityConfig, tmp_path: Path
) -> None:
    files = make_certificate(tmp_path, passphrase=b"secret" if wrong == "passphrase" else None)
    if wrong == "missing":
        files.key.unlink()
    if wrong == "no pem":
        files.certificate.write_text("nothing")
    if wrong == "another key":
        tmp_path.joinpath("other").mkdir()
        files = dataclasses.replace(files, key=make_certificate(tmp_path / "other").key)

    with pytest.raises(ConfigurationError, match="cannot be used") as caught:
        await IdentityServer(dataclasses.replace(config, port=0, tls=files)).start()

    assert str(files.key) in caught.value.message
    assert "--tls-key" in (caught.value.setting or "")
