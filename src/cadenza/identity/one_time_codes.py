"""One-time codes: what a mail's link holds and what a person types, each good for one use and a short time.

The code is a few digits, so it counts only together with the address it was sent to. The link's token is as long as
Supabase Auth's (56 hexadecimal digits, ``pkce_`` before those of a PKCE flow), but random: there it is a hash of
address and code, which whoever guesses codes could try by link, past every count of an account's wrong codes.
The database knows both by keyed digests alone, which are looked up: nothing compares a secret character by character.

Above: the rules that send mails, ``confirmations``. Below: ``records.one_time_tokens``, ``sealing``.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from cadenza.identity.config import MailConfig
from cadenza.identity.records import OneTimeTokenRow, Records, TokenKind
from cadenza.identity.sealing import Vault
from cadenza.identity.times import instant
from cadenza.protocol.auth import PKCE_PREFIX
from cadenza.protocol.auth.messages import Discreet

#: As long as SHA-224, which Supabase Auth makes it with.
_TOKEN_BYTES: Final = 28
#: So many random bits more than the code has that every code is as likely as the next.
_CODE_BYTES: Final = 16
_LINK: Final = "one-time link"
_CODE: Final = "one-time code"


class IssuedCode(Discreet, frozen=True, kw_only=True):
    """Both forms of one secret: ``code`` to type, ``token`` for the link."""

    code: str
    token: str


class OneTimeCodes:
    """Issues and recognises them.

    Args:
        config: How long, and how many digits.
        vault: Makes the digests.
        clock: Seconds since the epoch.
        new_id: Makes ids.
        random_bytes: Where the secrets come from.
    """

    def __init__(
        self,
        config: MailConfig,
        *,
        vault: Vault,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._digits = config.code_digits
        self._lifetime = instant(config.code_lifetime_seconds)
        self._vault = vault
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes

    def issue(
        self, records: Records, kind: TokenKind, *, user_id: str, sent_to: str, pkce: bool = False, code: str = ""
    ) -> IssuedCode:
        """A fresh code in place of the one of its kind. Runs inside a transaction.

        Args:
            records: The transaction's.
            kind: What it is good for.
            user_id: Whose it is.
            sent_to: The address or number it goes to.
            pkce: Its link yields a code for whoever holds the verifier.
            code: The digits, where they are settled: a test number's.
        """
        secret, code = self._random_bytes(_TOKEN_BYTES).hex(), code or self._new_code()
        now = instant(self._clock())
        records.one_time_tokens.put(
            OneTimeTokenRow(
                id=self._new_id(),
                user_id=user_id,
                kind=kind.value,
                digest=self._vault.digest(secret, purpose=_LINK),
                code_digest=self._code_digest(sent_to, code),
                relates_to=sent_to,
                pkce=pkce,
                created_at=now,
                updated_at=now,
            )
        )
        return IssuedCode(code=code, token=f"{PKCE_PREFIX}{secret}" if pkce else secret)

    def unissued(self, *, pkce: bool = False) -> IssuedCode:
        """A code that is good for nothing, made with the same work: for an address that is nobody's."""
        secret, code = self._random_bytes(_TOKEN_BYTES).hex(), self._new_code()
        self._vault.digest(secret, purpose=_LINK)
        self._code_digest("", code)
        return IssuedCode(code=code, token=f"{PKCE_PREFIX}{secret}" if pkce else secret)

    def by_link(self, records: Records, token: str, *kinds: TokenKind) -> OneTimeTokenRow | None:
        """The row of a link's token, of the first of those kinds that has it, if it is still good."""
        digest = self._vault.digest(token.removeprefix(PKCE_PREFIX), purpose=_LINK)
        for kind in kinds:
            row = records.one_time_tokens.by_digest(kind, digest)
            if row is not None and row.pkce == token.startswith(PKCE_PREFIX):
                return self._if_good(row)
        return None

    def by_code(self, records: Records, sent_to: str, code: str, *kinds: TokenKind) -> OneTimeTokenRow | None:
        """The row of a code and where it was sent, of the first of those kinds that has it, if it is still good."""
        digest = self._code_digest(sent_to, code)
        for kind in kinds:
            row = records.one_time_tokens.by_code(kind, digest)
            # The index has found it; that it is the whole digest is said once more, in constant time.
            if row is not None and hmac.compare_digest(row.code_digest, digest):
                return self._if_good(row)
        return None

    def _if_good(self, row: OneTimeTokenRow) -> OneTimeTokenRow | None:
        return row if instant(self._clock()) <= row.created_at + self._lifetime else None

    def _new_code(self) -> str:
        return str(int.from_bytes(self._random_bytes(_CODE_BYTES)) % 10**self._digits).zfill(self._digits)

    def _code_digest(self, sent_to: str, code: str) -> bytes:
        return self._vault.digest(f"{sent_to.lower()}:{code}", purpose=_CODE)
