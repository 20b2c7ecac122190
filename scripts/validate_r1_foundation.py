"""Checks settings, database, schema, seed, API and one scored interaction: a line each, exit 1 if any fails.

python scripts/validate_r1_foundation.py                              the embedded platform, or that of .env
python scripts/validate_r1_foundation.py --url http://localhost:8001  a deployed one, by HTTP alone
"""

import sys

from tahoe_cli.commands.validate import command

if __name__ == "__main__":
    sys.exit(command.main(standalone_mode=False))
