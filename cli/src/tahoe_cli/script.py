"""What the script `tahoe` runs."""

from tahoe_core.early_interrupt import quiet_interrupts


def run() -> None:
    """Imports the command, and runs it."""
    with quiet_interrupts():
        from tahoe_cli.main import main  # noqa: PLC0415 - Ctrl-C may come while it is imported
    main()
