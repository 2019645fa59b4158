"""The verifier: what it accepts, and what it says when it does not."""

from __future__ import annotations

import base64

import msgspec
import pytest
from tests.tokens.kit import (
    AUDIENCE,
    ISSUER,
    START,
    USER,
    Clock,
    Provider,
    claims,
    key_for,
    remote,
    signed_raw,
    signed_with,
    token,
    verifier,
)

from cadenza.errors import (
    ConfigurationError,
    TokenExpiredError,
    TokenFormatError,
    TokenInvalidError,
    TokenNotYetValidError,
)
from cadenza.tokens.jwks import RemoteKeySet, StaticKeySet
from cadenza.tokens.signer import SigningKey
from cadenza.tokens.verifier import Verifier

SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"
NO_KEYS = StaticKeySet([])


# What a good token becomes


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
async def test_a_good_token_is_verified_and_typed(alg: str) -> None:
    verified = await verifier(StaticKeySet([key_for(alg).public_jwk()])).verify(token(key_for(alg)))
    assert (verified.sub, verified.exp, verified.alg, verified.kid) == (USER, START + 3600, alg, "key-1")
    assert (verified.claims.session_id, verified.claims.aal) == ("fa0db7d6-0201-46bc-96ed-ef42803ba424", "aal1")
    assert msgspec.json.decode(verified.claims.app_metadata)["provider"] == "email"
    assert verified.connection_expires_at == START + 3600
    assert (verified.channels, dict(verified.subs), verified.info, verified.meta) == ((), {}, b"", b"")


async def test_a_legacy_token_is_verified_with_the_secret_alone() -> None:
    key = SigningKey.generate("HS256")
    checker = verifier(NO_KEYS, algorithms=["HS256"], legacy_secret=key.secret())
    verified = await checker.verify(token(key))
    assert (verified.sub, verified.alg, verified.kid) == (USER, "HS256", "")
    with pytest.raises(TokenInvalidError):
        await checker.verify(token(SigningKey.generate("HS256")))


async def test_both_kinds_can_stand_side_by_side_during_a_migration() -> None:
    legacy = SigningKey.generate("HS256")
    checker = verifier(algorithms=["ES256", "HS256"], legacy_secret=legacy.secret())
    assert (await checker.verify(token())).alg == "ES256"
    assert (await checker.verify(token(legacy))).alg == "HS256"


@pytest.mark.parametrize("beginning", [b"{", b"\n{", b'{"', b"{[", b"-", b"ssh"])
async def test_a_random_secret_is_one_whatever_bytes_it_begins_with(beginning: bytes) -> None:
    """One in 256 begins with a brace, as a JWK does."""
    secret = base64.urlsafe_b64encode(beginning + b"\xa5" * 32).rstrip(b"=").decode()
    legacy = SigningKey.from_jwk({"kty": "oct", "alg": "HS256", "k": secret})
    checker = verifier(NO_KEYS, algorithms=["HS256"], legacy_secret=legacy.secret())
    assert (await checker.verify(token(legacy))).alg == "HS256"


async def test_centrifugos_claims_are_surfaced() -> None:
    """Row A10 and ``decisions.md``, "Revocation"."""
    verified = await verifier().verify(
        signed_raw(
            msgspec.json.encode(claims(channels=["session:1", "news"], b64info="eyJhIjogMX0=", expire_at=1))[:-1]
            + b',"info":{"ignored":true},"meta":{"session_id": "1",  "aal":"aal1"}}'
        )
    )
    assert verified.channels == ("session:1", "news")
    assert verified.info == b'{"a": 1}'
    assert verified.meta == b'{"session_id": "1",  "aal":"aal1"}'  # as it stood, to the space
    assert (verified.expire_at, verified.connection_expires_at) == (1, 1.0)


async def test_subs_take_precedence_over_channels() -> None:
    """Seen: transcript ``connect_ok_server_subs_claims``."""
    subs = {"rec:srv2": {"data": {"d": 1}, "b64info": "eA==", "override": {"presence": {"value": True}}}}
    verified = await verifier().verify(token(channels=["rec:srv1"], subs=subs))
    assert verified.channels == ()
    grant = verified.subs["rec:srv2"]
    assert (bytes(grant.data), bytes(grant.info)) == (b'{"d":1}', b"x")
    assert grant.override is not None
    assert grant.override.presence is not None
    assert grant.override.presence.value is True
    assert (await verifier().verify(token(channels=["rec:srv1"], subs={}))).channels == ("rec:srv1",)


async def test_base64_of_a_subscription_goes_before_what_stands_beside_it() -> None:
    subs = {"a": {"data": {"d": 1}, "b64data": "eyJhIjoxfQ=="}, "b": {"data": 1, "info": 2, "b64info": None}}
    verified = await verifier().verify(token(subs=subs))
    assert bytes(verified.subs["a"].data) == b'{"a":1}'
    assert (bytes(verified.subs["b"].data), bytes(verified.subs["b"].info)) == (b"1", b"2")
    with pytest.raises(TokenInvalidError):
        await verifier().verify(token(subs={"a": {"b64data": "@@"}}))


@pytest.mark.parametrize(
    ("expire_at", "connection"), [(None, START + 3600), (0, None), (-5, None), (int(START) + 9, START + 9)]
)
async def test_expire_at_governs_the_connection_and_exp_the_token(
    clock: Clock, expire_at: int | None, connection: float | None
) -> None:
    """Known problems, section 4: 0 means never, ``exp`` still guards connect."""
    text = token(expire_at=expire_at)
    checker = verifier(clock=clock)
    assert (await checker.verify(text)).connection_expires_at == connection
    clock.advance(3600)
    with pytest.raises(TokenExpiredError):
        await checker.verify(text)


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "news"},  # seen: every connect is closed with 3500
        {"b64info": "not base64"},
        {"b64info": "eA"},
        {"subs": {"a": {"b64data": "!"}}},
        {"subs": {"a": {"b64info": "e"}}},
    ],
)
async def test_a_reserved_claim_misused_is_refused(change: dict[str, object]) -> None:
    """Row A10."""
    with pytest.raises(TokenInvalidError):
        await verifier().verify(token(None, **change))


@pytest.mark.parametrize("member", [b'"info":null', b'"meta":null', b'"b64info":""', b'"channel":""', b'"subs":null'])
async def test_a_reserved_claim_left_empty_is_absent(member: bytes) -> None:
    verified = await verifier().verify(signed_raw(msgspec.json.encode(claims())[:-1] + b"," + member + b"}"))
    assert (verified.info, verified.meta, verified.channels) == (b"", b"", ())


# Time


@pytest.mark.parametrize(("leeway", "last_good"), [(0, 3599.75), (30, 3629.75)])
async def test_exp_is_the_first_moment_it_no_longer_holds(clock: Clock, leeway: float, last_good: float) -> None:
    checker = verifier(clock=clock, leeway_seconds=leeway, cache_size=0)
    clock.advance(last_good)
    await checker.verify(token())
    clock.advance(0.25)
    with pytest.raises(TokenExpiredError):
        await checker.verify(token())


@pytest.mark.parametrize("leeway", [0, 30])
async def test_nbf_in_the_future_is_not_an_expiry(clock: Clock, leeway: float) -> None:
    """Row A9: Centrifugo says "token expired" to both, so clients refresh in a loop."""
    text = token(nbf=int(START) + 60)
    checker = verifier(clock=clock, leeway_seconds=leeway, cache_size=0)
    clock.now = START + 60 - leeway - 0.25
    with pytest.raises(TokenNotYetValidError):
        await checker.verify(text)
    clock.advance(0.25)
    await checker.verify(text)


async def test_iat_in_the_future_is_refused_only_when_asked_for(clock: Clock) -> None:
    """Row A9: a clock one second slow must not refuse every fresh token."""
    text = token(iat=int(START) + 1)
    await verifier(clock=clock).verify(text)
    with pytest.raises(TokenNotYetValidError):
        await verifier(clock=clock, refuse_future_iat=True).verify(text)
    await verifier(clock=clock, refuse_future_iat=True, leeway_seconds=1).verify(text)


async def test_fractions_of_a_second_count(clock: Clock) -> None:
    text = token(exp=START + 0.5)
    await verifier(clock=clock).verify(text)
    clock.advance(0.5)
    with pytest.raises(TokenExpiredError):
        await verifier(clock=clock).verify(text)


@pytest.mark.parametrize("exp", [0, -1, -1e300])
async def test_an_end_long_past_is_an_expiry(exp: float) -> None:
    with pytest.raises(TokenExpiredError):
        await verifier().verify(token(exp=exp))


async def test_a_token_without_end_is_refused_unless_allowed() -> None:
    """``decisions.md``, "Codes": ours on purpose; Centrifugo's never expires."""
    with pytest.raises(TokenInvalidError, match="exp"):
        await verifier().verify(token(exp=None))
    with pytest.raises(TokenInvalidError, match="exp"):
        await verifier().verify(signed_raw(msgspec.json.encode(claims(exp=None))[:-1] + b',"exp":null}'))
    verified = await verifier(require_exp=False).verify(token(exp=None))
    assert (verified.exp, verified.connection_expires_at) == (None, None)


# Who it is from, for and about


@pytest.mark.parametrize("iss", [None, "", ISSUER + "/", ISSUER.upper(), "https://evil.example/auth/v1"])
async def test_another_issuer_is_refused(iss: str | None) -> None:
    """Row A4."""
    with pytest.raises(TokenInvalidError, match="issuer"):
        await verifier().verify(token(iss=iss))


@pytest.mark.parametrize("aud", [None, "", "anon", [], ["other"], [AUDIENCE.upper()], AUDIENCE + " other"])
async def test_another_audience_is_refused(aud: object) -> None:
    """Row A4."""
    with pytest.raises(TokenInvalidError, match="audience"):
        await verifier().verify(token(aud=aud))


async def test_the_audience_may_be_one_of_several() -> None:
    assert (await verifier().verify(token(aud=["other", AUDIENCE]))).sub == USER


@pytest.mark.parametrize("sub", [None, ""])
async def test_a_token_without_user_is_the_gateways_to_refuse_or_ours_if_told(sub: str | None) -> None:
    """Row A5. The gateway's own answer is 3507."""
    assert (await verifier().verify(token(sub=sub))).sub == ""
    with pytest.raises(TokenInvalidError, match="sub"):
        await verifier(require_sub=True).verify(token(sub=sub))


@pytest.mark.parametrize("role", [None, "anon", "service_role"])
async def test_roles_can_be_limited(role: str | None) -> None:
    """Row A5."""
    checker = verifier(allowed_roles=["authenticated"])
    assert (await checker.verify(token())).claims.role == "authenticated"
    with pytest.raises(TokenInvalidError, match="role"):
        await checker.verify(token(role=role))


async def test_supabases_public_anon_key_opens_nothing() -> None:
    """Row A5: it is a JWT, signed with the legacy secret, valid for ten years, and printed in every web page."""
    key = SigningKey.generate("HS256")
    for role in ("anon", "service_role"):
        api_key = token(
            key, iss="supabase", sub=None, aud=None, role=role, exp=int(START) + 315_000_000, session_id=None
        )
        with pytest.raises(TokenInvalidError):
            await verifier().verify(api_key)
        with pytest.raises(TokenInvalidError):
            await verifier(NO_KEYS, algorithms=["HS256"], legacy_secret=key.secret()).verify(api_key)


@pytest.mark.parametrize("missing", ["issuer", "audience"])
def test_a_verifier_without_issuer_or_audience_does_not_start(missing: str) -> None:
    """Row A4: any token of the same key would connect."""
    with pytest.raises(ConfigurationError) as caught:
        verifier(None, None, **{missing: ""})
    assert caught.value.setting == missing


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"algorithms": []}, "algorithms"),
        ({"algorithms": ["none"]}, "algorithms"),
        ({"algorithms": ["ES256", "HS512"]}, "algorithms"),
        ({"algorithms": ["HS256"]}, "legacy_secret"),
        ({"legacy_secret": SECRET}, "legacy_secret"),
        ({"algorithms": ["HS256"], "legacy_secret": ""}, "legacy_secret"),
        ({"algorithms": ["HS256"], "legacy_secret": "x" * 31}, "legacy_secret"),
        ({"algorithms": ["HS256"], "legacy_secret": "-----BEGIN PUBLIC KEY-----" + "A" * 99}, "legacy_secret"),
        ({"algorithms": ["HS256"], "legacy_secret": b'\n{"kty":"EC","crv":"P-256","x":"..."}'}, "legacy_secret"),
        ({"algorithms": ["HS256"], "legacy_secret": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"}, "legacy_secret"),
        ({"leeway_seconds": -1}, "leeway_seconds"),
        ({"leeway_seconds": 301}, "leeway_seconds"),
        ({"leeway_seconds": float("nan")}, "leeway_seconds"),
        ({"leeway_seconds": float("inf")}, "leeway_seconds"),
        ({"cache_size": -1}, "cache_size"),
    ],
)
def test_a_contradictory_configuration_does_not_start(options: dict[str, object], setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        verifier(None, None, **options)
    assert caught.value.setting == setting
    assert SECRET not in str(caught.value)


def test_one_algorithm_may_be_given_as_text() -> None:
    assert "['RS256']" in repr(verifier(algorithms="RS256"))


# Nothing leaks


async def test_no_representation_or_error_shows_token_secret_or_person() -> None:
    key = SigningKey.generate("HS256")
    checker = verifier(algorithms=["ES256", "HS256"], legacy_secret=key.secret())
    text = token(email="secret@example.com")
    verified = await checker.verify(text)
    shown = [repr(checker), repr(verified), str(verified), repr(verified.__rich_repr__()), repr(key), repr(key_for())]
    for bad in (text[:-6] + "AAAAAA", token(iss="x"), token(exp=1), signed_with({"alg": "none"}), text + "="):
        with pytest.raises((TokenInvalidError, TokenExpiredError, TokenFormatError)) as caught:
            await checker.verify(bad)
        shown.append(repr(caught.value) + str(caught.value))
    for line in shown:
        for secret in (*text.split("."), "secret@example.com", str(key.private_jwk()["k"])):
            assert secret not in line


def test_the_verifier_takes_any_key_set_of_the_ports_shape(clock: Clock) -> None:
    for keys in (StaticKeySet([]), remote(Provider(), clock)):
        assert isinstance(Verifier(keys, issuer=ISSUER, audience=AUDIENCE, clock=clock), Verifier)
    assert isinstance(remote(Provider(), clock), RemoteKeySet)
