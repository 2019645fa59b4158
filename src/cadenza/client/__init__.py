"""The Python SDK: sign in, call, watch. ``cadenza.connect()`` is the way in.

Above: users, ``cli``, ``stack``. Below: schema, ``tokens.claims``, ``protocol.codes``, ``protocol.auth``, errors. A
bare install has all it needs; the heavy libraries (httpx, centrifuge-python) are imported when they are first used.
"""

from cadenza.client._client import Client, connect
from cadenza.client.auth.exports import AccountExport, DeletedAccount, SignInRecord
from cadenza.client.auth.flows import Auth
from cadenza.client.auth.offer import WaysIn
from cadenza.client.auth.passwords import SignUp
from cadenza.client.auth.ports import Challenge, TotpEnrollment
from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.state import AuthPhase, AuthState, Failure, Why
from cadenza.client.auth.stepping import FactorCode, SecondFactorCallback, SecondFactorRequest
from cadenza.client.auth.stores import (
    EnvironmentSessionStore,
    FileSessionStore,
    KeyringSessionStore,
    MemorySessionStore,
    SessionStore,
    StoreKind,
)
from cadenza.client.auth.users import LinkedIdentity, SecondFactor
from cadenza.client.auth.waiting import PendingSignIn
from cadenza.client.connection import (
    RULES,
    Connected,
    Connecting,
    Disconnected,
    ErrorOccurred,
    LifecycleEvent,
    NextStep,
)
from cadenza.client.mailboxes import Gap, GapCause
from cadenza.client.profiles import Profile, ProfileRecord, Profiles
from cadenza.client.rpc import Page
from cadenza.client.settings import Addresses
from cadenza.client.subscriptions import BookWatch, GapHandler, Watch

__all__ = [
    "RULES",
    "AccountExport",
    "Addresses",
    "Auth",
    "AuthPhase",
    "AuthState",
    "BookWatch",
    "Challenge",
    "Client",
    "Connected",
    "Connecting",
    "DeletedAccount",
    "Disconnected",
    "EnvironmentSessionStore",
    "ErrorOccurred",
    "FactorCode",
    "Failure",
    "FileSessionStore",
    "Gap",
    "GapCause",
    "GapHandler",
    "KeyringSessionStore",
    "LifecycleEvent",
    "LinkedIdentity",
    "MemorySessionStore",
    "NextStep",
    "Page",
    "PendingSignIn",
    "Profile",
    "ProfileRecord",
    "Profiles",
    "SecondFactor",
    "SecondFactorCallback",
    "SecondFactorRequest",
    "Session",
    "SessionStore",
    "SignInRecord",
    "SignUp",
    "StoreKind",
    "StoredSession",
    "TotpEnrollment",
    "Watch",
    "WaysIn",
    "Why",
    "connect",
]
