"""How much of the evidence the memory finds: LoCoMo's conversations, one memory a turn, its questions as queries.

    .venv/bin/python benchmarks/locomo.py --data FILE [--json]

Each conversation is a team of its own. A turn is remembered with what the data says of it: speaker, date, text and
caption. The queries go through the public search of the product, with the local embedder and no model call.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import get_engine, get_session_factory
from tahoe_core.db.session import team_session
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.postgres.testing import temporary_postgres
from tahoe_engine.composition import build_memory_embedding
from tahoe_engine.db.migrate import upgrade
from tahoe_engine.db.models import ConversationORM
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import MemoryCreate, MemorySearchRequest, MemorySource, MemoryType
from tahoe_engine.settings import load_settings

DEPTHS = (5, 10, 20)
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
TARGETS = {5: 68.0, 10: 77.0}


@dataclass
class Tally:
    """Recalls of questions, by depth."""

    recalls: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, found: Sequence[str], evidence: set[str]) -> None:
        """Counts one question."""
        for depth in DEPTHS:
            self.recalls[depth].append(len(evidence & set(found[:depth])) / len(evidence))

    def mean(self, depth: int) -> float:
        """Returns the mean in percent."""
        return round(100 * statistics.fmean(self.recalls[depth]), 1) if self.recalls[depth] else 0.0


async def remember(
    memories: Memories, sessions: async_sessionmaker[AsyncSession], team_id: UUID, conversation: dict[str, Any]
) -> None:
    """Stores every turn; the turn's id travels in the metadata, where no search looks."""
    for session_data in conversation["sessions"]:
        async with team_session(sessions, team_id) as session:
            row = await ConversationRepository(session).add(ConversationORM(title=f"session {session_data['session']}"))
        day = datetime.strptime(session_data["date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        await memories.add_many(
            [
                MemoryCreate(
                    content=turn["text"] + (f" [{turn['caption']}]" if turn.get("caption") else ""),
                    memory_type=MemoryType.EPISODIC,
                    author=turn["speaker"],
                    occurred_at=day,
                    source=MemorySource.EXTRACTION,
                    source_conversation_id=row.id,
                    position=place,
                    metadata={"turn": turn["id"]},
                )
                for place, turn in enumerate(session_data["turns"])
            ]
        )


async def measure(url: DatabaseAddress, data: list[dict[str, Any]]) -> dict[str, Any]:
    """Remembers every conversation and asks its questions."""
    total = Tally()
    by_category: defaultdict[int, Tally] = defaultdict(Tally)
    by_conversation: dict[str, Tally] = {}
    times: list[float] = []
    engine = get_engine(url)
    sessions = get_session_factory(engine)
    embedding = build_memory_embedding(load_settings({}))
    turns = 0
    for conversation in data:
        team_id = uuid4()
        memories = Memories(sessions, team_id, embedding)
        await remember(memories, sessions, team_id, conversation)
        turns += sum(len(session["turns"]) for session in conversation["sessions"])
        own = by_conversation[str(conversation["id"])] = Tally()
        for question in conversation["qa"]:
            if not question["evidence"] or question["category"] not in CATEGORIES:
                continue
            start = time.perf_counter()
            results = await memories.search(MemorySearchRequest(query=question["question"], limit=max(DEPTHS)))
            times.append(1000 * (time.perf_counter() - start))
            found = [str(result.memory.metadata["turn"]) for result in results]
            for tally in (total, by_category[question["category"]], own):
                tally.add(found, set(question["evidence"]))
    await engine.dispose()
    times.sort()
    return {
        **{f"recall_at_{depth}": total.mean(depth) for depth in DEPTHS},
        "by_category": {
            name: {f"recall_at_{depth}": by_category[number].mean(depth) for depth in DEPTHS}
            for number, name in CATEGORIES.items()
        },
        "by_conversation": {
            name: {f"recall_at_{depth}": tally.mean(depth) for depth in DEPTHS}
            for name, tally in by_conversation.items()
        },
        "turns": turns,
        "questions": len(total.recalls[DEPTHS[0]]),
        "search_p50_ms": round(times[len(times) // 2], 1),
        "search_p95_ms": round(times[int(len(times) * 0.95)], 1),
    }


async def run(data: list[dict[str, Any]]) -> dict[str, Any]:
    """Measures on a Postgres of its own."""
    with temporary_postgres() as postgres:
        urls = provision_service(postgres.home, ServiceDatabase("bench", "bench_owner", "bench_app"))
        app = DatabaseAddress.parse(urls.app_url)
        await upgrade(DatabaseAddress.parse(urls.owner_url), app.user)
        return await measure(app, data)


def main() -> None:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="conversations with questions, as JSON")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = asyncio.run(run(json.loads(arguments.data.read_text())))
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"LoCoMo: {result['turns']} turns, {result['questions']} questions\n")
    print("| | recall@5 | recall@10 | recall@20 |\n|---|---|---|---|")
    rows = {"**all**": result, **result["by_category"]}
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{row[f'recall_at_{depth}']:.1f}" for depth in DEPTHS) + " |")
    print(f"| target | {TARGETS[5]} | {TARGETS[10]} | |")
    p50, p95 = result["search_p50_ms"], result["search_p95_ms"]
    print(f"\nA search, the embedding of its question included: p50 {p50} ms, p95 {p95} ms.")


if __name__ == "__main__":
    main()
