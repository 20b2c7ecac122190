"""Seeds a team: a portfolio, sample tools and model providers, and the example scorecards.

Run again, it changes nothing. It seeds the database of DATABASE_URL, which has to be migrated, or else the embedded
Postgres of TAHOE_HOME, which is started and migrated where needed; `tahoe db seed` does the same.

    python scripts/seed.py [FOLDER_WITH_SCORECARDS]
"""

import asyncio
import sys
from pathlib import Path

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine, get_session_factory
from tahoe_core.db.session import team_session
from tahoe_core.errors import TahoeError
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.security.identity import load_identity
from tahoe_engine.catalog.seed import seed
from tahoe_engine.db.migrate import upgrade
from tahoe_engine.models.catalog import SeedReport
from tahoe_engine.models.scorecard import ScorecardDefinition
from tahoe_engine.scoring.definition import load_definition
from tahoe_engine.settings import EngineSettings, load_settings

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "scorecards"


async def open_database(settings: EngineSettings) -> DatabaseAddress:
    """Returns the application's way into a database that is ready."""
    if settings.database_url is not None:
        return DatabaseAddress.parse(settings.database_url.get_secret_value(), default_schema=settings.db_schema)
    schema = settings.db_schema
    urls = provision_service(settings.home, ServiceDatabase(schema, f"{schema}_owner", f"{schema}_app"))
    app = DatabaseAddress.parse(urls.app_url)
    await upgrade(DatabaseAddress.parse(urls.owner_url), app.user)
    return app


async def seed_team(settings: EngineSettings, definitions: list[ScorecardDefinition]) -> SeedReport:
    """Seeds the team of the settings, or that of the home."""
    team_id = settings.team_id or load_identity(settings.home).team_id
    engine = get_engine(await open_database(settings), EngineOptions(pool_size=0, application_name="tahoe seed"))
    try:
        async with team_session(get_session_factory(engine), team_id) as session:
            return await seed(session, definitions)
    finally:
        await engine.dispose()


def main() -> int:
    """Prints a line for each kind of thing that was added."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES
    try:
        definitions = [load_definition(path) for path in sorted(folder.glob("*.yaml"))]
        report = asyncio.run(seed_team(load_settings(), definitions))
    except TahoeError as error:
        print(error, file=sys.stderr)
        return 1
    for kind, names in report.model_dump().items():
        print(f"{kind}: {', '.join(names) or '-'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
