"""The HTTP door: `uvicorn tahoe_engine.asgi:create --factory`, with everything from the environment."""

from fastapi import FastAPI

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import UnavailableError
from tahoe_core.logs import configure_logging
from tahoe_engine.app import create_app
from tahoe_engine.composition import compose
from tahoe_engine.settings import load_settings


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
    return create_app(compose(settings, address))
