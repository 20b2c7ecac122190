import asyncio
from dataclasses import dataclass
from pathlib import Path

import click
import yaml
from rich.console import Console

from tahoe_cli.memory_chapter import AGENT, QUESTION, print_chapter, remember
from tahoe_cli.opening import Opened, open_services
from tahoe_cli.personal_data import mask_personal_data
from tahoe_cli.remembering import Desk
from tahoe_cli.seeding import find_examples
from tahoe_cli.sinks.html_files import write_page
from tahoe_core.db.session import team_session
from tahoe_engine.analysis.analyses import Analyses
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.interactions.reading import ReadFailure, read_paths
from tahoe_engine.reporting.build import build_view
from tahoe_engine.reporting.html import render_index, render_report
from tahoe_engine.reporting.listing import print_table
from tahoe_engine.reporting.summary import summarize
from tahoe_engine.reporting.terminal import print_report
from tahoe_engine.reporting.view import ReportView
from tahoe_engine.settings import load_settings


@dataclass(frozen=True)
class Example:
    """One interaction of the examples, and the scorecard it is meant for."""

    file: Path
    scorecard: str


@click.command("demo", epilog="\b\nExample:\n  tahoe demo")
def command() -> None:
    """Score the example interactions, print a report of each and write them as HTML; show what memory keeps.

    The first run starts Postgres, migrates and seeds it. A second run finds what is there and changes nothing.
    """
    asyncio.run(_run())


async def _run() -> None:
    settings = load_settings()
    examples = _list_examples(find_examples(settings))
    folder = settings.home / "reports" / "demo"
    console = Console()
    async with open_services(settings) as opened:
        summaries = []
        for example in examples:
            view = await _score(opened, example)
            name = f"{example.file.stem}.html"
            write_page(folder / name, render_report(view))
            summaries.append(summarize(view, name))
            print_report(console, view)
        told = await remember(Desk(opened.services, actor="demo"))
    write_page(folder / "index.html", render_index(summaries))
    print_table(console, summaries)
    print_chapter(console, told)
    click.echo(f"\nReports: {folder / 'index.html'}")
    click.echo("Next: tahoe analyze FILE --scorecard support-quality   (your own file)")
    click.echo(f'      tahoe memory search "{QUESTION}" --agent {AGENT.slug}')
    click.echo("      tahoe up                                         (the API)")
    click.echo("      tahoe down                                       (stop Postgres)")


def _list_examples(folder: Path) -> list[Example]:
    entries = yaml.safe_load((folder / "demo.yaml").read_text(encoding="utf-8"))
    return [Example(folder / "interactions" / entry["file"], entry["scorecard"]) for entry in entries]


async def _score(opened: Opened, example: Example) -> ReportView:
    (item,) = read_paths([str(example.file)])
    if isinstance(item, ReadFailure):
        raise item.error
    services = opened.services
    team_id = services.identity.team_id
    analysis = await Analyses(services.sessions, team_id, services.kit).ensure(item.interaction, example.scorecard)
    async with team_session(services.sessions, team_id) as session:
        scorecard = await ScorecardCatalog(session).get(analysis.scorecard.name, analysis.scorecard.version)
    return build_view(analysis, item.interaction, scorecard, mask_personal_data)
