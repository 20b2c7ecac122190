import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import click

from tahoe_cli.commands.memory.options import MEMORY_TYPE, MEMORY_TYPES, checked, reason_option, whose_options
from tahoe_cli.commands.memory.screen import draw
from tahoe_cli.moments import MOMENT
from tahoe_cli.output import json_option, print_json, say
from tahoe_cli.remembering import Desk, at_desk
from tahoe_core.errors import ReadError
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.models.memory_models import (
    MAX_CONTENT_CHARACTERS,
    NEEDS_AGENT,
    MemoryChange,
    MemoryCreate,
    MemoryRecord,
    MemoryType,
)
from tahoe_engine.models.memory_outcomes import AddedMemory, AddOutcome
from tahoe_engine.reporting.figures import count

_UTF8_BYTES = 4  # of the longest character
_SAID = {
    AddOutcome.CREATED: "Remembered.",
    AddOutcome.KNOWN: "It is known already; nothing was changed.",
    AddOutcome.MERGED: "It was known already; version {version} says it in the new words.",
    AddOutcome.SUPERSEDED: "Remembered, as version {version}, in the place of {others} about the same subject.",
    AddOutcome.DISPUTED: "Remembered, but it contradicts {others} about the same subject: all are disputed now.",
}


@click.command(
    "add",
    short_help="Remember a text.",
    epilog="""\b
Examples:
  tahoe memory add "Ann prefers tea."
  tahoe memory add "Ann drinks coffee now." --subject ann.drink --author Ann
  tahoe memory add "Never promise a refund." --type procedural --pin \\
      --agent concierge --create-agent
  tahoe memory add - --tag policy --expires 2026-12-31 < policy.txt
""",
)
@click.argument("text", required=False)
@whose_options
@click.option("--create-agent", is_flag=True, help="Make the agent if there is none of that name.")
@click.option(
    "--type",
    "memory_type",
    type=MEMORY_TYPE,
    default="semantic",
    show_default=True,
    metavar="TYPE",
    help=f"What kind it is: {MEMORY_TYPES}.",
)
@click.option("--subject", help="What it is about; an older memory of the same subject is superseded.")
@click.option("--author", help="Who said it.")
@click.option("--occurred", "occurred_at", type=MOMENT, help="When what it tells of happened.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; repeat for several.")
@click.option("--importance", type=click.IntRange(1, 10), default=5, show_default=True, help="1 to 10.")
@click.option("--pin", "is_pinned", is_flag=True, help="Let it come with every answer.")
@click.option("--expires", "expires_at", type=MOMENT, help="From then on it is not found any more.")
@json_option
def add(
    *, text: str | None, agent: str | None, create_agent: bool, memory_type: str, as_json: bool, **details: object
) -> None:
    """Remember TEXT; with `-`, or in a pipe without TEXT, what standard input says.

    What is known already is merged into a new version; what an older memory of the same --subject said is superseded.
    """
    if agent is None and memory_type in NEEDS_AGENT:
        raise click.UsageError(f"A memory of type {memory_type} belongs to an agent. Name it with --agent.")
    if agent is None and create_agent:
        raise click.UsageError("--create-agent needs --agent.")
    new_agent = checked(AgentDNA, name=agent, slug=agent) if create_agent else None
    # Agent and type come later: the one is a name yet, and some types need it.
    memory = checked(MemoryCreate, content=_read_text(text), **details)

    async def work(desk: Desk) -> tuple[AddedMemory, dict[UUID, str]]:
        agent_id = await (desk.ensure_agent(new_agent) if new_agent else desk.find_agent(agent))
        whose = {"agent_id": agent_id, "memory_type": MemoryType(memory_type)}
        added = await desk.memories.add(memory.model_copy(update=whose))
        await desk.keep_in_order()
        return added, await desk.name_agents([agent_id])

    added, agents = at_desk(work)
    if as_json:
        print_json(added.model_dump(mode="json"))
        return
    others = count(len(added.others), "memory", "memories")
    say(_SAID[added.outcome].format(version=added.memory.version, others=others))
    if added.outcome is AddOutcome.DISPUTED:
        say("  → Decide which holds: tahoe memory resolve ID")
    draw(agents).print_brief(added.memory)


@click.command(
    "supersede",
    short_help="Correct a memory by a new version.",
    epilog="""\b
Examples:
  tahoe memory supersede 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77 \\
      "Ann drinks coffee now." --reason "she said so on the phone"
""",
)
@click.argument("memory_id", metavar="ID", type=click.UUID)
@click.argument("text", required=False)
@click.option("--importance", type=click.IntRange(1, 10), help="1 to 10; left out: as it was.")
@click.option("--expires", "expires_at", type=MOMENT, help="Left out: as it was.")
@reason_option
@json_option
def supersede(
    *,
    memory_id: UUID,
    text: str | None,
    importance: int | None,
    expires_at: datetime | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Put TEXT in the place of what a memory says, as its next version; `-` or a pipe as with `add`."""
    change = checked(MemoryChange, content=_read_text(text), importance=importance, expires_at=expires_at)
    reason = reason or "corrected on the command line"
    _change(lambda memories: memories.supersede(memory_id, change, reason), "Version {version} holds now.", as_json)


@click.command("pin", epilog="\b\nExample:\n  tahoe memory pin 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77")
@click.argument("memory_id", metavar="ID", type=click.UUID)
@reason_option
@json_option
def pin(*, memory_id: UUID, reason: str | None, as_json: bool) -> None:
    """Let a memory come with every answer."""
    reason = reason or "asked for"
    _change(lambda memories: memories.pin(memory_id, reason=reason), "It comes with every answer now.", as_json)


@click.command("unpin", epilog="\b\nExample:\n  tahoe memory unpin 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77")
@click.argument("memory_id", metavar="ID", type=click.UUID)
@reason_option
@json_option
def unpin(*, memory_id: UUID, reason: str | None, as_json: bool) -> None:
    """Let a memory come only where it matters."""
    reason = reason or "asked for"
    _change(
        lambda memories: memories.pin(memory_id, pinned=False, reason=reason), "It comes where it matters.", as_json
    )


@click.command(
    "tag",
    short_help="Give a memory tags, or take them away.",
    epilog="\b\nExamples:\n  tahoe memory tag 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77 drinks ann\n"
    "  tahoe memory tag 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77",
)
@click.argument("memory_id", metavar="ID", type=click.UUID)
@click.argument("tags", metavar="[TAG]...", nargs=-1)
@json_option
def tag(*, memory_id: UUID, tags: tuple[str, ...], as_json: bool) -> None:
    """Give a memory these tags and no others; without any, take all away."""
    named = checked(MemoryCreate, content="tags", tags=tags).tags
    said = f"Tagged {', '.join(named)}." if named else "It has no tags now."
    _change(lambda memories: memories.tag(memory_id, named), said, as_json)


@click.command(
    "resolve",
    short_help="Decide a dispute for a memory.",
    epilog="\b\nExample:\n  tahoe memory resolve 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77",
)
@click.argument("memory_id", metavar="ID", type=click.UUID)
@reason_option
@json_option
def resolve(*, memory_id: UUID, reason: str | None, as_json: bool) -> None:
    """Decide a dispute for this memory; those that contradict it are superseded."""
    reason = reason or "decided on the command line"
    _change(lambda memories: memories.resolve(memory_id, reason), "It holds; the others are superseded.", as_json)


@click.command(
    "erase",
    short_help="Erase the words of a memory for data protection.",
    epilog="\b\nExample:\n  tahoe memory erase 0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77 \\\n"
    '      --reason "request 4711 under GDPR article 17"',
)
@click.argument("memory_id", metavar="ID", type=click.UUID)
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the log; no personal data.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase(*, memory_id: UUID, reason: str, yes: bool, as_json: bool) -> None:
    """Erase for data protection: every version's words are gone for good, and what was made of them.

    That there was a memory, and when and by whom it was erased, stays on record.
    """
    if not yes:
        click.confirm("The words of every version will be gone for good. Go on?", abort=True, err=True)
    erased = at_desk(lambda desk: desk.memories.erase(memory_id, reason))
    if as_json:
        print_json({"erased": [str(version) for version in erased]})
    else:
        say(f"Erased {count(len(erased), 'version')}.")


def _change(act: Callable[[Memories], Awaitable[MemoryRecord]], said: str, as_json: bool) -> None:
    async def work(desk: Desk) -> tuple[MemoryRecord, dict[UUID, str]]:
        record = await act(desk.memories)
        return record, await desk.name_agents([record.agent_id])

    record, agents = at_desk(work)
    if as_json:
        print_json(record.model_dump(mode="json"))
        return
    say(said.format(version=record.version))
    draw(agents).print_brief(record)


def _read_text(text: str | None) -> str:
    """Returns the text, or what standard input says where it is meant.

    Raises:
        UsageError: There is neither.
        ReadError: Standard input holds no text.
    """
    if text not in {None, "-"}:
        return text or ""
    if sys.stdin is None or (text is None and sys.stdin.isatty()):
        raise click.UsageError("Give a text, or `-` to have standard input read.")
    raw = sys.stdin.buffer.read(MAX_CONTENT_CHARACTERS * _UTF8_BYTES + 1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReadError("Standard input is not text in UTF-8.", cure="Convert it, for instance with iconv.") from None
