"""Run by Alembic, with the connection of `bot.storage.schema_version`."""

from alembic import context

from bot.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
