"""What Alembic runs, whoever called it: `tahoe_engine.db.migrate`, with a connection, or the `alembic` command."""

from alembic import context

from tahoe_engine.db.migrations.run import run_with_connection

attributes = context.config.attributes
if "connection" in attributes:
    run_with_connection(attributes["connection"], attributes["schema"], attributes["app_role"])
else:
    # Only here, since settings take their time and a program that migrates has its own already.
    from tahoe_engine.db.migrations.command_line import run_for_command_line

    run_for_command_line()
