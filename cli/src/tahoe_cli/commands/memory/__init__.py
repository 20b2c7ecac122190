from typing import override

import click

from tahoe_cli.commands.memory import changing, finding, moving

EPILOG = """\b
Examples:
  tahoe memory add "Ann prefers tea." --subject ann.drink
  tahoe memory search "What does Ann drink?"
  tahoe memory as-of 2026-05-08 "What does Ann drink?"
  tahoe memory history 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77
  tahoe memory export > memories.jsonl

A memory is the whole team's unless --agent or --user says whose it is. Every
change is a new version, so any moment can be asked for; nothing is deleted.
"""


class _InOrder(click.Group):
    """Lists its commands as they were added, the usual ones first."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group("memory", cls=_InOrder, epilog=EPILOG)
def command() -> None:
    """Add, find and change what is remembered, and ask what was known when."""


for _subcommand in (
    changing.add,
    finding.search,
    finding.as_of,
    finding.show,
    finding.history,
    finding.list_command,
    changing.supersede,
    changing.pin,
    changing.unpin,
    changing.tag,
    changing.resolve,
    changing.erase,
    moving.export,
    moving.import_command,
    finding.stats,
):
    command.add_command(_subcommand)
