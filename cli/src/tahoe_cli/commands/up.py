import asyncio
import contextlib
import socket
from pathlib import Path

import click
import uvicorn

from tahoe_cli.ending import end_like_ctrl_c, stop_unless_used
from tahoe_cli.listening import listen
from tahoe_cli.opening import open_services
from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.logs import configure_logging
from tahoe_core.postgres.lifecycle import EmbeddedServer
from tahoe_core.postgres.status import find_status
from tahoe_core.postgres.supervise import keep_running
from tahoe_core.security.identity import TOKEN_FILE
from tahoe_engine.app import create_app
from tahoe_engine.composition import compose_server, find_identity
from tahoe_engine.settings import EngineSettings, load_settings

EPILOG = """\b
Examples:
  tahoe up
  AGENT_ENGINE_PORT=9001 tahoe up
  curl -H "Authorization: Bearer $(cat ~/.tahoe/service_token)" localhost:8001/v1/scorecards
"""
STOPPED_POLL_SECONDS = 5.0


@click.command("up", epilog=EPILOG)
def command() -> None:
    """Serve the API until Ctrl-C, with its own Postgres unless DATABASE_URL is set.

    Ctrl-C also stops the Postgres if this command started it and no other uses it.
    """
    settings = load_settings()
    listener = listen(settings.engine_host, settings.agent_engine_port)
    end_like_ctrl_c()
    with contextlib.closing(listener):
        asyncio.run(_serve(settings, listener))


async def _serve(settings: EngineSettings, listener: socket.socket) -> None:
    started: EmbeddedServer | None = None
    try:
        async with open_services(settings, compose_server) as opened:
            configure_logging(settings.log_level, settings.log_format)
            embedded = opened.database.embedded
            started = embedded if embedded and embedded.started_here else None
            config = uvicorn.Config(create_app(opened.services), log_config=None, access_log=False, server_header=False)
            _announce(settings)
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(_watch(settings.home)) if embedded else None
                await uvicorn.Server(config).serve([listener])
                if watch is not None:
                    watch.cancel()
    finally:
        if started is not None:
            await asyncio.to_thread(stop_unless_used, settings.home)


async def _watch(home: Path) -> None:
    """Keeps Postgres running; after a `tahoe down` it waits until another command has started it again."""
    while True:
        with contextlib.suppress(EmbeddedPostgresError):  # a home that cannot be looked at is looked at again
            await keep_running(home, _ignore)
            while not (await asyncio.to_thread(find_status, home)).is_ready:  # noqa: ASYNC110 - another process starts it
                await asyncio.sleep(STOPPED_POLL_SECONDS)
        await asyncio.sleep(STOPPED_POLL_SECONDS)


def _announce(settings: EngineSettings) -> None:
    address = f"http://{settings.engine_host}:{settings.agent_engine_port}"
    token = "TAHOE_SERVICE_TOKEN" if settings.service_token else f"in {settings.home / TOKEN_FILE}"
    click.echo(f"agent-engine  {address}  (docs: {address}/docs)", err=True)
    click.echo(f"team          {find_identity(settings).team_id}, service token {token}", err=True)
    click.echo("Ctrl-C stops.", err=True)


async def _ignore(_server: EmbeddedServer) -> None:
    """Connection pools find the restarted server by themselves: it keeps its port."""
