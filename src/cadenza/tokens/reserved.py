"""Claims that Centrifugo gives a meaning to, and what goes wrong with one that was not meant so (row A10).

Above: ``cli.token_inspect``, ``cli.explain``. Below: ``claims``. Sources: ``reference/centrifugo.md``, and Centrifugo's
``internal/jwtverify/token_verifier_jwt.go`` for what it does with each.
"""

import msgspec

from cadenza.tokens.claims import Claims

__all__ = ["Finding", "lint"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a claim.

    Attributes:
        claim: Which one.
        message: What follows from it.
        next_step: What to change.
        is_fatal: Whether no connection comes about with such a token.
    """

    claim: str
    message: str
    next_step: str
    is_fatal: bool = False


class _Meta(msgspec.Struct, frozen=True):
    session_id: str = ""
    role: str = ""
    aal: str = ""
    client_id: str | None = None


_meta = msgspec.json.Decoder(_Meta)


def lint(claims: Claims) -> tuple[Finding, ...]:
    """What is wrong with a token's reserved claims, the worst first; nothing for those of Cadenza's own hook."""
    return (*_channel(claims), *_meta_claim(claims), *_subscriptions(claims), *_shown(claims), *_end(claims))


def _channel(claims: Claims) -> list[Finding]:
    if not claims.channel:
        return []
    return [
        Finding(
            claim="channel",
            message="The gateway takes it for a subscription token and refuses every connection with it (3500).",
            next_step="Give the claim another name in the access-token hook.",
            is_fatal=True,
        )
    ]


def _meta_claim(claims: Claims) -> list[Finding]:
    hook = "Install the access-token hook (cadenza identity hook-sql), or pass your own hook's claims through it."
    if not claims.meta:
        message = "There is no meta, so the backend knows neither session nor role nor app, and refuses the caller."
        return [Finding(claim="meta", message=message, next_step=hook)]
    try:
        meta = _meta.decode(claims.meta)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [Finding(claim="meta", message="The backend cannot read it, and takes it for absent.", next_step=hook)]
    found = []
    absent = [name for name in ("session_id", "role", "aal") if not getattr(meta, name)]
    if absent:
        message = f"It is not whole: {', '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing."
        found.append(Finding(claim="meta", message=message, next_step=hook))
    for name in ("session_id", "aal"):
        said, meant = getattr(meta, name), getattr(claims, name)
        if said and meant and said != meant:
            message = f"Its {name} is not the token's own {name}."
            found.append(Finding(claim="meta", message=message, next_step=hook))
    if claims.client_id and meta.client_id != claims.client_id:  # A6
        message = "It does not say to whose app the token was given (client_id), so a third party's passes for yours."
        found.append(Finding(claim="meta", message=message, next_step=hook))
    return found


def _subscriptions(claims: Claims) -> list[Finding]:
    found = []
    if claims.subs and claims.channels:
        message = "Where there are subs, the gateway reads no channels: the session cannot be ended."
        step = "Use one of the two: put the session's channel into subs, or leave subs out."
        found.append(Finding(claim="subs", message=message, next_step=step))
    own = f"session:{claims.session_id}"
    if any(channel.startswith("session:") and channel != own for channel in claims.channels or ()):
        message = "It names another session's channel: ending that one would close this one's sockets."
        step = "Name the token's own session, as Cadenza's hook does."
        found.append(Finding(claim="channels", message=message, next_step=step))
    return found


def _shown(claims: Claims) -> list[Finding]:
    present = {"info": bool(claims.info), "b64info": bool(claims.b64info)}
    return [
        Finding(
            claim=name,
            message="Everybody who sees a channel's presence, joins or leaves is shown it.",
            next_step="Keep personal data out of it, or give the claim another name.",
        )
        for name, is_there in present.items()
        if is_there
    ]


def _end(claims: Claims) -> list[Finding]:
    if claims.expire_at is None:
        return []
    ends = "never ends" if claims.expire_at <= 0 else "ends then"
    return [
        Finding(
            claim="expire_at",
            message=f"The gateway takes it in place of exp: the connection {ends}, whatever exp says.",
            next_step="Leave it out, or give the claim another name.",
        )
    ]
