"""Token verification, in CPU microseconds of this process, beside a bare signature check and joserfc in the same run.

Run alone with ``python -m benchmarks.tokens`` (``--json`` for data, ``--rounds``, ``--seconds``). ``measure`` returns
the figures for whoever collects them. Method of ``reference/performance.md`` section 4: every case once a round, rounds
interleaved, the median of the rounds; claims and size are those of a Supabase access token.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hmac
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TypeVar, cast

import jwt as pyjwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwk, jwt

from cadenza.tokens.jwks import FetchedKeys, KeySet, RemoteKeySet, StaticKeySet
from cadenza.tokens.signer import Signer, SigningKey
from cadenza.tokens.verifier import Verifier

ISSUER = "https://abcdefghijklmnopqrst.supabase.co/auth/v1"
AUDIENCE = "authenticated"
ALGORITHMS = ("ES256", "RS256", "EdDSA", "HS256")
DISTINCT_UNCACHED = 64
DISTINCT_CACHED = 5000
BATCH = 16
#: The issue's bounds for ES256.
MAX_UNCACHED_US = 110.0
MAX_RATIO = 1.75
MAX_CACHED_US = 2.0

#: Each step runs a batch of operations and says how many they were.
Batches = Iterator[int]
T = TypeVar("T")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the result; times are CPU microseconds per operation."""

    name: str
    algorithm: str
    median_us: float
    min_us: float
    max_us: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures. ``ratio`` is uncached ES256 over the bare check, the median of the rounds' ratios."""

    token_characters: int
    rounds: int
    seconds_per_case: float
    cases: tuple[Case, ...]
    es256_uncached_us: float
    es256_ratio: float
    cached_us: float
    within_bounds: bool


def _claims(number: int, now: int) -> dict[str, object]:
    user = f"369eaea3-b734-4f97-8596-{number:012d}"
    return {
        "iss": ISSUER,
        "sub": user,
        "aud": AUDIENCE,
        "exp": now + 7200,
        "iat": now,
        "email": "u0ba5a418@example.com",
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"email_verified": True},
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": now}],
        "session_id": "fa0db7d6-0201-46bc-96ed-ef42803ba424",
        "is_anonymous": False,
    }


def _run(coroutine: Coroutine[object, None, T]) -> T:
    """Step a coroutine that never suspends, as the gateway does: the loop's own cost is not the verifier's."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    message = "the verifier waited for something"
    raise RuntimeError(message)


def _in_turn(items: Sequence[T], operation: Callable[[T], object]) -> Batches:
    """Batches over the items, in turn: a batch is a bare loop, so little but the operation is measured."""
    while True:
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            for item in batch:
                operation(item)
            yield len(batch)


def _keys(key: SigningKey) -> KeySet:
    """A fetched key set, as the gateway has one; a shared secret has none."""
    if key.alg == "HS256":
        return StaticKeySet([])

    async def fetch() -> FetchedKeys:
        return FetchedKeys(msgspec.json.encode({"keys": [key.public_jwk()]}))

    keys = RemoteKeySet(fetch, clock=time.time)
    asyncio.run(keys.refresh())
    return keys


def _verifier(key: SigningKey, cache_size: int) -> Verifier:
    symmetric = key.alg == "HS256"
    return Verifier(
        _keys(key),
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithms=(key.alg,),
        legacy_secret=key.secret() if symmetric else None,
        clock=time.time,
        cache_size=cache_size,
    )


def _uncached(key: SigningKey, tokens: list[str]) -> Batches:
    verifier = _verifier(key, 0)
    return _in_turn(tokens, lambda token: _run(verifier.verify(token)))


def _cached(key: SigningKey, now: int) -> Batches:
    verifier = _verifier(key, DISTINCT_CACHED)
    texts = [Signer(key).sign(_claims(number, now)) for number in range(DISTINCT_CACHED)]
    for text in texts:
        _run(verifier.verify(text))
    assert all(verifier.cached(text) is not None for text in texts)
    return _in_turn(texts, verifier.cached)


def _imported(members: dict[str, object]) -> jwk.Key:
    return jwk.import_key(cast("dict[str, str | list[str]]", members))


def _joserfc(key: SigningKey, tokens: list[str]) -> Batches:
    keys = jwk.KeySet([_imported(key.private_jwk())])
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}
    )

    def decode(token: str) -> None:
        registry.validate(jwt.decode(token, keys, algorithms=[key.alg]).claims)

    return _in_turn(tokens, decode)


def _pyjwt(key: SigningKey, tokens: list[str]) -> Batches:
    loaded = pyjwt.PyJWK(key.private_jwk() if key.alg == "HS256" else key.public_jwk()).key
    return _in_turn(
        tokens,
        lambda token: pyjwt.decode(token, loaded, algorithms=[key.alg], audience=AUDIENCE, issuer=ISSUER),
    )


def _bare(key: SigningKey, tokens: list[str]) -> Batches:
    """The signature check and nothing else, its input made beforehand."""
    prepared = []
    for token in tokens:
        signed, _, encoded = token.encode().rpartition(b".")
        prepared.append((base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)), signed))
    if key.alg == "HS256":
        secret = key.secret()
        return _in_turn(prepared, lambda pair: hmac.compare_digest(hmac.digest(secret, pair[1], "sha256"), pair[0]))
    public = _imported(key.public_jwk()).get_op_key("verify")
    match public:
        case ec.EllipticCurvePublicKey():
            scheme = ec.ECDSA(SHA256())
            der = [(_der(signature), signed) for signature, signed in prepared]
            return _in_turn(der, lambda pair: public.verify(pair[0], pair[1], scheme))
        case rsa.RSAPublicKey():
            pkcs, digest = padding.PKCS1v15(), SHA256()
            return _in_turn(prepared, lambda pair: public.verify(pair[0], pair[1], pkcs, digest))
        case ed25519.Ed25519PublicKey():
            return _in_turn(prepared, lambda pair: public.verify(pair[0], pair[1]))
    message = f"no bare check for {key.alg}"
    raise RuntimeError(message)


def _der(signature: bytes) -> bytes:
    return utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def _cpu_us(batches: Batches, seconds: float) -> float:
    count = 0
    started = time.process_time()
    until = started + seconds
    while (now := time.process_time()) < until:
        count += next(batches)
    return (now - started) / count * 1e6


def measure(*, rounds: int = 5, seconds: float = 0.2) -> Report:
    """Measure all cases.

    Args:
        rounds: How often each case is run, interleaved with the others.
        seconds: CPU seconds of each run.
    """
    now = int(time.time())
    cases: dict[tuple[str, str], Batches] = {}
    longest = 0
    for alg in ALGORITHMS:
        key = SigningKey.generate(alg, kid="5d1c3a52-6a0f-4a7e-9f5c-2f6f1c9f0b11")
        tokens = [Signer(key).sign(_claims(number, now)) for number in range(DISTINCT_UNCACHED)]
        longest = max(longest, *map(len, tokens))
        cases[alg, "signature alone"] = _bare(key, tokens)
        cases[alg, "cadenza, uncached"] = _uncached(key, tokens)
        cases[alg, "joserfc (KeySet and claims)"] = _joserfc(key, tokens)
        cases[alg, "PyJWT (key preloaded)"] = _pyjwt(key, tokens)
        if alg == "ES256":
            cases[alg, "cadenza, cached"] = _cached(key, now)
    runs: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joserfc: RFC 9864 renames EdDSA
        for batches in cases.values():
            next(batches)
        for _ in range(rounds):
            for case, batches in cases.items():
                runs[case].append(_cpu_us(batches, seconds))
    return _report(runs, longest=longest, rounds=rounds, seconds=seconds)


def _report(runs: dict[tuple[str, str], list[float]], *, longest: int, rounds: int, seconds: float) -> Report:
    uncached = runs["ES256", "cadenza, uncached"]
    ratio = statistics.median(
        whole / bare for whole, bare in zip(uncached, runs["ES256", "signature alone"], strict=True)
    )
    uncached_us = statistics.median(uncached)
    cached_us = statistics.median(runs["ES256", "cadenza, cached"])
    return Report(
        token_characters=longest,
        rounds=rounds,
        seconds_per_case=seconds,
        cases=tuple(
            Case(name=name, algorithm=alg, median_us=statistics.median(us), min_us=min(us), max_us=max(us))
            for (alg, name), us in runs.items()
        ),
        es256_uncached_us=uncached_us,
        es256_ratio=ratio,
        cached_us=cached_us,
        within_bounds=uncached_us <= MAX_UNCACHED_US and ratio <= MAX_RATIO and cached_us <= MAX_CACHED_US,
    )


def _print_table(report: Report) -> None:
    print(f"CPU microseconds per token of up to {report.token_characters} characters, {report.rounds} rounds")
    for case in report.cases:
        print(f"{case.algorithm:6} {case.name:28} {case.median_us:8.2f}   {case.min_us:8.2f} to {case.max_us:.2f}")
    print(f"ES256 uncached {report.es256_uncached_us:.1f} (at most {MAX_UNCACHED_US:g}),", end=" ")
    print(f"{report.es256_ratio:.2f} bare checks (at most {MAX_RATIO:g}),", end=" ")
    print(f"cached {report.cached_us:.2f} (at most {MAX_CACHED_US:g})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; exit code 1 when a bound is exceeded."""
    parser = argparse.ArgumentParser(prog="benchmarks.tokens", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="CPU seconds per case and round")
    options = parser.parse_args(arguments)
    report = measure(rounds=options.rounds, seconds=options.seconds)
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        _print_table(report)
    return 0 if report.within_bounds else 1


if __name__ == "__main__":
    sys.exit(main())
