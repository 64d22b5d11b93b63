"""Alembic's entry: the connection is given by `livery.storage.database`."""

from alembic import context

from livery.storage.metadata import metadata
from livery.storage.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
