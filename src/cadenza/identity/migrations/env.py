"""Alembic's entry point: runs the revisions over the connection that ``migrate`` hands in.

There is no offline mode and no configuration file: the only database is the one in the data folder.
"""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
