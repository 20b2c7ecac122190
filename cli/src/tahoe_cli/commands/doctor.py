import asyncio
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version

import click

from tahoe_cli.database import Database, open_database
from tahoe_cli.output import json_option, print_json
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.db.role import inspect_role
from tahoe_core.errors import TahoeError
from tahoe_core.postgres.status import EmbeddedStatus, find_status
from tahoe_engine.db.revision import HEAD, find_revision
from tahoe_engine.settings import EngineSettings, load_settings

MIB = 1024 * 1024


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    name: str
    value: str
    problem: str | None = None


@click.command("doctor", epilog="\b\nExamples:\n  tahoe doctor\n  tahoe doctor --json")
@json_option
def command(*, as_json: bool) -> int:
    """Say what runs where, and what is wrong; starts and changes nothing. Exit 1 if something is wrong."""
    lines = [Line("tahoe", f"{version('tahoe-cli')}, Python {platform.python_version()} on {platform.platform()}")]
    try:
        lines += _look_at_all(load_settings())
    except TahoeError as error:
        lines.append(Line("settings", "cannot be used", str(error)))
    if as_json:
        print_json({"checks": [asdict(line) for line in lines]})
    else:
        for line in lines:
            click.echo(f"{click.style('✗', fg='red') if line.problem else '✓'} {line.name:<12} {line.value}")
            if line.problem:
                click.echo(f"  → {line.problem}")
    return 1 if any(line.problem for line in lines) else 0


def _look_at_all(settings: EngineSettings) -> list[Line]:
    return [
        Line("environment", str(settings.environment)),
        Line("home", str(settings.home)),
        *_look_at_database(settings),
        _look_at_cache(settings),
        Line("model", settings.llm_model or "none: judges are reported as not run"),
    ]


def _look_at_database(settings: EngineSettings) -> list[Line]:
    if settings.database_url is not None:
        return asyncio.run(_look_inside(open_database(settings)))
    try:
        status = find_status(settings.home)
    except TahoeError as error:
        return [Line("postgres", "cannot be looked at", str(error))]
    lines = _describe_embedded(status)
    if status.is_ready:
        lines += asyncio.run(_look_inside(open_database(settings)))
    return lines


def _describe_embedded(status: EmbeddedStatus) -> list[Line]:
    if status.pid is not None:
        running = f"PostgreSQL {status.version} runs on 127.0.0.1:{status.port}, pid {status.pid}"
    elif status.data_dir is not None:
        running = f"PostgreSQL {status.version}, not running"
    else:
        running = "none yet; the first command that needs it makes it"
    lines = [Line("postgres", running, " ".join(status.problems) or None)]
    if status.data_dir is not None:
        size = f"{status.size_bytes / MIB:,.0f} MiB, {status.free_bytes / MIB:,.0f} MiB free"
        lines.append(Line("data", f"{status.data_dir} as {status.account} ({size})"))
        lines.append(Line("log", str(status.log_file)))
    if status.leftovers:
        places = ", ".join(str(path) for path in status.leftovers)
        lines.append(Line("leftovers", f"no home uses them any more, so they may be removed: {places}"))
    return lines


async def _look_inside(database: Database) -> list[Line]:
    """The role that the application uses, and the migration its schema stands at."""
    place = f"{database.app.schema} at {database.app.place}"
    engine = get_engine(database.app, EngineOptions(pool_size=0))
    try:
        async with engine.connect() as connection:
            revision = await find_revision(connection, database.app.schema)
            role = await inspect_role(connection)
    except TahoeError as error:
        return [Line("database", place, str(error))]
    finally:
        await engine.dispose()
    weak = (
        None
        if role.is_isolated
        else "This role is superuser, owner or bypasses row-level security, so the database does not keep teams apart. "
        "Connect as a role that is none of these (DATABASE_URL), and migrate as the owner (DATABASE_OWNER_URL)."
    )
    stale = None if revision == HEAD else f"The newest migration is {HEAD}. Run: tahoe db upgrade"
    return [Line("database", f"{place}, as {role.user}", weak), Line("migration", revision or "none", stale)]


def _look_at_cache(settings: EngineSettings) -> Line:
    if settings.redis_url is None:
        return Line("cache", "in process")
    return asyncio.run(_look_at_redis(settings))


async def _look_at_redis(settings: EngineSettings) -> Line:
    from tahoe_core.cache.opening import open_cache  # noqa: PLC0415 - only where there is a Redis

    cache = open_cache(settings.redis_url)
    try:
        await cache.ping()
    except TahoeError as error:
        return Line("cache", "Redis", str(error))
    finally:
        await cache.aclose()
    return Line("cache", "Redis answers")
