"""The rows of the database as values, and the statements that read and write them: one file a noun.

One transaction sees one ``Records``, whose attributes are the tables.

Above: the rules (``users``, ``sessions`` and the like). Below: ``store`` opens the transaction; ``migrations`` makes
the tables.
"""

from __future__ import annotations

import sqlite3

from cadenza.identity.records.audit import AuditRow, AuditTable, Cause
from cadenza.identity.records.factors import ChallengeRow, ChallengeTable, FactorRow, FactorTable
from cadenza.identity.records.flow_states import FlowStateRow, FlowStateTable
from cadenza.identity.records.oauth_clients import OAuthClientRow, OAuthClientTable
from cadenza.identity.records.one_time_tokens import OneTimeTokenRow, OneTimeTokenTable, TokenKind
from cadenza.identity.records.sessions import RefreshTokenRow, RefreshTokenTable, SessionRow, SessionTable
from cadenza.identity.records.users import IdentityRow, IdentityTable, UserRow, UserTable

__all__ = [
    "AuditRow",
    "Cause",
    "ChallengeRow",
    "FactorRow",
    "FlowStateRow",
    "IdentityRow",
    "OAuthClientRow",
    "OneTimeTokenRow",
    "Records",
    "RefreshTokenRow",
    "SessionRow",
    "TokenKind",
    "UserRow",
]


class Records:
    """The tables, over a connection that is inside a transaction. Lives as long as the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.users = UserTable(connection)
        self.identities = IdentityTable(connection)
        self.sessions = SessionTable(connection)
        self.refresh_tokens = RefreshTokenTable(connection)
        self.one_time_tokens = OneTimeTokenTable(connection)
        self.flow_states = FlowStateTable(connection)
        self.factors = FactorTable(connection)
        self.challenges = ChallengeTable(connection)
        self.audit = AuditTable(connection)
        self.oauth_clients = OAuthClientTable(connection)
