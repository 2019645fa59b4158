"""What any stack must do, each behaviour with an id, its source, and where a stack is known to differ.

``test_requirements.py`` holds this list against the tests both ways. A divergence is data: on that stack the test
expects ``Divergence.instead`` and nothing else, so a stack that changes its behaviour fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

#: The stacks the suite runs over; see ``stacks.py``.
DIRECT: Final = "direct"
EMBEDDED: Final = "embedded"
PROXIED: Final = "proxied"
REAL: Final = "real"
STACKS: Final = (DIRECT, EMBEDDED, PROXIED, REAL)
#: What only a socket can show; the suite does not ask it of the direct stack.
NEEDS_SOCKETS: Final = frozenset(
    {"ORIGIN", "FRAME-TOO-BIG", "BOOK-WHOLE", "SDK-FLOW", "SDK-WEBSOCKET-LOGIN", "SDK-REFRESH"}
    | {"SDK-EXPIRED", "SDK-FORCED", "SDK-SIGN-OUT"}
    | {"SDK-CODE", "SDK-MAGIC-LINK", "SDK-MAGIC-LINK-PASTED", "SDK-OAUTH", "SDK-OAUTH-INJECTION", "SDK-RECOVERY"}
    | {"SDK-IDENTITIES", "SDK-ADDRESS", "SDK-ANONYMOUS", "SDK-SECOND-FACTOR", "SDK-STEP-UP", "SDK-LIMITED"}
)


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """On one stack the behaviour differs on purpose, or cannot be had."""

    instead: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One observable behaviour."""

    id: str
    source: str
    behaviour: str
    divergences: MappingProxyType[str, Divergence] = field(default_factory=lambda: MappingProxyType({}))

    def expected(self, stack: str, otherwise: str) -> str:
        """Return the outcome that this stack must show: its divergence, or ``otherwise``, the rule's own."""
        divergence = self.divergences.get(stack)
        return divergence.instead if divergence else otherwise


def _on(stack: str, instead: str, reason: str) -> MappingProxyType[str, Divergence]:
    return MappingProxyType({stack: Divergence(instead=instead, reason=reason)})


def _all(source: str, rows: dict[str, str]) -> list[Requirement]:
    return [Requirement(id=id_, source=source, behaviour=behaviour) for id_, behaviour in rows.items()]


_SUPABASE = "reference/supabase-auth.md"
_CENTRIFUGO = "reference/centrifugo.md"
_MATRIX = "reference/centrifugo-auth-matrix.txt"
_DECISIONS = "design/decisions.md"

REQUIREMENTS: Final[tuple[Requirement, ...]] = (
    *_all(
        _SUPABASE,
        {
            "AUTH-SIGNUP": "sign-up with auto-confirm gives a session whose token carries the new user's id",
            "AUTH-SIGNUP-EXISTS": "a second sign-up with the same address is 422 user_already_exists",
            "AUTH-SIGNUP-WEAK": "a short password is 422 weak_password with its reasons",
            "AUTH-PASSWORD": "the password grant gives a session; the address is case-insensitive",
            "AUTH-PASSWORD-WRONG": "a wrong password and an unknown address are the same 400 invalid_credentials",
            "AUTH-REFRESH": "a refresh gives another refresh token and the same session",
            "AUTH-REFRESH-PARENT": "the parent of the active refresh token gives that same active token again",
            "AUTH-REFRESH-UNKNOWN": "an unknown refresh token is 400 refresh_token_not_found",
            "AUTH-USER": "the user is given to the bearer of the access token, and 401/403 to others",
            "AUTH-LOGOUT": "after sign-out the session's refresh token and its user request are dead",
            "AUTH-LOGOUT-LOCAL": "a local sign-out leaves the user's other sessions alive",
            "AUTH-JWKS": "the key set names the token's kid, asymmetric keys only, with a Cache-Control of 600 s",
            "AUTH-ERRORS": "the error's form follows X-Supabase-Api-Version",
        },
    ),
    *_all(
        _MATRIX,
        {
            "CONN-VALID": "a valid token connects: client id, expires, ttl, ping and pong",
            "CONN-EXPIRED": "an expired token is answered by error 109 and the socket stays open",
            "CONN-NOT-YET": "a token whose nbf lies ahead is answered by error 109",
            "CONN-SIGNATURE": "a wrong signature closes with 3500",
            "CONN-UNKNOWN-KID": "an unknown kid closes with 3500",
            "CONN-NO-KID": "a token without kid closes with 3500",
            "CONN-HS256": "a token signed with a shared secret closes with 3500",
            "CONN-GARBAGE": "garbage in the token's place closes with 3500",
            "CONN-AUDIENCE": "another audience closes with 3500; a list that has ours connects",
            "CONN-ISSUER": "another issuer closes with 3500",
            "CONN-NO-SUB": "a token without sub closes with 3507",
            "CONN-CHANNEL-CLAIM": "a token with a channel claim closes with 3500 (A10)",
            "CONN-ANONYMOUS": "no token, and an empty one, connect anonymously",
            "REFRESH-GOOD": "a refresh with a good token gives the new ttl",
            "REFRESH-EXPIRED": "a refresh with an expired token closes with 3005",
            "REFRESH-GARBAGE": "a refresh with garbage closes with 3500",
            "REFRESH-OTHER-USER": "a refresh with another user's token closes with 3500",
            "EXPIRY": "a socket whose token ran out closes with 3005 after the grace period",
        },
    ),
    Requirement(
        id="CONN-NO-EXP",
        source=_DECISIONS + " (Codes)",
        behaviour="a token without exp closes with 3500",
        divergences=_on(REAL, "connected", "Centrifugo accepts a token without exp; ours refuses it"),
    ),
    *_all(
        _CENTRIFUGO,
        {
            "FRAME-BEFORE-CONNECT": "a command before connect closes with 3501",
            "FRAME-DOUBLE-CONNECT": "a second connect closes with 3501",
            "FRAME-INVALID": "what is not JSON closes with 3501",
            "FRAME-UNKNOWN-FIELDS": "unknown fields are ignored",
            "FRAME-BATCH": "commands batched by newline are each answered once, the connect first",
            "FRAME-TOO-BIG": "a message over 64 KiB closes with 1009",
            "ORIGIN": "a foreign Origin is refused with 403, an absent one is let in",
            "SUB-AGAIN": "a second subscribe to the same channel is error 105",
            "SUB-UNKNOWN": "an unknown namespace is error 102",
            "UNSUB": "unsubscribe is answered by an empty result, subscribed or not",
            "RECOVERY": "after a reconnect the publications of the gap are given, in order, and recovered is true",
            "RECOVERY-EPOCH": "another epoch is answered without recovered",
            "API-PUBLISH": "the server API publishes with offset, epoch and tags, and subscribers get them",
            "API-KEY": "a wrong key is 401 with an empty body",
            "API-DISCONNECT": "the server API disconnects a user with the given code and reason",
            "API-UNSUBSCRIBE": "the server API unsubscribes with push 2000",
            "API-INFO": "info counts the connected client",
        },
    ),
    *_all(
        _DECISIONS,
        {
            "RPC-ENVELOPE": "a served method answers {data} of the contract's shape",
            "RPC-UNKNOWN": "an unknown method answers 19003",
            "RPC-NOT-SERVED": "a method of the contract that is not served yet answers 18016",
            "RPC-PARAMS": "parameters that do not parse answer 22015 and name the field",
            "RPC-ANONYMOUS": "an anonymous connection may call query.system.info and is answered 26001 elsewhere",
            "RPC-LOGIN": "an anonymous connection gets a session by command.auth.login, and it connects",
            "RPC-LOGIN-WRONG": "wrong credentials over the socket answer 26002",
            "RPC-SIGNUP": "a sign-up over the socket gives a session that connects; a second one is 26011",
            "RPC-REFRESH": "a refresh over the socket gives another refresh token; a dead one is 26007",
            "RPC-OTP": "a mailed code signs in over the socket, once: then it is 26012",
            "RPC-LINK": "what a mailed link carries signs in over the socket, once",
            "RPC-LINK-FOLLOWED": "a link that is followed comes back with a code that signs in over the socket",
            "RPC-RECOVER": "a recovery over the socket is answered alike whoever asks",
            "RPC-OAUTH": "a browser comes back from oauth.start with a code that its verifier alone trades, once",
            "RPC-USER-UPDATE": "a user is changed over the socket by its own token; another connection's is 26005",
            "RPC-ANONYMOUS-USER": "an anonymous user signs in over the socket and becomes a lasting one",
            "RPC-MFA": "a second factor is enrolled, proved and listed over the socket; it goes at aal2 only",
            "RPC-STEPUP": "a token at aal2 of the same user and session raises the connection, and no other does",
            "ACCESS-ROLE": "a role given or taken in app_metadata counts on the same socket from the next refresh on",
            "ACCESS-META": "a token without a whole meta calls and joins nothing: 26005, error 103",
            "ACCESS-META-KEPT": "a refresh without meta keeps the old one",
            "ACCESS-THIRD-PARTY": "an OAuth client's token that is not listed is 26005, in params too, and error 103",
            "ACCESS-AAL2": "a guarded command is 26006 until token or step-up have raised the connection",
            "LIMIT-CALLS": "a call too many is 22020 with retryAfter, for its user and method alone",
            "LIMIT-ANONYMOUS": "a caller who is not signed in is limited too",
            "LIMIT-JOINS": "a channel too many is error 111, temporary, and leaves the socket open",
            "RPC-LOGOUT": "command.auth.logout ends the session at the provider",
            "END-LOCAL": "a sign-out over the socket closes every socket of its session with 4500, and no other's",
            "END-OTHERS": "a sign-out of the others closes theirs and leaves those of the session that asked",
            "END-GLOBAL": "a sign-out everywhere closes every socket of the user",
            "END-RETURN": "an ended session's token is refused at once, or found when it has connected: close 4500",
            "SUB-BOOK": "a book channel's subscribe reply has a position and {seq, book} with a snapshot",
            "SUB-SPELLING": "another spelling of a channel is error 102",
            "SUB-ANONYMOUS": "an anonymous connection may subscribe to nothing: error 103",
            "SUB-ACCOUNT": "another's account channel is error 103",
            "EVENT-BOOK": "book publications carry consecutive seq tags of one run, and offsets without a hole",
            "BOOK-WHOLE": "a book joined while it changes equals the venue's own at equal seq",
            "SDK-FLOW": "the SDK signs in, calls and receives typed events in the ten lines of the README",
            "SDK-WEBSOCKET-LOGIN": "the SDK signs in over the WebSocket and goes on with the token",
            "SDK-REFRESH": "the SDK refreshes a short-lived token in place: new exp, same client id",
            "SDK-EXPIRED": "the SDK comes back from an expired token with a new client id and loses no publication",
            "SDK-FORCED": "a final disconnect is a typed error with the gateway's code and reason",
            "SDK-CODE": "the SDK signs in with a code from a mail, which is good once",
            "SDK-MAGIC-LINK": "the SDK's loopback listener takes a mail's link with state and PKCE",
            "SDK-MAGIC-LINK-PASTED": "a mail's link signs in when it is pasted without being followed",
            "SDK-OAUTH": "the SDK signs in at an OAuth provider with PKCE; its own state comes back in redirect_to",
            "SDK-OAUTH-INJECTION": "a code that another flow asked for is refused, and both flows finish (E9)",
            "SDK-RECOVERY": "a recovery's code signs in, and a new password is set with it",
            "SDK-ANONYMOUS": "an anonymous user becomes a lasting one of the same id by an address and a password",
            "SDK-SECOND-FACTOR": "enrolled, verified: aal2; the next sign-in says that a second factor is needed",
            "SDK-STEP-UP": "a guarded call asks for the code, raises the same connection, and is repeated over it",
            "SDK-LIMITED": "the SDK waits out what it is told with queries, and joins a channel once it may (D6)",
            "SDK-IDENTITIES": "an OAuth identity is linked and unlinked, and the last one stays",
            "SDK-ADDRESS": "an address is changed once the codes of both mails were given",
            "SDK-SIGN-OUT": "after the SDK's sign-out the refresh token is dead and calls say sign-in required",
        },
    ),
)

BY_ID: Final = MappingProxyType({requirement.id: requirement for requirement in REQUIREMENTS})
