"""Checks settings, database, schema, seed, API and one scored interaction: a line each, exit 1 if any fails."""

import sys

from tahoe_cli.commands.validate import command

if __name__ == "__main__":
    sys.exit(command.main(standalone_mode=False))
