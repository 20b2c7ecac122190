import asyncio

import click

from tahoe_cli.ending import end_like_ctrl_c, stop_unless_used
from tahoe_cli.opening import open_services
from tahoe_core.logs import configure_logging
from tahoe_engine.composition import compose_server
from tahoe_engine.settings import EngineSettings, load_settings

EPILOG = """\b
Examples:
  tahoe worker
  DATABASE_URL=postgresql://… tahoe worker
"""


@click.command("worker", epilog=EPILOG)
def command() -> None:
    """Work on what is to be done in the background until Ctrl-C.

    `tahoe up` works too while it serves. Start as many as you need, on any host, against the same Postgres: what one
    leaves unfinished, another takes over within ten seconds.
    """
    settings = load_settings()
    end_like_ctrl_c()
    asyncio.run(_work(settings))


async def _work(settings: EngineSettings) -> None:
    has_started = False
    try:
        async with open_services(settings, compose_server) as opened:
            configure_logging(settings.log_level, settings.log_format)
            embedded = opened.database.embedded
            has_started = embedded is not None and embedded.started_here
            click.echo(f"worker  {opened.services.schema} at {opened.database.app.place}", err=True)
            click.echo("Ctrl-C stops.", err=True)
            async with opened.services.background():
                await asyncio.Event().wait()
    finally:
        if has_started:
            await asyncio.to_thread(stop_unless_used, settings.home)
