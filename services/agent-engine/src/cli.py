"""`python -m src.cli`: talk with an agent in the terminal; no database is needed."""

import sys

from tahoe_engine.terminal.main import main

if __name__ == "__main__":
    sys.exit(main())
