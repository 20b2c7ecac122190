"""The `tahoe` command: a file a command, loaded when called, so that `--help` is quick."""

import importlib
import sys

import click

from tahoe_core.errors import TahoeError
from tahoe_core.near_names import did_you_mean
from tahoe_core.standard_streams import bear_any_streams, discard_output, explain_full
from tahoe_engine.reporting.visible_text import visible

COMMANDS = {
    "demo": "Score the example interactions and write their reports.",
    "analyze": "Score files of interactions against a scorecard.",
    "scorecards": "List, show, validate, apply and compare scorecards.",
    "chat": "Talk with an agent, which remembers.",
    "memory": "Add, find and change what is remembered, as of any moment.",
    "skills": "List, show, validate and write skills.",
    "up": "Serve the API, with its own Postgres unless DATABASE_URL is set.",
    "worker": "Work on what is to be done in the background.",
    "down": "Stop the embedded Postgres.",
    "db": "Migrate and seed the database.",
    "validate": "Check settings, database, seed, API and one scored interaction.",
    "doctor": "Say what runs where, and what is wrong.",
}
EXIT_FAILED = 1


class LazyGroup(click.Group):
    """Lists commands by the table above and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names the commands in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Imports the command's module."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tahoe_cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Writes the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggests near names for a command that does not exist."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS) or " See tahoe --help."
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)


EPILOG = """\b
Examples:
  tahoe demo
  tahoe analyze calls/*.json --scorecard support-quality --html report.html
  tahoe up

Data lies in TAHOE_HOME (default ~/.tahoe). With DATABASE_URL set, that Postgres is used instead.
"""


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tahoe-cli", prog_name="tahoe", message="%(prog)s %(version)s")
def tahoe() -> None:
    """Run AI agents and people on record: score what they said, with evidence."""


def report(error: TahoeError) -> None:
    """Prints what is wrong and what to do about it."""
    click.secho(visible(f"Error: {error.message}"), fg="red", err=True)
    if error.cure:
        click.echo(visible(f"  → {error.cure}"), err=True)


def main() -> None:
    """Runs the command: exit 0 done, 1 failed, 2 wrong usage, 130 interrupted; a command returns its status."""
    bear_any_streams()
    try:
        status = tahoe(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has gone: nothing is wrong, and nothing more can be said.
        discard_output()
        sys.exit(EXIT_FAILED)
    except OSError as error:
        explained = explain_full(error)
        discard_output()
        report(explained)
        sys.exit(EXIT_FAILED)
    except TahoeError as error:
        report(error)
        sys.exit(EXIT_FAILED)
