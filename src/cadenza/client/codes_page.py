"""Writes ``docs/reference/codes.md`` from the tables, so that the page cannot say anything else than the code does.

Run ``python -m cadenza.client.codes_page > docs/reference/codes.md``; a test holds the page to this. Above: nobody.
Below: ``connection`` (the SDK's table), ``schema.codes`` (the backend's), ``rpc`` (which error a code becomes).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from cadenza.client.connection import RULES, Rule, When
from cadenza.client.ports import Plane
from cadenza.client.refusals import refusal
from cadenza.protocol.codes import CLIENT_ERRORS, UNSUBSCRIBES, is_unsubscribe_final
from cadenza.schema.codes import CODES
from cadenza.schema.envelope import ErrorBody

#: Unsubscribe codes below are the client's own.
_FROM_THE_SERVER: Final = 2000

_OPENING: Final = """\
# Codes

What arrives, what it means, and what the SDK does about it. This page is written from the tables in the code
(`python -m cadenza.client.codes_page`); a test holds it to them.

## The three codes of the mission's table

| the mission says | what really arrives | the SDK does |
| --- | --- | --- |
| **3500** token expired: refresh the token and reconnect | The socket is closed with 3500 `invalid token`: signature, \
issuer, audience or key are refused, or Centrifugo could not fetch the keys. A token that has merely expired arrives \
as error 109, a connection whose token ran out as 3005. | Refreshes the session and reconnects, after a second at \
least. If a *newer* token is closed with 3500 as well: `SignInRequiredError`. |
| **109** token invalid: authenticate again | Error 109 `token expired` in answer to the connect or to the refresh of \
the connection's token. It also stands for a token that is not valid yet. Any error with the words "token expired" \
counts the same. | Refreshes the session and tries again. If a fresh token is refused as expired as well, a clock is \
wrong: `ClockSkewError` with the measured offset goes to `on_error`, then `SignInRequiredError`. |
| **100** invalid token format: verify it | Error 100 `internal server error`, temporary: the server could not tell. A \
malformed token never gets that far: Centrifugo closes with 3500. | Checks the token's form *before* it goes on the \
wire: malformed is `TokenFormatError` at once, and no socket is opened. So 100 is the server's own trouble: reconnects \
with backoff. |

"With backoff" means: 0.1 to 0.2 s after the first failure, doubling up to 20 s, until a connection has lasted 10 s.
Every lifecycle event (`connecting`, `connected`, `disconnected`, `error`) says what the SDK does next, and when.
"""

_CLOSED: Final = """
## The socket is closed

The first row that fits decides.

| code | when | meaning | the SDK | error |
| --- | --- | --- | --- | --- |
"""

_CONNECT_ERROR: Final = """
## A connect, or the refresh of the connection's token, is answered with an error

| code | when | meaning | the SDK | error |
| --- | --- | --- | --- | --- |
"""

_CALLS: Final = """
`error` is what calls and subscriptions raise once the SDK has stopped, and what `on_error` is given otherwise.

## A call is answered with an error of the gateway

`GatewayError` with the code. A query that a lost connection interrupted is repeated within its deadline; a command
never is. On 109 the session is refreshed and the call repeated once.

| code | meaning | temporary |
| --- | --- | --- |
"""

_SUBSCRIPTIONS: Final = """
## A subscription is refused or ended

A refusal carries one of the codes above: `SubscriptionError`, or another attempt with backoff where it is temporary.
Ended later:

| code | meaning | the SDK |
| --- | --- | --- |
"""

_BACKEND: Final = """
## The backend refuses

The answer's envelope carries `error: {code, message, temporary?, field?, retryAfter?}`. The HTTP status is what the
same refusal has over REST.

| code | meaning | HTTP | temporary | error | what to do |
| --- | --- | --- | --- | --- | --- |
"""


def render() -> str:
    """The whole page."""
    return "".join(
        (
            _OPENING,
            _CLOSED,
            *_rules(Plane.DISCONNECT),
            _CONNECT_ERROR,
            *_rules(Plane.CONNECT_ERROR),
            _CALLS,
            *(_row(str(e.code), e.message, _yes(e.temporary)) for e in CLIENT_ERRORS.values()),
            _SUBSCRIPTIONS,
            *(_row(str(u.code), u.reason, _ended(u.code)) for u in UNSUBSCRIBES.values() if u.code >= _FROM_THE_SERVER),
            _BACKEND,
            *_backend(),
        )
    )


def _rules(plane: Plane) -> Iterable[str]:
    for rule in RULES:
        if rule.plane is plane:
            yield _row(
                _codes(rule),
                "always" if rule.when is When.ALWAYS else rule.when.value,
                rule.meaning,
                rule.next_step.value,
                f"`{rule.error.__name__}`",
            )


def _codes(rule: Rule) -> str:
    codes = rule.codes
    if isinstance(codes, range):
        return f"{codes.start} to {codes.stop - 1}"
    return ", ".join(map(str, codes))


def _backend() -> Iterable[str]:
    for code, entry in CODES.items():
        error = refusal(ErrorBody(code=code, message=""))
        kind = f"`{type(error).__name__}`"
        word = getattr(error, "error_code", "")
        yield _row(
            str(code),
            entry.meaning,
            str(entry.http_status),
            _yes(entry.temporary),
            f"{kind} `{word}`" if word else kind,
            entry.action.value,
        )


def _ended(code: int) -> str:
    return "stops: `SubscriptionError`" if is_unsubscribe_final(code) else "subscribes again from where it was"


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(render())
