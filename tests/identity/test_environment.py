"""Supabase Auth's own environment configures this provider; what it cannot take is said, a misspelling refused."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig, RateLimits
from cadenza.identity.environment import EnvironmentReading, read_env_file, read_environment, values
from cadenza.identity.environment.dotenv import parse_env
from cadenza.identity.environment.names import KNOWN_NAMES
from cadenza.identity.environment.table import OAUTH_PRESETS, OAUTH_SETTINGS, VARIABLES
from cadenza.identity.providers import PRESETS
from cadenza.tokens.signer import SigningKey

RECORDED = Path(__file__).resolve().parents[1] / "data" / "identity" / "supabase-auth-config"
SECRET = "not to be seen anywhere, whatever happens"


def recorded(setup: str) -> dict[str, str]:
    """A configuration of the recordings, with a key set of this run."""
    environ = read_env_file(RECORDED / f"gotrue-{setup}.env")
    if environ.get("GOTRUE_JWT_KEYS") == "@TEST_JWT_KEYS@":
        keys = [
            SigningKey.generate("RS256", kid="signs").private_jwk(),
            {**SigningKey.generate("HS256", kid="verifies").private_jwk(), "key_ops": ["verify"]},
        ]
        environ["GOTRUE_JWT_KEYS"] = json.dumps(keys)
    return environ


def config_of(environ: dict[str, str], tmp_path: Path) -> IdentityConfig:
    return read_environment(environ).config(data_dir=tmp_path / "data")


def read(**gotrue: str) -> EnvironmentReading:
    return read_environment({f"GOTRUE_{name}": value for name, value in gotrue.items()})


@pytest.mark.parametrize("setup", ["G1", "G2", "G3", "G4"])
def test_the_configurations_of_the_recordings_configure_this_provider(setup: str, tmp_path: Path) -> None:
    environ = recorded(setup)
    config = config_of(environ, tmp_path)

    assert config.port == int(environ["PORT"])
    assert config.base_url == config.token_issuer == environ["API_EXTERNAL_URL"]
    assert config.site_url == "http://127.0.0.1:3000"
    assert config.uri_allow_list == ("http://127.0.0.1:3000/**",)
    assert config.admin_roles == {"service_role", "supabase_admin"}
    assert config.password_min_length == 8
    assert config.mail.smtp is not None
    assert (config.mail.smtp.port, config.mail.smtp.sender) == (18525, "admin@example.com")
    (keycloak,) = config.providers
    assert (keycloak.name, keycloak.client_id, keycloak.url) == ("keycloak", "kc-client", "http://127.0.0.1:18611")
    assert keycloak.redirect_uri == environ["API_EXTERNAL_URL"] + "/callback"


def test_what_sets_the_recordings_apart_is_read(tmp_path: Path) -> None:
    first, second, third, fourth = (config_of(recorded(f"G{number}"), tmp_path) for number in range(1, 5))

    assert (first.autoconfirm, first.refresh_token_reuse_interval_seconds) == (True, 2)
    assert first.test_otps == {"15555550100": "123456", "15555550101": "654321"}
    assert (second.autoconfirm, second.password_change_needs_reauthentication) == (False, True)
    assert second.password_required_characters == ("abcdefghijklmnopqrstuvwxyz", "0123456789")
    assert second.mail.interval_seconds == 1
    assert second.mail.templates["magic_link"] == "http://127.0.0.1:18611/tpl/magic_link.html"
    assert (third.access_token_lifetime_seconds, third.session_lifetime_seconds) == (3, 4)
    assert third.given_keys is not None
    assert third.limits.otp_requests_per_five_minutes == third.limits.sign_ups_per_five_minutes == 2
    assert (third.limits.emails_per_hour, third.limits.emails_burst) == (1, 2)
    assert (fourth.disable_sign_up, fourth.anonymous_users, fourth.manual_linking) == (True, False, False)
    assert (fourth.mfa.totp_enroll, fourth.mfa.totp_verify, fourth.test_otps) == (False, True, {})


def test_what_is_left_out_is_as_supabase_auth_has_it(tmp_path: Path) -> None:
    config = read(SITE_URL="https://app.example").config(data_dir=tmp_path)

    assert (config.autoconfirm, config.anonymous_users, config.manual_linking) == (False, False, False)
    assert (config.password_min_length, config.refresh_token_reuse_interval_seconds) == (6, 0)
    assert config.mail.code_lifetime_seconds == 86_400
    assert config.limits == RateLimits()


def test_without_any_of_them_the_provider_is_as_the_stack_has_it(tmp_path: Path) -> None:
    reading = read_environment({"HOME": "/root", "PATH": "/bin", "DATABASE_URL": "postgres://elsewhere"})

    assert reading.config(data_dir=tmp_path) == IdentityConfig(data_dir=tmp_path)


def test_what_is_known_and_not_supported_is_named_once_and_its_value_is_not() -> None:
    reading = read(SAML_ENABLED="true", SAML_PRIVATE_KEY=SECRET, HOOK_SEND_EMAIL_SECRETS=SECRET)

    assert reading.warnings == (
        "GOTRUE_HOOK_SEND_EMAIL_SECRETS is not supported here and has no effect.",
        "GOTRUE_SAML_ENABLED is not supported here and has no effect.",
        "GOTRUE_SAML_PRIVATE_KEY is not supported here and has no effect.",
    )


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("GOTRUE_SITEURL", "GOTRUE_SITE_URL"),
        ("GOTRUE_MAILER_AUTOCONFRIM", "GOTRUE_MAILER_AUTOCONFIRM"),
        ("GOTRUE_URI_ALLOWLIST", "GOTRUE_URI_ALLOW_LIST"),
        ("GOTRUE_MAILER_URL_PATHS_RECOVERY", "GOTRUE_MAILER_URLPATHS_RECOVERY"),
        ("GOTRUE_EXTERNAL_GOOGEL_CLIENT_ID", "GOTRUE_EXTERNAL_GOOGLE_CLIENT_ID"),
        ("GOTRUE_EXTERNAL_GOOGLE_CLIENTID", "GOTRUE_EXTERNAL_GOOGLE_CLIENT_ID"),
        ("GOTRUE_EXTERNAL_GOOGLE_CLIENT_SECRET", "GOTRUE_EXTERNAL_GOOGLE_SECRET"),
        ("GOTRUE_EXTERNAL_LINKEDIN_OIDC_REDIRECT_URL", "GOTRUE_EXTERNAL_LINKEDIN_OIDC_REDIRECT_URI"),
        ("GOTRUE_SMTP_PASSWORD", "GOTRUE_SMTP_PASS"),
        ("GOTRUE_JWT_EXPIRY", "GOTRUE_JWT_EXP"),
        ("GOTRU_SITE_URL", "GOTRUE_SITE_URL"),
        ("GoTrue_site_url", "GOTRUE_SITE_URL"),
        ("API_EXTERNAL_URI", "API_EXTERNAL_URL"),
    ],
)
def test_a_near_miss_is_refused_with_the_right_name(wrong: str, right: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_environment({wrong: SECRET})

    assert caught.value.setting == wrong
    assert f"Did you mean {right}?" in (caught.value.next_step or "")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["API_INTERNAL_URL", "SITE_URL", "DATABASE_URI", "GOOGLE_SECRET", "port", "GOT_URL"])
def test_other_programs_names_are_not_ours_to_judge(name: str) -> None:
    assert read_environment({name: SECRET}).warnings == ()


def test_a_provider_of_a_name_of_its_own_may_begin_with_anothers() -> None:
    own = {"ENABLED": "true", "CLIENT_ID": "a", "SECRET": "b", "URL": "https://issuer.example"}
    reading = read(**{f"EXTERNAL_GOOGLE_WORKPLACE_{field}": value for field, value in own.items()})

    (provider,) = reading.settings["providers"]
    assert provider.name == "google_workplace"


def test_a_name_that_is_near_none_is_a_warning() -> None:
    (warning,) = read(SOMETHING_ELSE_ALTOGETHER=SECRET).warnings

    assert "GOTRUE_SOMETHING_ELSE_ALTOGETHER is unknown" in warning
    assert SECRET not in warning


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_EXP", "an hour"),
        ("MAILER_AUTOCONFIRM", "yes"),
        ("SESSIONS_TIMEBOX", "91"),
        ("RATE_LIMIT_EMAIL_SENT", "2/0s"),
        ("SMS_TEST_OTP", "15555550100"),
        ("JWT_KEYS", "{}"),
        ("RATE_LIMIT_OTP", "-1"),
    ],
)
def test_a_value_of_another_form_is_refused_without_being_shown(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^GOTRUE_{name} is") as caught:
        read(**{name: value})

    assert value not in caught.value.message.replace(f"GOTRUE_{name}", "")


def test_a_value_that_the_provider_refuses_is_said_of_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(PASSWORD_MIN_LENGTH="100").config(data_dir=tmp_path)

    assert caught.value.setting == "GOTRUE_PASSWORD_MIN_LENGTH"


def test_an_empty_value_counts_as_left_out() -> None:
    assert "mail" in read(SMTP_PORT="", SITE_URL="https://app.example").settings


def test_no_secret_shows_in_what_was_read(tmp_path: Path) -> None:
    key = SigningKey.generate().private_jwk()
    reading = read(
        JWT_SECRET=SECRET,
        JWT_KEYS=json.dumps([key]),
        SMTP_HOST="smtp.example",
        SMTP_PASS=SECRET,
        EXTERNAL_GITHUB_ENABLED="true",
        EXTERNAL_GITHUB_CLIENT_ID="id",
        EXTERNAL_GITHUB_SECRET=SECRET,
    )
    shown = repr(reading) + repr(reading.config(data_dir=tmp_path))

    assert SECRET not in shown
    assert str(key["d"]) not in shown


def test_a_secret_too_short_to_be_one_is_not_believed_and_that_is_said(tmp_path: Path) -> None:
    reading = read(JWT_SECRET="short")

    assert not reading.config(data_dir=tmp_path).shared_secret
    assert reading.warnings == ("GOTRUE_JWT_SECRET has less than 32 bytes: bearers signed with it are not believed.",)


def test_a_provider_needs_a_client_and_a_preset_or_an_issuer(tmp_path: Path) -> None:
    reading = read(
        EXTERNAL_GITHUB_ENABLED="true",
        EXTERNAL_WORKOS_ENABLED="true",
        EXTERNAL_WORKOS_CLIENT_ID="id",
        EXTERNAL_GOOGLE_ENABLED="false",
        EXTERNAL_GOOGLE_CLIENT_ID="id",
        EXTERNAL_OKTA_ENABLED="true",
        EXTERNAL_OKTA_CLIENT_ID="one,two",
        EXTERNAL_OKTA_URL="https://issuer.example",
        EXTERNAL_OKTA_SKIP_NONCE_CHECK="true",
    )
    (okta,) = reading.config(data_dir=tmp_path).providers

    assert (okta.name, okta.client_id, okta.url) == ("okta", "one,two", "https://issuer.example")
    assert okta.skip_nonce_check
    assert len(reading.warnings) == 2
    assert "GOTRUE_EXTERNAL_GITHUB_CLIENT_ID" in reading.warnings[0]
    assert reading.warnings[1].startswith("GOTRUE_EXTERNAL_WORKOS_ENABLED is not supported")


def test_an_issuer_of_a_name_of_its_own_needs_its_address(tmp_path: Path) -> None:
    reading = read(EXTERNAL_OKTA_ENABLED="true", EXTERNAL_OKTA_CLIENT_ID="id")

    assert reading.config(data_dir=tmp_path).providers == ()
    assert "GOTRUE_EXTERNAL_OKTA_URL" in reading.warnings[0]


def test_the_presets_are_those_that_there_are() -> None:
    assert set(OAUTH_PRESETS) <= set(PRESETS)


def test_every_variable_is_one_of_supabase_auths_and_fills_a_setting_of_its_own() -> None:
    names = [variable.name for variable in VARIABLES]
    oauth = {f"GOTRUE_EXTERNAL_{name.upper()}_{field}" for name in OAUTH_PRESETS for field in OAUTH_SETTINGS}

    assert set(names) | oauth <= KNOWN_NAMES
    assert len({variable.setting for variable in VARIABLES}) == len(names)


def test_every_setting_of_the_table_is_one_of_the_provider(tmp_path: Path) -> None:
    texts: dict[object, str] = {
        values.whole_number: "7",
        values.number: "700",
        values.rate: "7/1m",
        values.seconds: "7m",
    }
    texts.update({values.yes_or_no: "true", values.key_set: json.dumps([SigningKey.generate().private_jwk()])})
    texts.update({values.phone_codes: "15555550100:123456", values.secret: SECRET, values.character_sets: "ab:cd"})
    for variable in VARIABLES:
        given = {variable.name: texts.get(variable.read, "http://127.0.0.1"), "GOTRUE_SMTP_HOST": "127.0.0.1"}
        own = {"host": "127.0.0.1"} if variable.setting == "host" else {}
        changed = read_environment(given).config(data_dir=tmp_path, **own)
        plain = read(SMTP_HOST="127.0.0.1").config(data_dir=tmp_path)
        if variable.setting not in {"host", "phone", "test_otps", "mail.smtp.host"} and not _is_default(
            changed, variable.setting
        ):
            assert changed != plain, variable.name


def _is_default(config: IdentityConfig, setting: str) -> bool:
    """Whether ``true`` is what it was already."""
    value: object = config
    for part in setting.split("."):
        value = getattr(value, part, None)
    return value is True


# How values are written


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("300s", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
        (".5m", 30),
        ("+5s", 5),
        ("10µs", 1e-5),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert values.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["5", "s", "5 s", "1h 30m", "-5s", "5d", "1e3s", "٣s"])
def test_what_go_would_not_read_as_a_duration_is_refused(text: str) -> None:
    with pytest.raises(values.ValueRefusedError):
        values.seconds(text)


@pytest.mark.parametrize(
    ("text", "sets"),
    [("abc:123", ("abc", "123")), (r"a\:b:1", ("a:b", "1")), ("", ()), (":a::b:", ("a", "b")), (r"\:", (":",))],
)
def test_character_sets_are_separated_by_colons_that_nothing_escapes(text: str, sets: tuple[str, ...]) -> None:
    assert values.character_sets(text) == sets


@pytest.mark.parametrize(("text", "burst", "per_hour"), [("30", 30, 30), ("2/1h", 2, 1), ("10/30s", 10, 120)])
def test_rates_are_so_many_an_hour_or_so_many_and_one_back_in_each_duration(
    text: str, burst: int, per_hour: float
) -> None:
    assert values.rate(text) == values.Rate(burst=burst, per_hour=per_hour)


def test_a_plus_sign_and_blanks_do_not_count_in_a_number() -> None:
    assert values.phone_codes("+1 555 555 0100:123456, 15555550101:654321") == {
        "15555550100": "123456",
        "15555550101": "654321",
    }


@pytest.mark.parametrize("reader", [values.seconds, values.number, values.whole_number, values.rate, values.pairs])
@given(text=st.text(max_size=30))
def test_no_text_raises_anything_but_the_refusal(reader: object, text: str) -> None:
    with contextlib.suppress(values.ValueRefusedError):
        reader(text)  # type: ignore[operator]  # one of the above


# The file


def test_a_file_is_read_as_dotenv_writes_it() -> None:
    content = """\
# a comment
PLAIN=value
  export EXPORTED = with blanks   # and a comment
EMPTY=
HASH=a#b
DOUBLE="a \\"quoted\\" # text\\nin two lines"
SINGLE='$HOME is \\n left as it is'
LONG="first
second"
PLAIN=again
DOLLAR=$HOME and `date`
"""
    assert parse_env(content, name="file") == {
        "PLAIN": "again",
        "EXPORTED": "with blanks",
        "EMPTY": "",
        "HASH": "a#b",
        "DOUBLE": 'a "quoted" # text\nin two lines',
        "SINGLE": "$HOME is \\n left as it is",
        "LONG": "first\nsecond",
        "DOLLAR": "$HOME and `date`",
    }


@pytest.mark.parametrize(("content", "line"), [("A=1\nnonsense\n", 2), ("\n\nA='open\n", 3), ("=1", 1)])
def test_a_line_that_is_none_is_named_by_its_number(content: str, line: int) -> None:
    with pytest.raises(ConfigurationError, match=f"line {line},") as caught:
        parse_env(content, name="file")

    assert "nonsense" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.joinpath("binary").write_bytes(b"\xff\xfe")
    for name in ("absent", "binary"):
        with pytest.raises(ConfigurationError, match=name) as caught:
            read_env_file(tmp_path / name)
        assert caught.value.setting == "--env-file"


@given(st.text(max_size=80))
def test_no_content_raises_anything_but_the_error_of_settings(content: str) -> None:
    with contextlib.suppress(ConfigurationError):
        parse_env(content, name="file")
