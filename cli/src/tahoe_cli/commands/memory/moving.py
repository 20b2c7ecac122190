from collections import Counter
from typing import BinaryIO
from uuid import UUID

import click
from pydantic import ValidationError

from tahoe_cli.commands.memory.options import checked
from tahoe_cli.output import json_option, print_json, say
from tahoe_cli.remembering import Desk, at_desk
from tahoe_core.errors import NotFoundError, ReadError
from tahoe_engine.memory.export_lines import write_line
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.models.memory_models import MemoryCreate
from tahoe_engine.models.memory_outcomes import AddOutcome
from tahoe_engine.models.memory_transfer import ImportedMemories
from tahoe_engine.reporting.figures import count

UPKEEP_SECONDS = 60
_SAID = {
    AddOutcome.CREATED: "new",
    AddOutcome.KNOWN: "known already",
    AddOutcome.MERGED: "merged with what was known",
    AddOutcome.SUPERSEDED: "in the place of what was known of the subject",
    AddOutcome.DISPUTED: "in dispute with what was known of the subject",
}


@click.command(
    "export",
    short_help="Write all of it as JSONL.",
    epilog="""\b
Examples:
  tahoe memory export memories.jsonl
  tahoe memory export | gzip > memories.jsonl.gz
""",
)
@click.argument("file", type=click.File("wb", lazy=True, atomic=True), default="-")
def export(file: BinaryIO) -> None:
    """Write every version of every memory to FILE, or to standard output: JSONL, newest first.

    Whoever reads it reads what every agent remembers of every user. The log stays in the database.
    """

    async def work(desk: Desk) -> int:
        versions = 0
        async for record in desk.memories.export():
            file.write(write_line(record))
            versions += 1
        return versions

    say(f"Exported {count(at_desk(work), 'version')}.", err=True)


@click.command(
    "import",
    short_help="Read an export, or a file of new memories.",
    epilog="""\b
Examples:
  tahoe memory import memories.jsonl
  gunzip -c memories.jsonl.gz | tahoe memory import -
  tahoe memory import --new facts.txt --agent concierge --create-agent
""",
)
@click.argument("file", type=click.File("rb"))
@click.option("--new", "is_new", is_flag=True, help="Each line is a new memory: a text, or JSON as the API takes it.")
@click.option(
    "--agent",
    metavar="SLUG",
    help="Whose they become, where their agent is not here; of new ones, where none is named.",
)
@click.option("--create-agent", is_flag=True, help="Make the agent if there is none of that name.")
@json_option
def import_command(*, file: BinaryIO, is_new: bool, agent: str | None, create_agent: bool, as_json: bool) -> None:
    """Read FILE (`-`: standard input), as `tahoe memory export` wrote it; all of it comes in, or nothing.

    What is here already is not written twice, and what changed here since stays.
    """
    if agent is None and create_agent:
        raise click.UsageError("--create-agent needs --agent.")
    new_agent = checked(AgentDNA, name=agent, slug=agent) if create_agent else None
    data = file.read()
    created = _read_new(data) if is_new else []

    async def work(desk: Desk) -> ImportedMemories | dict[AddOutcome, int]:
        agent_id = await (desk.ensure_agent(new_agent) if new_agent else desk.find_agent(agent))
        if is_new:
            whose = [one if one.agent_id else one.model_copy(update={"agent_id": agent_id}) for one in created]
            outcomes = Counter((await desk.memories.add_many(whose)).outcomes)
            await desk.keep_in_order(UPKEEP_SECONDS)
            return outcomes
        imported = await _import(desk, data, agent_id)
        await desk.keep_in_order(UPKEEP_SECONDS)
        return imported

    imported = at_desk(work)
    if isinstance(imported, ImportedMemories):
        _tell_import(imported, as_json)
    elif as_json:
        print_json({outcome.value: imported.get(outcome, 0) for outcome in AddOutcome})
    else:
        listed = [f"{number:,} {_SAID[outcome]}" for outcome, number in imported.items()]
        say(f"Remembered: {', '.join(listed) or 'nothing'}.")


async def _import(desk: Desk, data: bytes, agent_id: UUID | None) -> ImportedMemories:
    try:
        return await desk.memories.import_export(data, agent_id)
    except NotFoundError as error:
        raise NotFoundError(error.message, cure="Say with --agent whose they become; nothing was imported.") from error


def _tell_import(imported: ImportedMemories, as_json: bool) -> None:
    if as_json:
        print_json(imported.model_dump(mode="json"))
        return
    listed = [
        f"{number:,} {what}"
        for number, what in (
            (imported.known, "here already"),
            (imported.outdated, "changed here since"),
            (imported.erased, "erased"),
        )
        if number
    ]
    say(f"Imported {count(imported.added, 'version')}{''.join(f'; {part}' for part in listed)}.")


def _read_new(data: bytes) -> list[MemoryCreate]:
    """Reads new memories, one a line; empty lines are passed over.

    Raises:
        ReadError: A line is none; nothing was written.
    """
    found = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        text = line.strip()
        if not text:
            continue
        try:
            if text.startswith(b"{"):
                found.append(MemoryCreate.model_validate_json(text))
            else:
                found.append(MemoryCreate(content=text.decode()))
        except ValidationError as error:
            [first, *_rest] = error.errors(include_url=False, include_context=False, include_input=False)
            where = f"{'.'.join(map(str, first['loc']))}: " if first["loc"] else ""
            raise _refuse(number, f"{where}{first['msg']}") from None
        except UnicodeDecodeError:
            raise _refuse(number, "it is not text in UTF-8") from None
    return found


def _refuse(number: int, why: str) -> ReadError:
    return ReadError(f"Line {number} is no new memory: {why.rstrip('.')}.", line=number, cure="Nothing was imported.")
