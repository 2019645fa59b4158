"""From an environment in Supabase Auth's names to the provider's settings, and what is to be said about the rest.

Above: ``cli.identity``. Below: ``table``, ``names``, ``misspelt``, ``values``, ``config``. No value is ever repeated:
it may be a secret, or one under the wrong name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar  # fields of any type, by the table's names
from urllib.parse import urlsplit

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig, MailConfig, MfaPolicy, OAuthProvider, RateLimits, Secret, SmtpServer
from cadenza.identity.environment import misspelt
from cadenza.identity.environment.names import BARE_NAMES, KNOWN_NAMES, OAUTH_FIELDS, OAUTH_PROVIDERS, PREFIX
from cadenza.identity.environment.table import OAUTH_PRESETS, OAUTH_SETTINGS, VARIABLES
from cadenza.identity.environment.values import Rate, ValueRefusedError

_T = TypeVar("_T")
_OAUTH: Final = re.compile(rf"{PREFIX}EXTERNAL_([A-Z0-9_]+?)_({'|'.join(sorted(OAUTH_FIELDS, reverse=True))})")
#: Names of the same form that are no provider's.
_NOT_OAUTH: Final = frozenset({"EMAIL", "PHONE", "ANONYMOUS_USERS", "WEB3_SOLANA", "WEB3_ETHEREUM", "SAML"})
#: The only value of it is true.
ALWAYS_ROTATED: Final = f"{PREFIX}SECURITY_REFRESH_TOKENALWAYS_ROTATED_ENABLED"
#: RFC 7518 section 3.2, for HS256.
_LEAST_SECRET_BYTES: Final = 32
#: Below these Supabase Auth takes these, silently.
_LEAST: Final[Mapping[str, float]] = {
    "password_min_length": 6,
    "flow_lifetime_seconds": 300,
    "mfa.challenge_lifetime_seconds": 300,
}
_CODE_DIGITS: Final = range(6, 11)
_TAKEN: Final = frozenset(
    {name for variable in VARIABLES for name in (variable.name, variable.also) if name} | {ALWAYS_ROTATED}
)


@dataclass(frozen=True, kw_only=True)
class EnvironmentReading:
    """What was read.

    Attributes:
        settings: Fields of ``IdentityConfig``; the data folder is not among them.
        warnings: Sentences for the operator, one a variable.
        count: Variables that were taken.
    """

    settings: Mapping[str, Any]
    warnings: tuple[str, ...]
    count: int

    def config(self, **own: object) -> IdentityConfig:
        """The provider's settings; what is given here goes before what was read.

        Raises:
            ConfigurationError: They contradict each other.
        """
        try:
            return IdentityConfig(**{**self.settings, **own})
        except ConfigurationError as error:
            name = _variable_of(error.setting)
            if error.setting in own or not name:
                raise
            raise ConfigurationError(
                f"{name} was read, but: {error.message}", setting=name, next_step=error.next_step
            ) from None

    def __repr__(self) -> str:
        return f"<EnvironmentReading of {self.count} variables>"


def read_environment(environ: Mapping[str, str]) -> EnvironmentReading:
    """Read Supabase Auth's variables; others are none of its business, and empty ones count as left out.

    With at least one ``GOTRUE_*`` variable among them, what is left out is as Supabase Auth has it, so that one file
    configures either. With none the defaults are those of the embedded stack.

    Raises:
        ConfigurationError: A value is refused, or a ``GOTRUE_*`` name is nearly that of another.
    """
    given = {name: value for name, value in environ.items() if value.strip()}
    found = dict(_found(given))
    providers, about_providers = _providers(given)
    strangers = tuple(_strangers(given))
    if any(name.startswith(PREFIX) for name in given):
        found = {**_supabase_defaults(), **found}
    settings, about_values = _settings(found)
    if providers:
        settings["providers"] = providers
    _admit_own_names(settings)
    if given.get(ALWAYS_ROTATED) and not _read(ALWAYS_ROTATED, given[ALWAYS_ROTATED], OAUTH_SETTINGS["ENABLED"][1]):
        about_values = (*about_values, f"{ALWAYS_ROTATED}: refresh tokens are always rotated here.")
    taken = [name for name in given if name.startswith(PREFIX) or name in BARE_NAMES]
    return EnvironmentReading(
        settings=settings,
        warnings=(*about_values, *about_providers, *strangers),
        count=len(taken) - len(strangers),
    )


def _variable_of(setting: str | None) -> str:
    return next((variable.name for variable in VARIABLES if variable.setting == setting), "")


def _found(given: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    for variable in VARIABLES:
        # envconfig looks for the prefixed name first.
        name = next((name for name in (variable.also, variable.name) if name in given), None)
        if name is not None:
            yield variable.setting, _read(name, given[name], variable.read)


def _read(name: str, value: str, read: Callable[[str], _T]) -> _T:
    try:
        return read(value)
    except ValueRefusedError as refused:
        raise ConfigurationError(f"{name} {refused}.", setting=name, next_step="Correct it, or leave it out.") from None


def _supabase_defaults() -> dict[str, object]:
    return {variable.setting: variable.default for variable in VARIABLES if variable.default is not None}


def _settings(found: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields, the nested ones put into their objects."""
    found = {name: max(value, _LEAST[name]) if name in _LEAST else value for name, value in found.items()}
    warnings: list[str] = []
    fields = {name: value for name, value in found.items() if "." not in name}
    fields["mail"] = _mail(found)
    fields["mfa"] = MfaPolicy(**_part(found, "mfa"))
    fields["limits"] = _limits(found)
    secret = fields.get("shared_secret", Secret())
    if secret and len(secret.text.encode()) < _LEAST_SECRET_BYTES:
        warnings.append(
            f"{PREFIX}JWT_SECRET has less than {_LEAST_SECRET_BYTES} bytes: bearers signed with it are not believed."
        )
        del fields["shared_secret"]
    if not fields.pop("phone", False):
        fields.pop("test_otps", None)
    elif not fields.get("test_otps"):
        warnings.append(f"{PREFIX}EXTERNAL_PHONE_ENABLED: only numbers of {PREFIX}SMS_TEST_OTP can sign in here.")
    return fields, tuple(warnings)


def _part(found: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(f"{prefix}."): value for name, value in found.items() if name.startswith(f"{prefix}.")}


def _mail(found: Mapping[str, Any]) -> MailConfig:
    part = _part(found, "mail")
    fields = {name: value for name, value in part.items() if "." not in name}
    if fields.get("code_digits", _CODE_DIGITS.start) not in _CODE_DIGITS:
        del fields["code_digits"]
    smtp = _part(part, "smtp")
    if smtp.get("host"):
        fields["smtp"] = SmtpServer(**smtp)
    fields.update({name: _part(part, name) for name in ("subjects", "templates", "url_paths")})
    return MailConfig(**fields)


def _limits(found: Mapping[str, Any]) -> RateLimits:
    part = _part(found, "limits")
    emails = part.pop("emails", None)
    if isinstance(emails, Rate):
        part.update(emails_per_hour=emails.per_hour, emails_burst=emails.burst)
    if "otp_requests_per_five_minutes" in part:
        # One number there, for buckets of their own.
        part["sign_ups_per_five_minutes"] = part["otp_requests_per_five_minutes"]
    return RateLimits(**part)


def _admit_own_names(settings: dict[str, Any]) -> None:
    """Answer under the name the external URL gives this service; on loopback other names are refused."""
    try:
        host = urlsplit(settings.get("external_url", "")).hostname
    except ValueError:
        host = None
    if host:
        settings["allowed_hosts"] = (host,)


def _providers(given: Mapping[str, str]) -> tuple[tuple[OAuthProvider, ...], tuple[str, ...]]:
    by_name: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        provider, field = _oauth(name)
        if provider and field in OAUTH_SETTINGS:
            setting, read, _ = OAUTH_SETTINGS[field]
            by_name.setdefault(provider, {})[setting] = _read(name, value, read)
    made: list[OAuthProvider] = []
    warnings: list[str] = []
    for provider, fields in by_name.items():
        if not fields.pop("enabled", False):
            continue
        complaint = _incomplete(provider, fields)
        if complaint:
            warnings.append(complaint)
        else:
            made.append(OAuthProvider(name=provider.lower(), **fields))
    return tuple(made), tuple(warnings)


def _incomplete(provider: str, fields: Mapping[str, Any]) -> str:
    prefix = f"{PREFIX}EXTERNAL_{provider}"
    if not fields.get("client_id"):
        return f"{prefix}_ENABLED has no effect without {prefix}_CLIENT_ID."
    if provider in OAUTH_PROVIDERS and provider.lower() not in OAUTH_PRESETS:
        return f"{prefix}_ENABLED is not supported here and has no effect."
    if provider not in OAUTH_PROVIDERS and not fields.get("url"):
        return f"{prefix}_ENABLED has no effect without {prefix}_URL, the address of an OpenID issuer."
    return ""


def _oauth(name: str) -> tuple[str, str]:
    """The provider and the field of a variable, both empty when it is none of a provider's."""
    match = _OAUTH.fullmatch(name)
    if match is None or match[1] in _NOT_OAUTH:
        return "", ""
    return match[1], match[2]


def is_taken(name: str) -> bool:
    """Whether a variable has an effect here, or could have one."""
    provider, field = _oauth(name)
    if provider:
        return field in OAUTH_SETTINGS and (provider not in OAUTH_PROVIDERS or provider.lower() in OAUTH_PRESETS)
    return name in _TAKEN


def _strangers(given: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that is not taken.

    Raises:
        ConfigurationError: One is nearly a name that is known.
    """
    for name in sorted(given):
        provider, _ = _oauth(name)
        if provider and provider not in OAUTH_PROVIDERS:
            misspelt.refuse_provider(name, provider, is_one=f"{PREFIX}EXTERNAL_{provider}_ENABLED" in given)
        if is_taken(name) or _is_said_of_its_provider(name):
            continue
        if name in KNOWN_NAMES:
            yield f"{name} is not supported here and has no effect."
        elif name.startswith(PREFIX):
            misspelt.refuse_name(name)
            yield f"{name} is unknown to Supabase Auth and to this provider, and has no effect."
        else:
            misspelt.refuse_prefix(name)


def _is_said_of_its_provider(name: str) -> bool:
    """One warning a provider is enough: that of ``ENABLED``, if it is."""
    provider, field = _oauth(name)
    return bool(provider) and field in OAUTH_SETTINGS
