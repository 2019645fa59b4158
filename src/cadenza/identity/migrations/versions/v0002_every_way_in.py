"""What mails, OAuth providers, second factors, administrators and telephone numbers need.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the tables there are, and make the new ones. Codes and tokens stand as keyed digests, secrets sealed."""
    _users()
    op.create_index("ix_identities_email", "identities", ["email"])
    _sessions()
    _one_time_tokens()
    _flow_states()
    _factors()
    _audit_log()
    _oauth_clients()


def _user(*, unique: bool = False, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(
        "user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=nullable, index=not unique
    )


def _times() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Integer, nullable=False),
    )


def _users() -> None:
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("phone", sa.Text))
        for name in (
            "phone_confirmed_at",
            "invited_at",
            "recovery_sent_at",
            "reauthentication_sent_at",
            "email_change_sent_at",
            "phone_change_sent_at",
            "banned_until",
            "deleted_at",
        ):
            users.add_column(sa.Column(name, sa.Integer))
        users.add_column(sa.Column("new_email", sa.Text))
        users.add_column(sa.Column("new_phone", sa.Text))
        users.add_column(sa.Column("email_change_status", sa.Integer, nullable=False, server_default="0"))
        users.create_unique_constraint("uq_users_phone", ["phone"])


def _sessions() -> None:
    with op.batch_alter_table("sessions") as sessions:
        for name in ("factor_id", "user_agent", "address"):
            sessions.add_column(sa.Column(name, sa.Text))


def _one_time_tokens() -> None:
    op.create_table(
        "one_time_tokens",
        sa.Column("id", sa.Text, primary_key=True),
        _user(unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, index=True),
        sa.Column("code_digest", sa.LargeBinary, nullable=False, index=True),
        sa.Column("relates_to", sa.Text, nullable=False),
        sa.Column("pkce", sa.Boolean, nullable=False),
        *_times(),
        sa.UniqueConstraint("user_id", "kind"),
    )


def _flow_states() -> None:
    op.create_table(
        "flow_states",
        sa.Column("id", sa.Text, primary_key=True),
        _user(nullable=True),
        sa.Column("code_digest", sa.LargeBinary, unique=True),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("challenge_method", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("redirect_to", sa.Text, nullable=False),
        sa.Column("linking_user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("secrets", sa.LargeBinary),
        sa.Column("code_issued_at", sa.Integer),
        *_times(),
        sa.Index("ix_flow_states_created_at", "created_at"),
    )


def _factors() -> None:
    op.create_table(
        "factors",
        sa.Column("id", sa.Text, primary_key=True),
        _user(),
        sa.Column("friendly_name", sa.Text),
        sa.Column("factor_type", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("last_step", sa.Integer),
        sa.Column("last_challenged_at", sa.Integer),
        *_times(),
        sa.UniqueConstraint("user_id", "friendly_name"),
    )
    op.create_table(
        "challenges",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("factor_id", sa.Text, sa.ForeignKey("factors.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("verified_at", sa.Integer),
        sa.Column("created_at", sa.Integer, nullable=False),
    )


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text),
        sa.Column("user_id", sa.Text, index=True),  # no foreign key: what was done outlives whom it was done to
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False, index=True),
    )


def _oauth_clients() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("client_name", sa.Text, nullable=False),
        sa.Column("client_type", sa.Text, nullable=False),
        sa.Column("registration_type", sa.Text, nullable=False),
        sa.Column("token_endpoint_auth_method", sa.Text, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary),
        sa.Column("redirect_uris", sa.Text, nullable=False),
        sa.Column("grant_types", sa.Text, nullable=False),
        sa.Column("client_uri", sa.Text, nullable=False),
        sa.Column("logo_uri", sa.Text, nullable=False),
        *_times(),
    )
