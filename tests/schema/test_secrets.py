"""No token, password, key or personal data shows in the text of a message, alone or inside another."""

from __future__ import annotations

import importlib
import pkgutil
import traceback
from collections.abc import Iterator
from typing import Final

import msgspec
import pytest

import cadenza.schema
from cadenza.errors import ProtocolError
from cadenza.schema import methods
from cadenza.schema.accounts import TradingAccount
from cadenza.schema.auth import AuthSession, AuthUser
from cadenza.schema.credentials import TradingAccountCredential
from cadenza.schema.envelope import Event, Result
from cadenza.schema.reading import UNREADABLE, misfit
from cadenza.schema.scalars import Message, SecretMessage

SECRET: Final = "correct-horse-battery"
#: Wire names of what nobody else may see. ``token`` alone is a one-time code, ``code`` an OAuth or a factor's code.
SECRET_FIELDS: Final = frozenset(
    {
        "accessToken", "refreshToken", "token", "password", "code", "codeVerifier", "apiKey", "secretKey",
        "secretPassphrase", "email", "phone", "identityData", "userMetadata", "metadata", "tokenHash", "nonce",
        "currentPassword", "secret", "uri",
    }
)  # fmt: skip
#: Fields of these names that are neither secret nor personal.
HARMLESS: Final = frozenset({("ErrorBody", "code"), ("FermataWallet", "metadata")})


def _messages() -> Iterator[type[Message]]:
    for module in pkgutil.iter_modules(cadenza.schema.__path__):
        for value in vars(importlib.import_module(f"cadenza.schema.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Message) and value.__module__.endswith(module.name):
                yield value


def _holders() -> dict[str, type[Message]]:
    """Messages with a field of their own that nobody else may see."""
    return {
        message.__name__: message
        for message in _messages()
        for field in msgspec.structs.fields(message)
        if field.encode_name in SECRET_FIELDS and (message.__name__, field.encode_name) not in HARMLESS
    }


def test_the_messages_that_hold_secrets_are_found() -> None:
    assert {"AuthSession", "AuthUser", "LoginParams", "CreateCredentialParams", "UpdateUserParams"} <= _holders().keys()
    assert len(_holders()) >= 19


@pytest.mark.parametrize("name", sorted(_holders()))
def test_message_that_holds_a_secret_shows_only_its_type(name: str) -> None:
    message = _holders()[name]
    assert issubclass(message, SecretMessage)
    given = {field.name: SECRET for field in msgspec.structs.fields(message)}  # msgspec checks types at decoding only
    made = message(**given)
    for text in (repr(made), str(made), f"{made}", f"{made!r}"):
        assert text == f"{name}(...)"
    assert list(made.__rich_repr__()) == []


def test_message_inside_another_shows_nothing_either() -> None:
    session = AuthSession(access_token=SECRET, refresh_token=SECRET, user=AuthUser(email=SECRET))
    account = TradingAccount(credentials=(TradingAccountCredential(api_key=SECRET),))
    event = Event(type="accountUpdate", event="e", event_id="i", timestamp="t", data=account)
    for holder in (Result(data=session), account, event, [session], {"session": session}):
        assert SECRET not in repr(holder)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"email":"a@b.example","password":["%s"]}',
        b'{"email":"a@b.example","password":"%s"',
        b'{"email":["%s"],"password":"12345678"}',
        b'{"email":"a@b.example","password":"%s\xff"}',
        b'"%s"',
    ],
)
def test_error_about_parameters_does_not_repeat_what_was_sent(payload: bytes) -> None:
    with pytest.raises(UNREADABLE) as caught:
        methods.COMMAND_AUTH_LOGIN.decode_params(payload.replace(b"%s", SECRET.encode()))
    told = misfit(caught.value)
    assert SECRET not in f"{told} {told!r} {told.field}"


@pytest.mark.parametrize(
    "payload",
    [b'{"data":{"accessToken":["%s"]}}', b'{"data":{"accessToken":"%s"', b'{"data":{"accessToken":"%s\xff"}}'],
)
def test_error_about_an_answer_does_not_repeat_it_nor_chain_what_does(payload: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        methods.COMMAND_AUTH_LOGIN.decode_result(payload.replace(b"%s", SECRET.encode()))
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
