"""The audit log's entries by who can cause them, so that one kind does not push out another.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BY_ANYONE = (
    "request_refused",
    "user_confirmation_requested",
    "user_recovery_requested",
    "user_repeated_signup",
    "user_signedup",
)
_NOT_A_USER = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    """Add the column, and fill it from what the entries say."""
    op.add_column("audit_log", sa.Column("cause", sa.Text, nullable=False, server_default="user"))
    log = sa.table("audit_log", sa.column("cause"), sa.column("action"), sa.column("actor_id"))
    op.execute(log.update().where(log.c.action.in_(_BY_ANYONE)).values(cause="anyone"))
    admins = sa.and_(log.c.actor_id == _NOT_A_USER, log.c.action != "request_refused")
    op.execute(log.update().where(admins).values(cause="admin"))
    op.create_index("ix_audit_log_cause", "audit_log", ["cause"])
