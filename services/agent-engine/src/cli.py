"""`python -m src.cli`: talk with an agent in the terminal; no database is needed."""

import sys

from tahoe_core.early_interrupt import quiet_interrupts

if __name__ == "__main__":
    with quiet_interrupts():
        from tahoe_engine.terminal.main import main
    sys.exit(main())
