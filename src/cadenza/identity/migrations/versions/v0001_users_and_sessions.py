"""Users, their ways in, their sessions and refresh tokens.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables. Instants are microseconds since the epoch, ids UUIDs in text, metadata JSON in text."""
    _users()
    _identities()
    _sessions()
    _refresh_tokens()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("aud", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("email", sa.Text, unique=True),
        sa.Column("password_hash", sa.Text),
        sa.Column("email_confirmed_at", sa.Integer),
        sa.Column("confirmation_sent_at", sa.Integer),
        sa.Column("last_sign_in_at", sa.Integer),
        sa.Column("app_metadata", sa.Text, nullable=False),
        sa.Column("user_metadata", sa.Text, nullable=False),
        sa.Column("is_anonymous", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Integer, nullable=False),
    )


def _identities() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("last_sign_in_at", sa.Integer),
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Integer, nullable=False),
        sa.UniqueConstraint("provider", "subject"),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("aal", sa.Text, nullable=False),
        sa.Column("amr", sa.Text, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("refreshed_at", sa.Integer),
    )


def _refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("seed", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("parent_id", sa.Integer),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Integer, nullable=False),
        # The active token is the newest that is not revoked: an id must never come twice.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id", "revoked"])
