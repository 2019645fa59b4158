"""The compact form of a signed token (RFC 7515 section 7.1), read strictly: one token has one spelling.

Above: ``claims`` (the form check) and ``verifier``; ``keys`` reads key sets with the same JSON rules.
Below: ``errors``.

Strict means: three non-empty parts, base64url without padding, foreign characters or stray trailing bits, JSON whose
objects name no member twice (RFC 7515 section 4, RFC 7519 section 4; RFC 8725 sections 2.6 and 3.7), and a bound on the
length that is checked first. Nothing here looks at a signature.
"""

import binascii
import json
from typing import NamedTuple, Never, TypeVar

import msgspec

from cadenza.errors import TokenFormatError

__all__ = ["MAX_TOKEN_CHARACTERS", "Compact", "decode_json", "split"]

#: Supabase's tokens are about 900 characters; a request frame of the gateway is 64 KiB at most.
MAX_TOKEN_CHARACTERS = 16 * 1024

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
# A part of 2 or 3 characters beyond a multiple of four carries 4 or 2 bits that say nothing. They must be zero, or two
# texts would be one token. These are the last characters for which they are.
_LAST_CHARACTERS = {0: _ALPHABET, 2: b"AQgw", 3: b"AEIMQUYcgkosw048"}
_PADDING = {0: b"", 2: b"==", 3: b"="}

_Value = TypeVar("_Value")


class Compact(NamedTuple):
    """The parts of a token, decoded; ``signing_input`` is what the signature covers, as it stood."""

    signing_input: bytes
    header: bytes
    payload: bytes
    signature: bytes

    def __repr__(self) -> str:
        return "Compact(...)"


def split(token: str) -> Compact:
    """Take a token apart.

    Raises:
        TokenFormatError: It is not a signed token in compact form.
    """
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise TokenFormatError(f"The token is longer than {MAX_TOKEN_CHARACTERS} characters.")
    if not token.isascii():
        raise TokenFormatError("The token holds characters beyond ASCII.")
    text = token.encode()
    if text.translate(None, _ALPHABET) != b"..":
        raise TokenFormatError("The token is not three base64url parts joined by dots.")
    header, payload, signature = text.split(b".")
    return Compact(
        signing_input=text[: -len(signature) - 1],
        header=_decode(header, "header"),
        payload=_decode(payload, "claims"),
        signature=_decode(signature, "signature"),
    )


def _decode(part: bytes, name: str) -> bytes:
    over = len(part) % 4
    if not part or over == 1 or part[-1] not in _LAST_CHARACTERS[over]:
        raise TokenFormatError(f"The token's {name} part is not base64url.")
    return binascii.a2b_base64(part.translate(_TO_STANDARD) + _PADDING[over])


class _DuplicateMemberError(ValueError):
    pass


def _refuse_duplicates(members: list[tuple[str, object]]) -> None:
    if len(dict(members)) != len(members):
        raise _DuplicateMemberError


def _refuse_constant(_: str) -> Never:
    raise ValueError


# Only looks at names. Numbers stay text: Python limits the digits of an int.
_NAMES = json.JSONDecoder(
    object_pairs_hook=_refuse_duplicates,
    parse_int=str,
    parse_float=str,
    parse_constant=_refuse_constant,
)


_ANYTHING = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()


def _require_unique_names(raw: bytes) -> None:
    # A text that comes back from a round trip byte for byte names no member twice: no encoder would write it so. That
    # is quick, and true of most tokens. White space, escapes or odd numbers need the slow look.
    if _ENCODER.encode(_ANYTHING.decode(raw)) != raw:
        _NAMES.decode(raw.decode())


def decode_json(raw: bytes, decoder: msgspec.json.Decoder[_Value], name: str) -> _Value:
    """Decode one JSON text into its type, refusing what two readers could understand differently.

    Args:
        raw: The JSON text.
        decoder: The typed decoder.
        name: What the text is, for the error, in the plural.

    Raises:
        TokenFormatError: Not JSON in UTF-8, a member of the wrong type, a member named twice, or nested too deep.
    """
    try:
        value = decoder.decode(raw)
        _require_unique_names(raw)
    except msgspec.ValidationError as error:
        raise TokenFormatError(f"The {name} do not have the required form: {error}.") from error
    except _DuplicateMemberError:
        raise TokenFormatError(f"The {name} name a member twice.") from None
    except RecursionError:
        raise TokenFormatError(f"The {name} are nested too deep.") from None
    except (ValueError, msgspec.DecodeError):
        # Without its cause: a decoding error carries the whole text, personal data with it.
        raise TokenFormatError(f"The {name} are not JSON in UTF-8.") from None
    return value
