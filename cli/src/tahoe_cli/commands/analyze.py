import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from tahoe_cli.opening import Opened, open_services
from tahoe_cli.output import json_option, print_json, say
from tahoe_cli.personal_data import mask_personal_data
from tahoe_cli.progress import Advance, progress_bar
from tahoe_cli.sinks.json_document import JsonSink, describe
from tahoe_cli.sinks.sink import Sink
from tahoe_core.db.session import team_session
from tahoe_core.errors import TahoeError
from tahoe_engine.analysis.batches import Analyzed, BatchAnalyzer
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.interactions.reading import (
    FieldMap,
    ReadFailure,
    ReadItem,
    ReadOptions,
    Source,
    count_files,
    get_format,
    read_paths,
)
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.settings import load_settings

EPILOG = """\b
Examples:
  tahoe analyze call.vtt --scorecard support-quality
  tahoe analyze chats/ --scorecard support-quality --html report.html
  tahoe analyze corpus.json -s support-quality --map speaker=who,text=body
  tahoe analyze chats.jsonl -s support-quality --json > results.json
  tahoe analyze 'calls/*.json' -s ./our-card.yaml

Reads Tahoe's JSON and JSONL, plain text ("Agent: …"), OpenAI chat messages, WebVTT, SRT, e-mail threads, and JSON that
holds turns under a usual name. Exit 0: all scored; 1: something could not be.
"""


@click.command("analyze", epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-s", "--scorecard", required=True, help="Name of a scorecard, or a YAML file, which is applied first.")
@click.option("--format", "format_name", metavar="FORMAT", help="Overrule the recognition of the format.")
@click.option("--map", "maps", multiple=True, metavar="KEY=NAME,…", help="Names of fields and people in the source.")
@click.option("--time-zone", metavar="ZONE", help="Zone of times that come without one, for instance Europe/Paris.")
@click.option("--html", "html_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the report here.")
@click.option("--show-personal-data", is_flag=True, help="Do not mask personal data in reports.")
@json_option
def command(
    *,
    paths: tuple[str, ...],
    scorecard: str,
    format_name: str | None,
    maps: tuple[str, ...],
    time_zone: str | None,
    html_path: Path | None,
    show_personal_data: bool,
    as_json: bool,
) -> int:
    """Score interactions in files, folders and globs (`-`: standard input) against a scorecard."""
    try:
        options = ReadOptions(
            format=get_format(format_name) if format_name else None,
            field_map=FieldMap.parse(*maps),
            time_zone=time_zone,
        )
        return asyncio.run(
            _run(
                scorecard,
                lambda bound: _open_sinks(bound, html_path, as_json=as_json, show_personal_data=show_personal_data),
                paths,
                options,
            )
        )
    except TahoeError as error:
        if as_json:
            print_json({"analyses": [], "errors": [describe(ReadFailure(Source(""), error))]})
        raise


async def _run(
    scorecard: str, open_sinks: Callable[[BoundScorecard], list[Sink]], paths: tuple[str, ...], options: ReadOptions
) -> int:
    async with open_services(load_settings()) as opened:
        bound = await find_scorecard(opened, scorecard)
        with progress_bar(count_files(paths)) as advance:
            return await score(opened, bound, _counted(read_paths(paths, options), advance), open_sinks(bound))


def _open_sinks(
    scorecard: BoundScorecard, html_path: Path | None, *, as_json: bool, show_personal_data: bool
) -> list[Sink]:
    masker = None if show_personal_data else mask_personal_data
    files: list[Sink] = []
    if html_path is not None:
        from tahoe_cli.sinks.html_files import HtmlSink  # noqa: PLC0415 - Jinja is needed for HTML alone

        files.append(HtmlSink(html_path, scorecard, masker))
    if as_json:
        return [JsonSink(), *files]
    from tahoe_cli.sinks.screen import ScreenSink  # noqa: PLC0415 - rich is not needed for JSON

    return [ScreenSink(scorecard, masker), *files]


async def find_scorecard(opened: Opened, name: str) -> BoundScorecard:
    """Returns the active version of a scorecard, or applies the YAML file of that name and returns what it made.

    Raises:
        NotFoundError: There is none of that name; near names are suggested.
        ScorecardError: The file has mistakes.
    """
    services = opened.services
    async with team_session(services.sessions, services.identity.team_id) as session:
        catalog = ScorecardCatalog(session)
        if Path(name).suffix not in {".yaml", ".yml"}:
            return await catalog.get(name)
        from tahoe_engine.scoring.definition import load_definition  # noqa: PLC0415 - YAML only for a file

        applied = await catalog.apply(load_definition(Path(name)))
        if applied.created:
            say(f"Applied {applied.bound.name}, version {applied.bound.version}.", err=True)
        return applied.bound


async def score(opened: Opened, scorecard: BoundScorecard, items: Iterable[ReadItem], sinks: list[Sink]) -> int:
    """Scores what is read and hands it to the sinks; returns the exit status."""
    services = opened.services
    analyzer = BatchAnalyzer(services.sessions, services.identity.team_id, scorecard, services.kit)
    failures: list[ReadFailure] = []
    try:
        async for result in analyzer.run(items):
            if isinstance(result, ReadFailure):
                failures.append(result)
                continue
            _add(result, sinks, failures)
    except TahoeError as error:
        # What was scored before stands, in the database as in the output.
        failures.append(ReadFailure(Source(""), error))
    except asyncio.CancelledError:
        _close(sinks, [*failures, ReadFailure(Source(""), TahoeError("Interrupted; the rest was not scored."))])
        raise
    _close(sinks, failures)
    return 1 if failures else 0


def _add(analyzed: Analyzed, sinks: list[Sink], failures: list[ReadFailure]) -> None:
    """Hands an analysis to every sink; one that fails is left out from then on, and the others go on."""
    for sink in list(sinks):
        try:
            sink.add(analyzed)
        except TahoeError as error:
            failures.append(ReadFailure(Source(""), error))
            sinks.remove(sink)


def _close(sinks: list[Sink], failures: list[ReadFailure]) -> None:
    """Ends the files before the output, which tells what failed; the last lines say where the files are."""
    farewells = []
    for sink in reversed(sinks):
        try:
            farewells.append(sink.close(failures))
        except TahoeError as error:
            failures.append(ReadFailure(Source(""), error))
    for farewell in filter(None, farewells):
        click.echo(farewell, err=True)


def _counted(items: Iterable[ReadItem], advance: Advance) -> Iterator[ReadItem]:
    for item in items:
        advance(item.source.path)
        yield item
