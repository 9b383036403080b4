"""Alembic's entry point: runs the migrations on the connection, and in the transaction, that `sql.migrate` holds."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,  # SQLite's can be, once the driver does not begin transactions on its own
)
context.run_migrations()
