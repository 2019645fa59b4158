"""Subjects and texts of mails: Supabase Auth's own, or templates of the user's, with the values put in.

The templates are Go's: ``{{ .ConfirmationURL }}``, ``.Token``, ``.TokenHash``, ``.SiteURL``, ``.Email``, ``.NewEmail``,
``.SendingTo``, ``.RedirectTo``, ``.Data.x``. Values alone: a template with conditions or loops is not taken, and says
so in the log; the mail goes out with Supabase Auth's own text, as it does there when a template cannot be loaded.

Above: ``composing``. Below: files, and httpx where a template has an address.
"""

from __future__ import annotations

import asyncio
import html
import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from cadenza.identity.config import MailConfig
from cadenza.identity.mails.letters import MailKind

_LOG: Final = logging.getLogger(__name__)

_ACTION: Final = re.compile(r"(\s*)\{\{(-?)\s*(.*?)\s*(-?)\}\}(\s*)", re.DOTALL)
_VALUE: Final = re.compile(r"(?:\.[A-Za-z_]\w*)+")
_LONGEST_TEMPLATE_BYTES: Final = 262_144
_FETCH_SECONDS: Final = 5.0
#: A template with an address is asked for again after so long; a file is read each time.
_FETCHED_KEPT_SECONDS: Final = 60.0

DEFAULT_SUBJECTS: Final[Mapping[MailKind, str]] = {
    MailKind.INVITE: "You've been invited",
    MailKind.CONFIRMATION: "Confirm your email address",
    MailKind.RECOVERY: "Reset your password",
    MailKind.MAGIC_LINK: "Your sign-in link",
    MailKind.EMAIL_CHANGE: "Confirm your new email address",
    MailKind.REAUTHENTICATION: "{{ .Token }} is your verification code",
}

_LINK_TEXT: Final = """<h2>{title}</h2>

<p>{sentence}</p>
<p><a href="{{{{ .ConfirmationURL }}}}">{action}</a></p>
{ending}"""
_NOT_YOURS: Final = "<p>If you didn't request this, you can safely ignore this email.</p>\n"


def _linked(title: str, sentence: str, action: str, ending: str = "") -> str:
    return _LINK_TEXT.format(title=title, sentence=sentence, action=action, ending=ending)


DEFAULT_TEXTS: Final[Mapping[MailKind, str]] = {
    MailKind.INVITE: _linked(
        "You've been invited",
        "You've been invited to create an account. Follow the link below to accept.",
        "Accept invitation",
    ),
    MailKind.CONFIRMATION: _linked(
        "Confirm your email address",
        "Follow the link below to confirm this email address and finish signing up.",
        "Confirm email address",
    ),
    MailKind.RECOVERY: _linked(
        "Reset your password",
        "We received a request to reset your password. Follow the link below to choose a new one.",
        "Reset password",
        _NOT_YOURS,
    ),
    MailKind.MAGIC_LINK: _linked(
        "Your sign-in link",
        "Follow the link below to sign in. This link expires shortly and can only be used once.",
        "Sign in",
    ),
    MailKind.EMAIL_CHANGE: _linked(
        "Confirm your new email address",
        "Follow the link below to confirm {{ .NewEmail }} as your new email address.",
        "Confirm new email address",
        _NOT_YOURS,
    ),
    MailKind.REAUTHENTICATION: """<h2>Your verification code</h2>

<p>Use the code below to verify your identity. It expires shortly.</p>
<p>{{ .Token }}</p>
""",
}


class TemplateError(ValueError):
    """A template that cannot be used; the message says why and holds no value."""


class Templates:
    """Finds subject and text of a kind of mail.

    Args:
        config: Which are the user's own.
        monotonic: Seconds.
    """

    def __init__(self, config: MailConfig, *, monotonic: Callable[[], float]) -> None:
        self._subjects = config.subjects
        self._sources = config.templates
        self._monotonic = monotonic
        self._fetched: dict[str, tuple[float, str]] = {}

    async def render(self, kind: MailKind, values: Mapping[str, object]) -> tuple[str, str]:
        """Subject and HTML, with the values in."""
        return self._subject(kind, values), await self._text(kind, values)

    def _subject(self, kind: MailKind, values: Mapping[str, object]) -> str:
        own = self._subjects.get(kind.value)
        if own:
            try:
                return fill(own, values, escape=str)
            except TemplateError as error:
                _LOG.warning("the subject of %s mails is not used: %s", kind.value, error)
        return fill(DEFAULT_SUBJECTS[kind], values, escape=str)

    async def _text(self, kind: MailKind, values: Mapping[str, object]) -> str:
        source = self._sources.get(kind.value)
        if source:
            try:
                return fill(await self._load(source), values, escape=html.escape)
            except (TemplateError, OSError, UnicodeDecodeError) as error:
                _LOG.warning("the template of %s mails is not used: %s", kind.value, error)
        return fill(DEFAULT_TEXTS[kind], values, escape=html.escape)

    async def _load(self, source: str) -> str:
        if not source.startswith(("http://", "https://")):
            return await asyncio.to_thread(_read, Path(source.removeprefix("file://")))
        kept = self._fetched.get(source)
        if kept is None or self._monotonic() - kept[0] > _FETCHED_KEPT_SECONDS:
            kept = self._fetched[source] = (self._monotonic(), await _fetch(source))
        return kept[1]


def fill(template: str, values: Mapping[str, object], *, escape: Callable[[str], str]) -> str:
    """Put values into a template.

    Raises:
        TemplateError: It holds something else than values.
    """

    def put(action: re.Match[str]) -> str:
        before, trims_before, expression, trims_after, after = action.groups()
        if _VALUE.fullmatch(expression) is None:
            raise TemplateError(
                f"it holds {{{{ {expression[:40]} }}}}, and only values like {{{{ .Token }}}} are put in"
            )
        value = escape(_shown(_find(expression, values)))
        return f"{'' if trims_before else before}{value}{'' if trims_after else after}"

    return _ACTION.sub(put, template)


def _find(expression: str, values: Mapping[str, object]) -> object:
    found: object = values
    for name in expression[1:].split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _shown(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return _bounded(file.read(_LONGEST_TEMPLATE_BYTES + 1))


async def _fetch(source: str) -> str:
    import httpx

    try:
        async with httpx.AsyncClient(timeout=_FETCH_SECONDS, follow_redirects=False) as http:
            answer = await http.get(source)
    except httpx.HTTPError as error:
        raise TemplateError(f"its address cannot be reached ({type(error).__name__})") from None
    if answer.status_code != 200:  # noqa: PLR2004 - HTTP's OK
        raise TemplateError(f"its address answers {answer.status_code}")
    return _bounded(answer.content)


def _bounded(text: bytes) -> str:
    if len(text) > _LONGEST_TEMPLATE_BYTES:
        raise TemplateError(f"it is longer than {_LONGEST_TEMPLATE_BYTES} bytes")
    return text.decode()
