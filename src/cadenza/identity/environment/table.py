"""Supabase Auth's variables that this provider takes: the name, the setting it fills, how its text is read.

The one list: ``reading`` follows it, and the reference page is generated from it.

Above: ``reading``, ``tools/environment_page.py``. Below: ``values``, ``names``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cadenza.identity.environment import values
from cadenza.identity.environment.names import MAIL_KINDS, PREFIX


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One of them.

    Attributes:
        name: As Supabase Auth has it.
        also: Another name for the same.
        setting: The field of ``IdentityConfig`` it fills, with dots into its parts. ``reading`` resolves those that
            begin with ``mail.smtp`` or hold a key of a mapping.
        read: Its text to the field's value.
        meaning: For the manual.
        default: What it is when the variable is left out and others of Supabase Auth's are given; ``None``: as it is
            in ``IdentityConfig``, which is the same there.
    """

    name: str
    setting: str
    read: Callable[[str], object]
    meaning: str
    default: object = None
    also: str = ""


def _named(name: str, setting: str, read: Callable[[str], object], meaning: str, default: object = None) -> Variable:
    return Variable(name=f"{PREFIX}{name}", setting=setting, read=read, meaning=meaning, default=default)


_ADDRESSES: Final = (
    Variable(
        name="API_EXTERNAL_URL",
        also="GOTRUE_API_API_EXTERNAL_URL",
        setting="external_url",
        read=values.text,
        meaning="This service's address as clients see it",
    ),
    Variable(name="PORT", also="GOTRUE_API_PORT", setting="port", read=values.whole_number, meaning="TCP port"),
    _named("API_HOST", "host", values.text, "Address to listen on; here 127.0.0.1 when left out"),
    _named("SITE_URL", "site_url", values.text, "Where mails and sign-ins lead when nothing allowed was asked for"),
    _named("URI_ALLOW_LIST", "uri_allow_list", values.words, "Further addresses they may lead to, as patterns"),
    _named("CORS_ALLOWED_HEADERS", "allowed_headers", values.word_set, "Further headers that pages may send"),
)
_TOKENS: Final = (
    _named("JWT_KEYS", "given_keys", values.key_set, "Private keys; without it they are made in the data folder"),
    _named("JWT_SECRET", "shared_secret", values.secret, "Believed of bearers; never used to sign here"),
    _named("JWT_EXP", "access_token_lifetime_seconds", values.whole_number, "Lifetime of an access token, in seconds"),
    _named("JWT_AUD", "audience", values.text, "Audience of tokens and users"),
    _named("JWT_ISSUER", "issuer", values.text, "Issuer of tokens; the external URL when left out"),
    _named("JWT_ADMIN_ROLES", "admin_roles", values.word_set, "Roles that may use `/admin`"),
    _named("JWT_DEFAULT_GROUP_NAME", "default_role", values.text, "Role of new users"),
    _named(
        "OAUTH_SERVER_ENABLED",
        "oauth_server",
        values.yes_or_no,
        "Third-party applications can be administered; signing in for them is not served",
    ),
    _named("SESSIONS_TIMEBOX", "session_lifetime_seconds", values.seconds, "A session ends after this"),
    _named("SESSIONS_INACTIVITY_TIMEOUT", "session_inactivity_seconds", values.seconds, "Or unused for so long"),
    _named("SESSIONS_SINGLE_PER_USER", "single_session_per_user", values.yes_or_no, "A sign-in ends the others"),
    _named(
        "SECURITY_REFRESH_TOKEN_REUSE_INTERVAL",
        "refresh_token_reuse_interval_seconds",
        values.whole_number,
        "A used refresh token still works for so many seconds",
        default=0,
    ),
)
_WAYS_IN: Final = (
    _named("DISABLE_SIGNUP", "disable_sign_up", values.yes_or_no, "Refuse new users"),
    _named("EXTERNAL_EMAIL_ENABLED", "email_sign_in", values.yes_or_no, "Sign in with an address"),
    _named(
        "EXTERNAL_ANONYMOUS_USERS_ENABLED",
        "anonymous_users",
        values.yes_or_no,
        "Sign in without",
        default=False,
    ),
    _named("EXTERNAL_PHONE_ENABLED", "phone", values.yes_or_no, "Sign in with a number of the test codes"),
    _named("SMS_AUTOCONFIRM", "phone_autoconfirm", values.yes_or_no, "New numbers need no confirmation"),
    _named("SMS_TEST_OTP", "test_otps", values.phone_codes, "Numbers and the codes that work for them"),
    _named(
        "SECURITY_MANUAL_LINKING_ENABLED",
        "manual_linking",
        values.yes_or_no,
        "Users may add and remove ways in",
        default=False,
    ),
    _named(
        "SECURITY_UPDATE_PASSWORD_REQUIRE_REAUTHENTICATION",
        "password_change_needs_reauthentication",
        values.yes_or_no,
        "A password is changed with a code from a mail, unless the session is young",
    ),
    _named("PASSWORD_MIN_LENGTH", "password_min_length", values.whole_number, "At least 6", default=6),
    _named(
        "PASSWORD_REQUIRED_CHARACTERS",
        "password_required_characters",
        values.character_sets,
        "A password needs one of each of these sets, which colons separate",
    ),
    _named("EXTERNAL_FLOW_STATE_EXPIRY_DURATION", "flow_lifetime_seconds", values.seconds, "At least 300s"),
    _named("MFA_TOTP_ENROLL_ENABLED", "mfa.totp_enroll", values.yes_or_no, "Second factors can be added"),
    _named("MFA_TOTP_VERIFY_ENABLED", "mfa.totp_verify", values.yes_or_no, "Second factors can be used"),
    _named("MFA_MAX_ENROLLED_FACTORS", "mfa.most_factors", values.whole_number, "Of one user"),
    _named(
        "MFA_CHALLENGE_EXPIRY_DURATION",
        "mfa.challenge_lifetime_seconds",
        values.number,
        "Seconds to answer a challenge, at least 300",
    ),
)
_MAILS: Final = (
    _named("MAILER_AUTOCONFIRM", "autoconfirm", values.yes_or_no, "New addresses need no confirmation", default=False),
    _named("MAILER_OTP_EXP", "mail.code_lifetime_seconds", values.whole_number, "Life of a link or code", 86_400),
    _named("MAILER_OTP_LENGTH", "mail.code_digits", values.whole_number, "Digits of a code, 6 to 10"),
    _named(
        "MAILER_SECURE_EMAIL_CHANGE_ENABLED",
        "mail.secure_email_change",
        values.yes_or_no,
        "Both addresses confirm a change",
    ),
    _named("SMTP_HOST", "mail.smtp.host", values.text, "Who carries mails; left out, they stay in the inbox"),
    _named("SMTP_PORT", "mail.smtp.port", values.whole_number, "465 speaks TLS at once"),
    _named("SMTP_USER", "mail.smtp.user", values.text, "Who signs in there"),
    _named("SMTP_PASS", "mail.smtp.password", values.text, "And with what"),
    _named("SMTP_ADMIN_EMAIL", "mail.smtp.sender", values.text, "Who mails are from"),
    _named("SMTP_SENDER_NAME", "mail.smtp.sender_name", values.text, "And that one's name"),
    _named("SMTP_MAX_FREQUENCY", "mail.interval_seconds", values.seconds, "Between two mails to one user"),
    *(
        _named(f"MAILER_SUBJECTS_{kind}", f"mail.subjects.{kind.lower()}", values.text, "Subject of that mail")
        for kind in MAIL_KINDS
    ),
    *(
        _named(f"MAILER_TEMPLATES_{kind}", f"mail.templates.{kind.lower()}", values.text, "Where its template stands")
        for kind in MAIL_KINDS
    ),
    *(
        _named(f"MAILER_URLPATHS_{kind}", f"mail.url_paths.{kind.lower()}", values.text, "Path of its link")
        for kind in ("CONFIRMATION", "EMAIL_CHANGE", "INVITE", "RECOVERY")
    ),
)
_LIMITS: Final = (
    _named("RATE_LIMIT_HEADER", "address_header", values.text, "Header whose first value is the caller's address"),
    _named("RATE_LIMIT_TOKEN_REFRESH", "limits.token_requests_per_five_minutes", values.number, "`/token`"),
    _named("RATE_LIMIT_OTP", "limits.otp_requests_per_five_minutes", values.number, "`/otp`, `/signup` and the like"),
    _named("RATE_LIMIT_VERIFY", "limits.verifications_per_five_minutes", values.number, "`/verify`"),
    _named("RATE_LIMIT_ANONYMOUS_USERS", "limits.anonymous_sign_ups_per_hour", values.number, "An hour"),
    _named("RATE_LIMIT_EMAIL_SENT", "limits.emails", values.rate, "Mails an hour, or `events/duration`"),
    _named("MFA_RATE_LIMIT_CHALLENGE_AND_VERIFY", "limits.factor_requests_per_minute", values.number, "A minute"),
)

#: By headings of the manual.
GROUPS: Final[Mapping[str, tuple[Variable, ...]]] = {
    "Addresses": _ADDRESSES,
    "Tokens and sessions": _TOKENS,
    "Ways in": _WAYS_IN,
    "Mails": _MAILS,
    "Limits": _LIMITS,
}
VARIABLES: Final = tuple(variable for group in GROUPS.values() for variable in group)

#: ``GOTRUE_EXTERNAL_<PROVIDER>_<field>``: the fields of ``OAuthProvider``, and whether it is one at all.
OAUTH_SETTINGS: Final[Mapping[str, tuple[str, Callable[[str], object], str]]] = {
    "ENABLED": ("enabled", values.yes_or_no, "It can be used"),
    "CLIENT_ID": ("client_id", values.text, "Ours there; several with commas are audiences of ID tokens"),
    "SECRET": ("client_secret", values.text, "Ours there"),
    "URL": ("url", values.text, "The OpenID issuer, or the root of one that is self-hosted"),
    "REDIRECT_URI": ("redirect_uri", values.text, "What it has on file; `<external URL>/callback` when left out"),
    "SKIP_NONCE_CHECK": ("skip_nonce_check", values.yes_or_no, "Believe ID tokens without a nonce of ours"),
    "EMAIL_OPTIONAL": ("email_optional", values.yes_or_no, "Take users without an address"),
}
#: Those that need no URL (Keycloak, GitLab and Azure take one of their own).
OAUTH_PRESETS: Final = ("google", "github", "gitlab", "azure", "apple", "discord", "keycloak")
