import click

from tahoe_core.postgres.lifecycle import stop
from tahoe_engine.settings import load_settings


@click.command("down", epilog="\b\nExample:\n  tahoe down")
def command() -> None:
    """Stop the embedded Postgres of TAHOE_HOME; its data stays."""
    settings = load_settings()
    stopped = stop(settings.home)
    click.echo("Postgres stopped." if stopped else f"No Postgres runs in {settings.home}.")
