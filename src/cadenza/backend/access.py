"""Who may call a method and who may join a channel. The rules stand beside each in schema; this decides by them.

Above: ``router``, ``handlers``, ``services.guard``, and ``cadenza explain``, which shows what is decided here and why.
Below: schema, ``config``. Rights come from the verified token alone: its ``sub`` and, through the gateway, its
``meta``; nothing a caller writes in params can add to them.

The checks of a rule are made in one order, and the first that fails decides:

===========  =================  ===============================================================================
check        claim              fails
===========  =================  ===============================================================================
anonymous                       never: anyone may
user         ``sub``            nobody is signed in
client       ``meta.client_id`` the token was given to a third party's app that is not listed (row A6)
role         ``meta.role``      the user has none of the roles (``service`` counts as a role)
owner        ``sub``            the thing is somebody else's; of a method's params only its service can judge
aal2         ``meta.aal``       the operator demands a second factor, and the connection has not shown one
===========  =================  ===============================================================================
"""

import enum
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from cadenza.backend.config import AccessConfig
from cadenza.backend.ports import Caller, TokenMeta
from cadenza.schema.access import Access, Guarded
from cadenza.schema.channels import ParsedChannel
from cadenza.schema.codes import Code
from cadenza.schema.method import Method

__all__ = ["ANY_CLIENT", "Check", "Decision", "Gate", "Rule"]

P = TypeVar("P")
D = TypeVar("D")

#: In the list of OAuth clients: tokens of every one are taken, so that not even ``meta`` is asked for.
ANY_CLIENT = "*"
#: NIST SP 800-63's second level, as Supabase Auth names it.
_AAL2 = "aal2"


class Rule(enum.StrEnum):
    """What is checked, in this order."""

    ANONYMOUS = "anonymous"
    USER = "user"
    CLIENT = "client"
    ROLE = "role"
    SERVICE = "service"
    OWNER = "owner"
    AAL2 = "aal2"


class Check(msgspec.Struct, frozen=True):
    """One check, and how it went.

    Attributes:
        rule: What was checked.
        claim: The token's claim that it hangs on; empty where none does.
        wanted: What the claim should have been, in words.
        found: What it was; empty where there was none.
        passed: Whether it will do.
    """

    rule: Rule
    claim: str
    wanted: str
    found: str
    passed: bool


class Decision(msgspec.Struct, frozen=True):
    """Whether a caller may, and by which check.

    Attributes:
        checks: Those that were made, in order.
        refusal: The code of the refusal; None when the caller may.
        message: Why not, for the caller.
        mend: What has to be changed so that the caller may, for the operator.
    """

    checks: tuple[Check, ...]
    refusal: Code | None = None
    message: str = ""
    mend: str = ""

    @property
    def decided_by(self) -> Check:
        """The check that decided: the one that failed, or that of the thing's own rule."""
        passed = [check for check in self.checks if check.rule is not Rule.CLIENT]
        return self.checks[-1] if self.refusal is not None else passed[-1]


#: An enumeration's member is slow to look up on Python 3.11, and these two are in every decision.
_USER, _CLIENT = Rule.USER, Rule.CLIENT
_ANYONE = Decision((Check(Rule.ANONYMOUS, "", "anyone", "", passed=True),))


#: One check of a rule, made of a caller and what their token says.
_Make = Callable[[Caller, TokenMeta], Check]


class Gate:
    """Decides, for methods and channels alike.

    Args:
        config: What the operator lets in, and demands.
    """

    def __init__(self, config: AccessConfig) -> None:
        self._guarded = config.second_factor_for
        self._clients = config.oauth_clients
        self._any_client = ANY_CLIENT in config.oauth_clients
        # Which checks a method or a pattern of channels wants is found once: every call comes through here.
        self._plans: dict[object, tuple[_Make, ...]] = {}

    def call(self, method: Method[P, D], caller: Caller) -> Decision:
        """Whether this caller may call a method. Whose the thing in its params is, its service judges."""
        plan = self._plans.get(method)
        if plan is None:
            plan = self._plans[method] = tuple(self._plan(method.access, method.guarded, owned=True))
        return _decide(plan, caller)

    def join(self, channel: ParsedChannel, caller: Caller) -> Decision:
        """Whether this caller may join a channel. No trading account exists yet, so nobody owns one."""
        plan = self._plans.get(channel.pattern)
        if plan is None:
            plan = self._plans[channel.pattern] = tuple(self._plan(channel.access, None, owned=False))
        return _decide(plan, caller)

    def takes_client(self, client_id: str | None) -> bool:
        """Whether tokens given to an OAuth client are taken; without an id, the token is the project's own."""
        return not client_id or self._any_client or client_id in self._clients

    def _plan(self, access: Access, guarded: Guarded | None, *, owned: bool) -> Iterator[_Make]:
        if access is Access.ANONYMOUS:
            return
        yield _is_user
        yield self._is_client
        if access.roles:
            yield _has_role(Rule.SERVICE if access is Access.SERVICE else Rule.ROLE, access.roles)
        if access is Access.OWNER:
            yield _is_owner(owned=owned)
        if guarded in self._guarded:
            yield _has_second_factor

    def _is_client(self, _caller: Caller, meta: TokenMeta) -> Check:
        client_id = meta.client_id or ""
        if self._any_client:
            return Check(_CLIENT, "meta.client_id", "any", client_id, passed=True)
        if not meta.session_id:  # without the whole meta, nobody knows whose app the token was given to
            return Check(_CLIENT, "meta", "a whole meta", "", passed=False)
        wanted = "none, or a listed one"
        return Check(_CLIENT, "meta.client_id", wanted, client_id, passed=self.takes_client(client_id))


def _decide(plan: tuple[_Make, ...], caller: Caller) -> Decision:
    if not plan:
        return _ANYONE
    meta = caller.token_meta
    checks: list[Check] = []
    for make in plan:
        check = make(caller, meta)
        checks.append(check)
        if not check.passed:
            return Decision(tuple(checks), *_WORDS[check.rule](check, caller))
    return Decision(tuple(checks))


def _is_user(caller: Caller, _meta: TokenMeta) -> Check:
    return Check(_USER, "sub", "a user", caller.user, passed=bool(caller.user))


def _has_role(rule: Rule, roles: tuple[str, ...]) -> _Make:
    wanted = " or ".join(roles)
    return lambda _, meta: Check(rule, "meta.role", wanted, meta.role or "", passed=meta.role in roles)


def _is_owner(*, owned: bool) -> _Make:
    return lambda caller, _: Check(Rule.OWNER, "sub", "the owner", caller.user, passed=owned)


def _has_second_factor(caller: Caller, meta: TokenMeta) -> Check:
    level = caller.raised or meta.aal
    return Check(Rule.AAL2, "meta.aal", _AAL2, level, passed=level == _AAL2)


class _Refusal(NamedTuple):
    """The words of one, put together only when they are needed."""

    code: Code
    message: str
    mend: str


def _no_user(_check: Check, _caller: Caller) -> _Refusal:
    return _Refusal(Code.SIGN_IN_REQUIRED, "Sign in first.", "Sign in: cadenza login.")


def _strange_client(check: Check, _caller: Caller) -> _Refusal:
    if check.claim == "meta":
        return _Refusal(
            code=Code.ACCESS_DENIED,
            message="This connection's token does not say of which session and app it is: it has no whole meta claim.",
            mend="Install the access-token hook at the provider (cadenza identity hook-sql), set "
            "include_connection_meta at the gateway, and have the session refreshed. Or take the tokens of any app: "
            "CADENZA_OAUTH_CLIENTS=*.",
        )
    return _Refusal(
        code=Code.ACCESS_DENIED,
        message="This token was given to another app, which may not act here.",
        mend="If the app is trusted, list its client_id in CADENZA_OAUTH_CLIENTS and start the backend anew.",
    )


def _wrong_role(check: Check, caller: Caller) -> _Refusal:
    return _Refusal(
        code=Code.ACCESS_DENIED,
        message=f"This is for role {check.wanted}.",
        mend=f"Set app_metadata.role to {check.wanted} at the provider (PUT /admin/users/{caller.user}, with a service "
        "key), and have the session refreshed: the new token has it.",
    )


def _not_owner(_check: Check, _caller: Caller) -> _Refusal:
    return _Refusal(
        code=Code.ACCESS_DENIED,
        message="This is for its owner.",
        mend="Nothing helps: no trading account exists in this version, so nobody owns one.",
    )


def _one_factor(_check: Check, _caller: Caller) -> _Refusal:
    return _Refusal(
        code=Code.SECOND_FACTOR_REQUIRED,
        message="This wants a second factor (aal2).",
        mend="Prove a second factor on this connection: connect(second_factor=...) or api.auth.mfa.verify in the SDK; "
        "cadenza call asks for the code at a terminal.",
    )


_WORDS: Mapping[Rule, Callable[[Check, Caller], _Refusal]] = {
    Rule.USER: _no_user,
    Rule.CLIENT: _strange_client,
    Rule.ROLE: _wrong_role,
    Rule.SERVICE: _wrong_role,
    Rule.OWNER: _not_owner,
    Rule.AAL2: _one_factor,
}
