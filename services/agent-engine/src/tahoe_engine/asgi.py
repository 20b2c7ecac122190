"""The HTTP door: `python -m tahoe_engine.asgi`, with everything from the environment.

Any ASGI server does as well: `uvicorn tahoe_engine.asgi:create --factory`.
"""

import sys

import uvicorn
from fastapi import FastAPI

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import TahoeError, UnavailableError
from tahoe_core.logs import configure_logging
from tahoe_engine.app import create_app
from tahoe_engine.composition import compose_server
from tahoe_engine.settings import load_settings

GRACE_SECONDS = 25
"""For requests in flight when the process is told to stop; the app's end follows, all within a container's 40."""
IDLE_SECONDS = 75
"""Longer than a reverse proxy keeps an idle connection, so that it is never closed under a request."""


def create() -> FastAPI:
    """Makes the app for a database that is given; `tahoe up` brings its own.

    Raises:
        UnavailableError: No database is named.
    """
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    if settings.database_url is None:
        raise UnavailableError("DATABASE_URL is not set.", cure="Set it, or run `tahoe up`, which brings a Postgres.")
    address = DatabaseAddress.parse(settings.database_url.get_secret_value(), default_schema=settings.db_schema)
    return create_app(compose_server(settings, address))


def main() -> int:
    """Serves until SIGTERM: then nothing new is taken, and what is in flight is answered first."""
    try:
        settings = load_settings()
        uvicorn.run(
            create,
            factory=True,
            host=settings.engine_host,
            port=settings.agent_engine_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=IDLE_SECONDS,
        )
    except TahoeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
