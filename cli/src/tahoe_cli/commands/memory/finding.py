from datetime import datetime
from uuid import UUID

import click

from tahoe_cli.commands.memory.options import MEMORY_TYPE, MEMORY_TYPES, checked, whose_options
from tahoe_cli.commands.memory.screen import draw
from tahoe_cli.moments import PAST_MOMENT, show_exactly
from tahoe_cli.output import json_option, print_json, say
from tahoe_cli.remembering import Desk, at_desk
from tahoe_core.db.page import MAX_LIMIT, PageRequest
from tahoe_engine.models.memory_filter import MemoryFilter
from tahoe_engine.models.memory_models import (
    MemoryRecord,
    MemorySearchRequest,
    MemorySearchResult,
    MemoryStatus,
    MemoryType,
)

_MOST = 100


@click.command(
    "search",
    short_help="Find what matters to a question.",
    epilog="""\b
Examples:
  tahoe memory search "What does Ann drink?"
  tahoe memory search "delivery address" --agent concierge --limit 3
  tahoe memory search "opening hours" --as-of "2026-05-08 14:30" --json
""",
)
@click.argument("query")
@whose_options
@click.option(
    "--type", "types", type=MEMORY_TYPE, multiple=True, metavar="TYPE", help=f"Only of this type: {MEMORY_TYPES}."
)
@click.option("--tag", "tags", multiple=True, help="Only with this tag; of several, with all.")
@click.option("--as-of", "moment", type=PAST_MOMENT, help="What could have been found then.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=10, show_default=True, help="At most so many.")
@json_option
def search(
    *,
    query: str,
    agent: str | None,
    user_id: UUID | None,
    types: tuple[str, ...],
    tags: tuple[str, ...],
    moment: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Find what matters to QUERY, by meaning and by words, best first.

    It finds what the whole team remembers; with --agent and --user also what is theirs alone.
    """
    fields = {"query": query, "user_id": user_id, "types": types or None, "tags": tags, "limit": limit, "as_of": moment}
    _search(checked(MemorySearchRequest, **fields), agent, as_json=as_json)


@click.command(
    "as-of",
    short_help="Find what could have been known at a moment.",
    epilog="""\b
Examples:
  tahoe memory as-of 2026-05-08 "What does Ann drink?"
  tahoe memory as-of "2026-05-08 14:30:12.5" "opening hours" --json
  tahoe memory as-of 2026-05-08T12:30:00Z "refunds" --agent concierge
""",
)
@click.argument("moment", type=PAST_MOMENT)
@click.argument("query")
@whose_options
@click.option("--limit", type=click.IntRange(1, _MOST), default=10, show_default=True, help="At most so many.")
@json_option
def as_of(*, moment: datetime, query: str, agent: str | None, user_id: UUID | None, limit: int, as_json: bool) -> None:
    """Find what could have been known about QUERY at MOMENT: what it said then, and nothing learned later.

    MOMENT is a date or time as ISO 8601 has it; without an offset, by this machine's clock. A date is its first moment.
    """
    request = checked(MemorySearchRequest, query=query, user_id=user_id, limit=limit, as_of=moment)
    _search(request, agent, as_json=as_json)


@click.command(
    "show",
    short_help="Print one version of a memory.",
    epilog="""\b
Examples:
  tahoe memory show 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77
  tahoe memory show 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77 --as-of 2026-05-08
""",
)
@click.argument("memory_id", metavar="ID", type=click.UUID)
@click.option("--as-of", "moment", type=PAST_MOMENT, help="The version that stood then, with its state of then.")
@json_option
def show(*, memory_id: UUID, moment: datetime | None, as_json: bool) -> None:
    """Print one version of a memory, with all that is known of it."""

    async def work(desk: Desk) -> tuple[MemoryRecord, dict[UUID, str]]:
        memories = desk.memories
        record = await (memories.get_at(memory_id, moment) if moment else memories.get(memory_id))
        return record, await desk.name_agents([record.agent_id])

    record, agents = at_desk(work)
    if as_json:
        print_json(record.model_dump(mode="json"))
    else:
        draw(agents).print_record(record)


@click.command(
    "history",
    short_help="Print every version, who changed it and why.",
    epilog="\b\nExample:\n  tahoe memory history 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77",
)
@click.argument("memory_id", metavar="ID", type=click.UUID)
@json_option
def history(*, memory_id: UUID, as_json: bool) -> None:
    """Print every version of a memory: what it said, what happened to it, who did it and why.

    ID is that of any of its versions.
    """
    found = at_desk(lambda desk: desk.memories.get_history(memory_id))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        draw().print_history(found)


@click.command(
    "list",
    short_help="List what is remembered, newest first.",
    epilog="\b\nExamples:\n  tahoe memory list\n  tahoe memory list --agent concierge --type identity\n"
    "  tahoe memory list --status disputed",
)
@whose_options
@click.option("--type", "kind", type=MEMORY_TYPE, metavar="TYPE", help=f"Only of this type: {MEMORY_TYPES}.")
@click.option("--tag", help="Only with this tag.")
@click.option(
    "--status",
    type=click.Choice([*(status.value for status in MemoryStatus), "any"]),
    help="Only with this status; left out: what counts, active and disputed.",
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@json_option
def list_command(
    *,
    agent: str | None,
    user_id: UUID | None,
    kind: str | None,
    tag: str | None,
    status: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List what is remembered, newest first; whose it is makes no difference unless asked for."""
    statuses = {MemoryStatus.ACTIVE, MemoryStatus.DISPUTED} if status is None else set(MemoryStatus)
    wanted = MemoryFilter(
        user_id=user_id,
        memory_type=MemoryType(kind) if kind else None,
        tag=tag,
        status=MemoryStatus(status) if status and status != "any" else None,
    )

    async def work(desk: Desk) -> tuple[list[MemoryRecord], dict[UUID, str]]:
        which = wanted.model_copy(update={"agent_id": await desk.find_agent(agent)})
        records: list[MemoryRecord] = []
        cursor = None
        while len(records) < limit:
            page = await desk.memories.list_page(PageRequest.of(MAX_LIMIT, cursor), which)
            records += [record for record in page.items if record.status in statuses]
            cursor = page.next_cursor
            if cursor is None:
                break
        records = records[:limit]
        return records, await desk.name_agents(record.agent_id for record in records)

    records, agents = at_desk(work)
    if as_json:
        print_json({"memories": [record.model_dump(mode="json") for record in records]})
    elif records:
        draw(agents).print_list(records)
    else:
        say("There is nothing to list.", err=True)


@click.command("stats", epilog="\b\nExample:\n  tahoe memory stats --json")
@json_option
def stats(*, as_json: bool) -> None:
    """Count what is remembered, and what happened to it."""
    overview = at_desk(lambda desk: desk.memories.get_overview())
    if as_json:
        print_json(overview.model_dump(mode="json"))
    else:
        draw().print_overview(overview)


def _search(request: MemorySearchRequest, agent: str | None, *, as_json: bool) -> None:
    async def work(desk: Desk) -> tuple[list[MemorySearchResult], dict[UUID, str]]:
        asked = request.model_copy(update={"agent_id": await desk.find_agent(agent)})
        results = await desk.memories.search(asked)
        return results, await desk.name_agents(result.memory.agent_id for result in results)

    results, agents = at_desk(work)
    if as_json:
        print_json({"results": [result.model_dump(mode="json") for result in results]})
    elif results:
        draw(agents).print_results(results)
    else:
        then = f" as of {show_exactly(request.as_of)}" if request.as_of else ""
        more = "" if agent else " What is an agent's alone is found with --agent."
        say(f"Nothing was found{then}.{more}", err=True)
