import click

from tahoe_core.postgres.lifecycle import stop
from tahoe_engine.settings import load_settings


@click.command("down", epilog="\b\nExample:\n  tahoe down")
def command() -> None:
    """Stop the embedded Postgres of TAHOE_HOME; its data stays."""
    settings = load_settings()
    if settings.database_url is not None:
        click.echo("DATABASE_URL is set, so the embedded Postgres is left alone. Unset it to stop that one.")
        return
    stopped = stop(settings.home)
    click.echo("Postgres stopped." if stopped else f"No Postgres runs in {settings.home}.")
