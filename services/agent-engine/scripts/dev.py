"""Serves the API and starts it again when the source changes.

    python scripts/dev.py

Without a DATABASE_URL the embedded Postgres of TAHOE_HOME is used; `tahoe down` stops it. `make dev` migrates and seeds
it first, as `tahoe db seed` does.
"""

import os
from pathlib import Path

import uvicorn

from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.security.identity import load_identity
from tahoe_engine.settings import load_settings

SOURCES = [str(Path(__file__).resolve().parents[1] / "src"), str(Path(__file__).resolve().parents[3] / "core" / "src")]


def main() -> None:
    """Names the embedded database in the environment, which the reloaded process reads, and serves."""
    settings = load_settings()
    if settings.database_url is None:
        schema = settings.db_schema
        urls = provision_service(settings.home, ServiceDatabase(schema, f"{schema}_owner", f"{schema}_app"))
        identity = load_identity(settings.home)
        os.environ |= {
            "DATABASE_URL": urls.app_url,
            "TAHOE_TEAM_ID": str(identity.team_id),
            "TAHOE_SERVICE_TOKEN": identity.token.get_secret_value(),
        }
    uvicorn.run(
        "tahoe_engine.asgi:create",
        factory=True,
        host=settings.engine_host,
        port=settings.agent_engine_port,
        reload=True,
        reload_dirs=SOURCES,
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
