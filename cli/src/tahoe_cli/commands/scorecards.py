import asyncio
import difflib
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from tahoe_cli.opening import open_services
from tahoe_cli.output import json_option, print_json, say
from tahoe_core.db.page import MAX_LIMIT, PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import InvalidInputError, NotFoundError
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.models.catalog import ScorecardSummary
from tahoe_engine.models.scorecard import ScorecardDefinition
from tahoe_engine.scoring.definition import definition_schema, dump_definition, load_definition
from tahoe_engine.settings import load_settings

EPILOG = """\b
Examples:
  tahoe scorecards list
  tahoe scorecards show support-quality > ours.yaml
  tahoe scorecards validate ours.yaml
  tahoe scorecards diff ours.yaml
  tahoe scorecards apply ours.yaml
"""


@click.group("scorecards", epilog=EPILOG)
def command() -> None:
    """List, show, validate, apply and compare scorecards.

    A scorecard is a YAML file; `tahoe scorecards schema` prints its JSON Schema for editors.
    """


@command.command("list", epilog="\b\nExample:\n  tahoe scorecards list --json")
@json_option
def list_command(*, as_json: bool) -> None:
    """List the active scorecards."""
    rows = _in_catalog(_list_all)
    if as_json:
        print_json({"scorecards": [row.model_dump(mode="json") for row in rows]})
        return
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        say(f"{row.name:<{width}}  version {row.version}  {' '.join(row.description.split())}")


@command.command("show", epilog="\b\nExample:\n  tahoe scorecards show support-quality --version 1")
@click.argument("name")
@click.option("--version", type=click.IntRange(min=1), help="Left out: the newest.")
def show(name: str, version: int | None) -> None:
    """Print a scorecard as YAML."""
    say(dump_definition(_in_catalog(lambda catalog: catalog.get_definition(name, version))).rstrip("\n"))


@command.command("validate", epilog="\b\nExample:\n  tahoe scorecards validate ours.yaml theirs.yaml")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> int:
    """Check scorecard files; every mistake is named with its line. Needs no database."""
    failed = 0
    for file in files:
        try:
            definition = load_definition(file)
        except InvalidInputError as error:
            failed += 1
            say(str(error), err=True)
        else:
            say(f"{file}: {definition.name}, {len(definition.requirements)} requirements, is valid.")
    return 1 if failed else 0


@command.command("apply", epilog="\b\nExample:\n  tahoe scorecards apply ours.yaml")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def apply(files: tuple[Path, ...]) -> None:
    """Make files the active versions of their scorecards; an unchanged one changes nothing."""
    definitions = [load_definition(file) for file in files]

    async def run(catalog: ScorecardCatalog) -> None:
        for definition in definitions:
            applied = await catalog.apply(definition)
            state = "now active" if applied.created else "already active"
            say(f"{applied.bound.name}: version {applied.bound.version} is {state}.")

    _in_catalog(run)


@command.command("diff", epilog="\b\nExample:\n  tahoe scorecards diff ours.yaml")
@click.argument("file", type=click.Path(path_type=Path))
def diff(file: Path) -> int:
    """Compare a file with the stored version of its scorecard; exit 1 if they differ."""
    definition = load_definition(file)

    async def find(catalog: ScorecardCatalog) -> ScorecardDefinition | None:
        try:
            return await catalog.get_definition(definition.name)
        except NotFoundError:
            return None

    stored = _in_catalog(find)
    before = dump_definition(stored) if stored else ""
    lines = list(
        difflib.unified_diff(
            before.splitlines(), dump_definition(definition).splitlines(), "stored", str(file), lineterm=""
        )
    )
    colors = {"+": "green", "-": "red"}
    for line in lines:
        say(line, color=colors.get(line[0]) if line else None)
    return 1 if lines else 0


@command.command("schema", epilog="\b\nExample:\n  tahoe scorecards schema > scorecard.schema.json")
def schema() -> None:
    """Print the JSON Schema of scorecard files."""
    print_json(definition_schema())


def _in_catalog[Result](work: Callable[[ScorecardCatalog], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with open_services(load_settings()) as opened:
            services = opened.services
            async with team_session(services.sessions, services.identity.team_id) as session:
                return await work(ScorecardCatalog(session))

    return asyncio.run(run())


async def _list_all(catalog: ScorecardCatalog) -> list[ScorecardSummary]:
    rows: list[ScorecardSummary] = []
    cursor = None
    while True:
        page = await catalog.list_page(PageRequest.of(MAX_LIMIT, cursor))
        rows += page.items
        cursor = page.next_cursor
        if cursor is None:
            return sorted(rows, key=lambda row: row.name)
