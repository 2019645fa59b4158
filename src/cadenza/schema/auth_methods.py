"""Methods for a connection that has no token yet (ours: ``design/decisions.md``, "Access token over the WebSocket").

Above: ``methods``, which passes them on. Below: the nouns, ``method``.
"""

from __future__ import annotations

from typing import Final

from cadenza.schema import auth, system
from cadenza.schema.access import Access
from cadenza.schema.method import Method
from cadenza.schema.rates import Rate

__all__ = [
    "COMMAND_AUTH_ANONYMOUS",
    "COMMAND_AUTH_IDTOKEN",
    "COMMAND_AUTH_LOGIN",
    "COMMAND_AUTH_LOGOUT",
    "COMMAND_AUTH_MFA_CHALLENGE",
    "COMMAND_AUTH_MFA_ENROLL",
    "COMMAND_AUTH_MFA_UNENROLL",
    "COMMAND_AUTH_MFA_VERIFY",
    "COMMAND_AUTH_OAUTH_EXCHANGE",
    "COMMAND_AUTH_OAUTH_START",
    "COMMAND_AUTH_OTP_SEND",
    "COMMAND_AUTH_OTP_VERIFY",
    "COMMAND_AUTH_REAUTHENTICATE",
    "COMMAND_AUTH_RECOVER",
    "COMMAND_AUTH_REFRESH",
    "COMMAND_AUTH_SIGNUP",
    "COMMAND_AUTH_STEPUP",
    "COMMAND_AUTH_USER_UPDATE",
    "QUERY_AUTH_MFA_LIST",
    "QUERY_AUTH_USER",
]

COMMAND_AUTH_SIGNUP: Final = Method(
    "command.auth.signup",
    auth.SignupParams,
    auth.AuthSession,
    "Make a user; without tokens when the address must be confirmed first.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_LOGIN: Final = Method(
    "command.auth.login",
    auth.LoginParams,
    auth.AuthSession,
    "Sign in with a password.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_IDTOKEN: Final = Method(
    "command.auth.idtoken",
    auth.IdTokenParams,
    auth.AuthSession,
    "Sign in with an ID token that another issuer gave.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_REFRESH: Final = Method(
    "command.auth.refresh",
    auth.RefreshParams,
    auth.AuthSession,
    "Trade a refresh token for a new session; it is used up by that.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_OTP_SEND: Final = Method(
    "command.auth.otp.send",
    auth.SendOtpParams,
    str,
    "Mail a one-time code or a magic link.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_OTP_VERIFY: Final = Method(
    "command.auth.otp.verify",
    auth.VerifyOtpParams,
    auth.AuthSession,
    "Sign in with the code that was mailed; without tokens after the first code of a change of address.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_OAUTH_START: Final = Method(
    "command.auth.oauth.start",
    auth.StartOAuthParams,
    auth.OAuthStart,
    "Where to send the browser to sign in elsewhere.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_OAUTH_EXCHANGE: Final = Method(
    "command.auth.oauth.exchange",
    auth.ExchangeOAuthParams,
    auth.AuthSession,
    "Sign in with the code that the browser came back with.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
QUERY_AUTH_MFA_LIST: Final = Method(
    "query.auth.mfa.list",
    auth.ListMfaParams,
    tuple[auth.MfaFactor, ...],
    "The second factors of a token's user.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_MFA_ENROLL: Final = Method(
    "command.auth.mfa.enroll",
    auth.EnrollMfaParams,
    auth.MfaEnrollment,
    "Begin to add an authenticator app; it counts after its first challenge is verified.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_MFA_UNENROLL: Final = Method(
    "command.auth.mfa.unenroll",
    auth.UnenrollMfaParams,
    str,
    "Remove a second factor.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_MFA_CHALLENGE: Final = Method(
    "command.auth.mfa.challenge",
    auth.ChallengeMfaParams,
    auth.MfaChallenge,
    "Begin the second factor.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_MFA_VERIFY: Final = Method(
    "command.auth.mfa.verify",
    auth.VerifyMfaParams,
    auth.AuthSession,
    "Finish the second factor; answers a session at aal2.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_STEPUP: Final = Method(
    "command.auth.stepup",
    auth.StepUpParams,
    auth.StepUp,
    "Raise this connection to aal2, until the token expires.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_ANONYMOUS: Final = Method(
    "command.auth.anonymous",
    system.NoParams,
    auth.AuthSession,
    "Sign in as a new user without name or password.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_RECOVER: Final = Method(
    "command.auth.recover",
    auth.RecoverParams,
    str,
    "Mail what lets one in without the password.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_LOGOUT: Final = Method(
    "command.auth.logout",
    auth.LogoutParams,
    str,
    "End the session of a token, all of its user's, or all others.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
QUERY_AUTH_USER: Final = Method(
    "query.auth.user",
    auth.GetUserParams,
    auth.AuthUser,
    "Whose token this is.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_USER_UPDATE: Final = Method(
    "command.auth.user.update",
    auth.UpdateUserParams,
    auth.AuthUser,
    "Change the user of a token.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
COMMAND_AUTH_REAUTHENTICATE: Final = Method(
    "command.auth.reauthenticate",
    auth.ReauthenticateParams,
    str,
    "Mail the code that a new password may want.",
    access=Access.ANONYMOUS,
    rate=Rate.SIGN_IN,
)
