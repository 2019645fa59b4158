"""``cadenza explain``: which rule and which claim decide whether somebody may call a method or join a channel.

Above: ``cli.app``. Below: ``backend.access``, the very function that decides; ``cli.callers`` says for whom.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from cadenza.cli.exits import Exit
from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE

if TYPE_CHECKING:
    from cadenza.backend.access import Check, Decision
    from cadenza.backend.config import AccessConfig
    from cadenza.cli.callers import Described

__all__ = ["register"]


class _Explained(NamedTuple):
    """What was asked, and what came of it."""

    name: str
    kind: str
    access: str
    rule: str
    who: Described
    config: AccessConfig
    decision: Decision


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "explain",
        epilog=examples(
            "cadenza explain command.trade_order.submit",
            "cadenza explain market:ticker:PAPER --as anonymous",
            "cadenza explain command.instrument.sync --claim role=service",
            "cadenza explain command.credential.create --as - < token.txt",
        ),
    )(explain)


def explain(
    target: Annotated[str, typer.Argument(metavar="METHOD|CHANNEL", help="A method's name, or a channel's.")],
    *,
    whom: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="USER",
            help="me (the stored session), anonymous, - (a token on stdin), or any user's id, described by --claim. "
            "[default: me, or somebody where there is a --claim]",
        ),
    ] = "",
    claim: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Of meta: role=admin, aal=aal2, client_id=... Once for each."),
    ] = None,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Say whether a user may call a method or join a channel, which rule and which claim decide, and what mends it.

    It asks the backend's own rules, with CADENZA_SECOND_FACTOR_FOR and CADENZA_OAUTH_CLIENTS as this environment has
    them. A token's signature is not checked. Ends as the call would: 0 when it may, 3 when it has to sign in, 4 when it
    is refused.
    """
    from cadenza.cli.callers import described
    from cadenza.cli.loops import server_part

    who = described(whom, claim or (), profile)
    explained = server_part(lambda: _decide(target, who))
    if as_json:
        _show_json(explained)
    else:
        _show(explained)
    if explained.decision.refusal is not None:
        raise typer.Exit(Exit.REFUSED if who.user else Exit.SIGN_IN_REQUIRED)


def _decide(target: str, who: Described) -> _Explained:
    import msgspec

    from cadenza.backend.access import Gate
    from cadenza.backend.config import AccessConfig
    from cadenza.backend.ports import Caller
    from cadenza.client.settings import read_environment
    from cadenza.schema.channels import CHANNELS, parse_channel
    from cadenza.schema.methods import METHODS
    from cadenza.stack.settings import access_settings

    read_environment(os.environ)  # a misspelt setting would explain another backend than there is
    config = AccessConfig(**access_settings(os.environ))
    gate, caller = Gate(config), Caller(user=who.user, meta=b"" if who.meta is None else msgspec.json.encode(who.meta))
    method = METHODS.get(target)
    if method is not None:
        access, decision = method.access, gate.call(method, caller)
    else:
        # A pattern stands for any channel of it.
        examples_of = {pattern.pattern: pattern.example for pattern in CHANNELS}
        channel = parse_channel(examples_of.get(target, target))
        if channel is None:
            raise _unknown(target, (*METHODS, *examples_of))
        access, decision = channel.access, gate.join(channel, caller)
    kind = "channel" if method is None else "method"
    return _Explained(target, kind, access.name.lower(), access.value, who, config, decision)


def _unknown(target: str, known: Sequence[str]) -> Exception:
    from cadenza.cli.suggest import did_you_mean
    from cadenza.errors import ValidationError

    step = did_you_mean(target, known, otherwise="cadenza methods and cadenza channels list them all.")
    return ValidationError(f"There is no method {target!r}, and no channel is spelt like that.", next_step=step)


def _show(explained: _Explained) -> None:
    from cadenza.cli.colours import Style
    from cadenza.cli.output import note, say, show_pairs, show_table

    decision, by = explained.decision, explained.decision.decided_by
    verdict = "yes" if decision.refusal is None else f"no, {_code(explained)}: {decision.message}"
    pairs = {
        explained.kind.capitalize(): explained.name,
        "Rule": f"{explained.access}: {explained.rule}",
        "For": f"{explained.who.user or 'anybody'}, {explained.who.source}",
        "May": verdict,
        "Decided by": f"{by.rule}{f', by the claim {by.claim}' if by.claim else ''}",
        "Settings": f"second factor for {_listed(explained.config.second_factor_for)}; "
        f"OAuth clients: {_listed(explained.config.oauth_clients)}",
    }
    if decision.mend:
        pairs["To mend it"] = decision.mend
    show_pairs(pairs, strong={"May"})
    say("")
    rows = [_row(check) for check in decision.checks]
    show_table(("CHECK", "CLAIM", "WANTED", "FOUND", "RESULT"), rows, styles={"CHECK": Style.STRONG})
    for line in (*explained.who.notes, *_notes(explained)):
        note(f"Note: {line}")


def _code(explained: _Explained) -> int | None:
    """The code that the caller gets: the contract's for a method, the gateway's for a channel."""
    from cadenza.protocol.codes import ErrorCode

    refusal = explained.decision.refusal
    if refusal is None:
        return None
    return refusal.value if explained.kind == "method" else ErrorCode.PERMISSION_DENIED.value


def _listed(words: Collection[str]) -> str:
    return ", ".join(sorted(words)) or "none"


def _row(check: Check) -> tuple[str, ...]:
    return check.rule, check.claim or "-", check.wanted, check.found or "-", "good" if check.passed else "refused"


def _notes(explained: _Explained) -> Iterator[str]:
    from cadenza.backend.access import Rule

    rules = {check.rule: check for check in explained.decision.checks}
    if explained.kind == "method" and Rule.OWNER in rules:
        yield "Whose the thing in the parameters is, the method's service judges when it is called."
    if Rule.AAL2 in rules and not rules[Rule.AAL2].passed:
        yield "A connection that was raised by command.auth.stepup may: a token alone does not show that."


def _show_json(explained: _Explained) -> None:
    from cadenza.cli.output import json_text, say

    decision, who, config = explained.decision, explained.who, explained.config
    code = _code(explained)
    say(
        json_text(
            {
                explained.kind: explained.name,
                "access": explained.access,
                "as": {"user": who.user, "source": who.source, "meta": who.meta},
                "settings": {
                    "secondFactorFor": sorted(config.second_factor_for),
                    "oauthClients": sorted(config.oauth_clients),
                },
                "allowed": code is None,
                "decidedBy": _described(decision.decided_by),
                **({} if code is None else {"code": code, "message": decision.message, "nextStep": decision.mend}),
                "checks": [_described(check) for check in decision.checks],
                "notes": [*who.notes, *_notes(explained)],
            }
        )
    )


def _described(check: Check) -> dict[str, object]:
    return {
        "rule": check.rule,
        "claim": check.claim or None,
        "wanted": check.wanted,
        "found": check.found or None,
        "passed": check.passed,
    }
