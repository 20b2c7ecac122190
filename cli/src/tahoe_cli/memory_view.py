"""Memories on a terminal or in a pipe: texts as they are, with what is hidden in them made visible."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from uuid import UUID

from rich.console import Console
from rich.text import Text

from tahoe_cli.moments import name_clock, show_exactly, show_minute
from tahoe_engine.models.memory_models import (
    MemoryEvent,
    MemoryHistory,
    MemoryLogEntry,
    MemoryRecord,
    MemorySearchResult,
    MemoryStatus,
)
from tahoe_engine.models.memory_overview import MemoryOverview
from tahoe_engine.reporting.figures import count, format_percent
from tahoe_engine.reporting.pen import Pen
from tahoe_engine.reporting.visible_text import visible

_STATUS_STYLES = {
    MemoryStatus.ACTIVE: "green",
    MemoryStatus.SUPERSEDED: "dim",
    MemoryStatus.ARCHIVED: "dim",
    MemoryStatus.DISPUTED: "bold yellow",
}
_LONGEST = 400
_EVENT_WIDTH = max(len(event.value) for event in MemoryEvent)


class MemoryView:
    """Writes memories on one console.

    Args:
        console: Where to.
        agents: What the agents in it are called, by their ids.
    """

    def __init__(self, console: Console, agents: Mapping[UUID, str] | None = None) -> None:
        self._pen = Pen(console)
        self._agents = agents or {}

    def print_results(self, results: Sequence[MemorySearchResult]) -> None:
        """Prints what was found, best first."""
        self.print_list([result.memory for result in results])

    def print_list(self, records: Sequence[MemoryRecord]) -> None:
        """Prints memories with their numbers, a few lines each."""
        width = len(str(len(records)))
        for number, record in enumerate(records, start=1):
            self._print_brief(record, f"{number:>{width}}  ")

    def print_brief(self, record: MemoryRecord) -> None:
        """Prints one memory in a few lines."""
        self._print_brief(record, "  ")

    def print_record(self, record: MemoryRecord) -> None:
        """Prints all that is known of one version."""
        self._pen.write(self._pen.text(visible(record.content), "bold"))
        self._print_facts([*self._list_place(record), *_list_state(record)])

    def print_history(self, history: MemoryHistory) -> None:
        """Prints every version, and what happened to it, who did it and why."""
        pen = self._pen
        for version in history.versions:
            heading = pen.text(f"Version {version.version}  ", "bold")
            heading.append_text(pen.text(version.status.value, _STATUS_STYLES[version.status]))
            heading.append_text(pen.text(f"  {version.id}", "dim"))
            pen.write(heading)
            pen.write(pen.text(pen.quoted(visible(version.content), _LONGEST)), "  ")
            self._print_events(event for event in history.events if version.id in _list_ids(event))
            pen.gap()
        clock = name_clock(history.versions[-1].created_at)
        pen.write(pen.text(f"By the clock of this machine ({clock}); as-of takes a time as it stands here.", "dim"))

    def print_overview(self, overview: MemoryOverview) -> None:
        """Prints how much there is, and what happened to it."""
        memories, versions = count(overview.live, "memory", "memories"), count(overview.versions, "version")
        self._pen.write(self._pen.text(f"{memories} in use, {versions} in all", "bold"))
        ends = [show_minute(moment) for moment in (overview.oldest_at, overview.newest_at) if moment]
        self._print_facts(
            [
                ("Status", _tally(overview.statuses)),
                ("Type", _tally(overview.types)),
                ("Tier", _tally(overview.tiers)),
                ("Pinned", f"{overview.pinned:,}" if overview.pinned else ""),
                ("Vectors", _tally(overview.models)),
                ("No vector", f"{overview.unembedded:,}, found by words alone" if overview.unembedded else ""),
                ("Erased", count(overview.erased, "version") if overview.erased else ""),
                ("Learned", " to ".join(ends)),
                ("Log", _tally(overview.events)),
            ]
        )

    def _print_brief(self, record: MemoryRecord, first: str) -> None:
        pen = self._pen
        pen.write(pen.text(_shorten(record.content)), pen.text(first, "dim"))
        line = Text()
        if record.status is not MemoryStatus.ACTIVE:
            line.append_text(pen.text(f"{record.status.value} {pen.signs.dot} ", _STATUS_STYLES[record.status]))
        facts = pen.join(
            _name_type(record),
            f"agent {self._name_agent(record)}" if record.agent_id else "",
            f"user {record.user_id}" if record.user_id else "",
            visible(record.subject or ""),
            visible(record.author or ""),
            f"version {record.version}" if record.version > 1 else "",
            "pinned" if record.is_pinned else "",
            " ".join(f"#{visible(tag)}" for tag in record.tags),
            show_minute(record.occurred_at or record.created_at),
        )
        line.append_text(pen.text(facts, "dim"))
        indent = " " * len(first)
        pen.write(line, indent)
        pen.write(pen.text(str(record.id), "dim"), indent)

    def _print_facts(self, facts: Iterable[tuple[str, str]]) -> None:
        filled = [(label, value) for label, value in facts if value]
        width = max((len(label) for label, _value in filled), default=0)
        for label, value in filled:
            self._pen.write(self._pen.text(visible(value)), self._pen.text(f"  {label:<{width}}  ", "dim"))

    def _list_place(self, record: MemoryRecord) -> list[tuple[str, str]]:
        return [
            ("Id", str(record.id)),
            ("Version", str(record.version)),
            ("Type", _name_type(record)),
            ("Subject", record.subject or ""),
            ("Agent", self._name_agent(record)),
            ("User", str(record.user_id or "")),
            ("Said by", record.author or ""),
            ("Happened", show_minute(record.occurred_at) if record.occurred_at else ""),
            ("Tags", ", ".join(record.tags)),
            ("Source", record.source.value),
            ("Conversation", str(record.source_conversation_id or "")),
            ("Metadata", ", ".join(f"{name}: {value}" for name, value in record.metadata.items())),
        ]

    def _print_events(self, events: Iterable[MemoryLogEntry]) -> None:
        pen = self._pen
        for kind, group in groupby(events, key=lambda event: event.event):
            entries = list(group)
            # Each search that put it before a model is on the log; a line for all of them says enough.
            shown = [entries[-1]] if kind is MemoryEvent.ACCESSED else entries
            for entry in shown:
                times = f", {count(len(entries), 'time')} until then" if len(entries) > len(shown) else ""
                line = pen.text(f"{kind.value}{times}".ljust(_EVENT_WIDTH))
                told = f"  by {entry.actor}" if entry.actor else ""
                told += f": {entry.reason}" if entry.reason else ""
                line.append_text(pen.text(visible(told), "dim"))
                pen.write(line, pen.text(f"  {show_exactly(entry.logged_at)}  ", "dim"))

    def _name_agent(self, record: MemoryRecord) -> str:
        return "" if record.agent_id is None else self._agents.get(record.agent_id, str(record.agent_id))


def _list_state(record: MemoryRecord) -> list[tuple[str, str]]:
    used = count(record.access_count, "time")
    return [
        ("Status", record.status.value),
        ("Replaced by", str(record.superseded_by or "")),
        ("Contradicts", ", ".join(map(str, record.contradicts))),
        ("Related to", ", ".join(map(str, record.related_to))),
        ("Tier", record.tier.value),
        ("Pinned", "yes" if record.is_pinned else ""),
        ("Importance", f"{record.importance} of 10"),
        ("Confidence", format_percent(record.confidence)),
        ("Used", f"{used}, last {show_minute(record.last_accessed_at)}" if record.last_accessed_at else ""),
        ("Vector", record.embedding_model or ("" if record.erased_at else "not yet: found by words alone")),
        ("Learned", show_exactly(record.created_at)),
        ("Expires", show_minute(record.expires_at) if record.expires_at else ""),
        ("Erased", show_minute(record.erased_at) if record.erased_at else ""),
    ]


def _list_ids(event: MemoryLogEntry) -> Sequence[UUID]:
    return [event.memory_id] if event.memory_id else event.memory_ids or []


def _name_type(record: MemoryRecord) -> str:
    return record.memory_type.value.replace("_", " ")


def _shorten(content: str) -> str:
    line = " ".join(visible(content).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _tally(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in numbers.items())
