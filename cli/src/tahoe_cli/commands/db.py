import asyncio

import click

from tahoe_cli.database import Database, migrate, open_database, require_current
from tahoe_cli.output import json_option, print_json
from tahoe_cli.seeding import seed_team
from tahoe_engine.composition import compose
from tahoe_engine.db.revision import HEAD
from tahoe_engine.models.catalog import SeedReport
from tahoe_engine.settings import EngineSettings, load_settings


@click.group("db", epilog="\b\nExamples:\n  tahoe db upgrade\n  tahoe db current\n  tahoe db seed")
def command() -> None:
    """Migrate and seed the database: the embedded one, or that of DATABASE_URL.

    Migrations connect as DATABASE_OWNER_URL; the application's role (DATABASE_URL) is let in, and can delete nothing.
    """


@command.command("upgrade", epilog="\b\nExample:\n  tahoe db upgrade")
def upgrade() -> None:
    """Bring the schema to the newest migration."""
    database = open_database(load_settings())
    before = asyncio.run(_current(database))
    asyncio.run(migrate(database))
    click.echo(f"{database.app.schema} at {database.app.place}: {before or 'empty'} → {HEAD}")


@command.command("downgrade", epilog="\b\nExample:\n  tahoe db downgrade base --yes")
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade(revision: str, *, yes: bool) -> None:
    """Take the schema back to REVISION (`base`: before the first); what later tables held is lost."""
    from tahoe_engine.db.migrate import downgrade as take_back  # noqa: PLC0415 - Alembic takes 0.2 s

    database = open_database(load_settings())
    if not yes:
        click.confirm(f"This drops tables of {database.app.schema} at {database.app.place}. Go on?", abort=True)
    asyncio.run(take_back(database.owner, database.app.user, revision))
    click.echo(f"{database.app.schema} at {database.app.place}: now at {asyncio.run(_current(database)) or 'empty'}")


@command.command("current", epilog="\b\nExample:\n  tahoe db current --json")
@json_option
def current(*, as_json: bool) -> int:
    """Say which migration the schema stands at; exit 1 if it is not the newest."""
    database = open_database(load_settings())
    revision = asyncio.run(_current(database))
    if as_json:
        print_json({"schema": database.app.schema, "place": database.app.place, "current": revision, "newest": HEAD})
    else:
        click.echo(f"{revision or 'empty'}{'' if revision == HEAD else f' (newest: {HEAD})'}")
    return 0 if revision == HEAD else 1


@command.command("seed", epilog="\b\nExample:\n  tahoe db seed")
@json_option
def seed(*, as_json: bool) -> None:
    """Apply the example scorecards for the team; run again, it changes nothing."""
    settings = load_settings()
    report = asyncio.run(_seed(settings, open_database(settings)))
    if as_json:
        print_json(report.model_dump(mode="json"))
        return
    for kind, names in report.model_dump().items():
        click.echo(f"{kind.replace('_', ' '):<16} {', '.join(names) or '-'}")


async def _seed(settings: EngineSettings, database: Database) -> SeedReport:
    await require_current(database)
    services = compose(settings, database.app)
    try:
        return await seed_team(services)
    finally:
        await services.aclose()


async def _current(database: Database) -> str | None:
    from tahoe_engine.db.migrate import current as find_current  # noqa: PLC0415 - as above

    return await find_current(database.owner)
