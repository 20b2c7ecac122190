"""How a command that runs until it is told to stop comes to its end."""

import signal
from pathlib import Path
from types import FrameType

import click

from tahoe_cli.presence import alone
from tahoe_core.postgres.lifecycle import stop


def end_like_ctrl_c() -> None:
    """Lets SIGTERM and SIGHUP end the command as Ctrl-C does; by default it would leave its Postgres behind."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _raise_interrupt)


def stop_unless_used(home: Path) -> None:
    """Stops the embedded Postgres unless another command uses it, and says which."""
    with alone(home) as is_alone:
        if is_alone:
            stop(home)
    said = "Postgres stopped." if is_alone else "Postgres runs on: another command uses it. `tahoe down` stops it."
    click.echo(said, err=True)


def _raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)
