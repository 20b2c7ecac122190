"""How much of the evidence the memory finds: LoCoMo's conversations, one memory a turn, its questions as queries.

    .venv/bin/python benchmarks/locomo.py --data FILE [--json]

Each conversation is a team of its own. A turn is remembered with what the data says of it: speaker, date, text and
caption. The queries go through the public search of the product, with the local embedder and no model call. Beside it,
in the same run: what a vector store finds by cosine alone, and Chroma, where it is installed.
"""

import argparse
import asyncio
import importlib.util
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

import numpy as np
from numpy.typing import NDArray
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

type Vectors = NDArray[np.float32]

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


def write_text(turn: dict[str, Any]) -> str:
    """Returns what was said, and the caption of the picture that was shown with it."""
    return str(turn["text"]) + (f" [{turn['caption']}]" if turn.get("caption") else "")


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
                    content=write_text(turn),
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


def list_questions(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the questions that have evidence and a category that is asked for."""
    return [asked for asked in conversation["qa"] if asked["evidence"] and asked["category"] in CATEGORIES]


def list_lines(conversation: dict[str, Any]) -> dict[str, str]:
    """Returns each turn as a vector store is given it: `[date] speaker: text [caption]`, which serves it best."""
    return {
        turn["id"]: f"[{session['date_time']}] {turn['speaker']}: {write_text(turn)}"
        for session in conversation["sessions"]
        for turn in session["turns"]
    }


def ask_by_cosine(names: Sequence[str], stored: Vectors, asked: Vectors) -> list[list[str]]:
    """Returns the turns that each question finds by cosine alone, exactly."""
    best = np.argsort(-(asked @ stored.T), axis=1, kind="stable")[:, : max(DEPTHS)]
    return [[names[place] for place in row] for row in best]


def ask_chroma(names: Sequence[str], stored: Vectors, asked: Vectors) -> list[list[str]]:
    """Returns the turns that each question finds in Chroma, given the same vectors."""
    import chromadb  # type: ignore[import-not-found]  # noqa: PLC0415 - only where it is installed

    collection = chromadb.EphemeralClient().create_collection(uuid4().hex, metadata={"hnsw:space": "cosine"})
    collection.add(ids=list(names), embeddings=stored.tolist())
    answer = collection.query(query_embeddings=asked.tolist(), n_results=max(DEPTHS))
    return list(answer["ids"])


@dataclass
class Tallies:
    """Everything that is counted in a run."""

    ours: Tally = field(default_factory=Tally)
    peers: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_category: defaultdict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_conversation: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    times_ms: list[float] = field(default_factory=list)
    turns: int = 0

    def to_document(self) -> dict[str, Any]:
        """Returns it as `--json` prints it."""
        times = sorted(self.times_ms)
        return {
            **_recalls(self.ours),
            "by_category": {name: _recalls(self.by_category[number]) for number, name in CATEGORIES.items()},
            "by_conversation": {name: _recalls(tally) for name, tally in self.by_conversation.items()},
            "peers": {name: _recalls(tally) for name, tally in self.peers.items()},
            "turns": self.turns,
            "questions": len(times),
            "search_p50_ms": round(times[len(times) // 2], 1),
            "search_p95_ms": round(times[int(len(times) * 0.95)], 1),
        }


def _recalls(tally: Tally) -> dict[str, float]:
    return {f"recall_at_{depth}": tally.mean(depth) for depth in DEPTHS}


async def measure(url: DatabaseAddress, data: list[dict[str, Any]]) -> dict[str, Any]:
    """Remembers every conversation and asks its questions."""
    tallies = Tallies()
    engine = get_engine(url)
    sessions = get_session_factory(engine)
    embedding = build_memory_embedding(load_settings({}))
    for conversation in data:
        team_id = uuid4()
        memories = Memories(sessions, team_id, embedding)
        await remember(memories, sessions, team_id, conversation)
        questions = list_questions(conversation)
        for asked in questions:
            start = time.perf_counter()
            results = await memories.search(MemorySearchRequest(query=asked["question"], limit=max(DEPTHS)))
            tallies.times_ms.append(1000 * (time.perf_counter() - start))
            found = [str(result.memory.metadata["turn"]) for result in results]
            groups = (tallies.by_category[asked["category"]], tallies.by_conversation[str(conversation["id"])])
            for tally in (tallies.ours, *groups):
                tally.add(found, set(asked["evidence"]))
        lines = list_lines(conversation)
        tallies.turns += len(lines)
        stored = embedding.documents.embed(list(lines.values()))
        asked_vectors = embedding.documents.embed([asked["question"] for asked in questions])
        peers = {"cosine": ask_by_cosine} | ({"chroma": ask_chroma} if importlib.util.find_spec("chromadb") else {})
        for name, ask in peers.items():
            for asked, names in zip(questions, ask(list(lines), stored, asked_vectors), strict=True):
                tallies.peers[name].add(names, set(asked["evidence"]))
    await engine.dispose()
    return tallies.to_document()


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
    peers = {f"{name} alone": row for name, row in result["peers"].items()}
    for name, row in {"**Tahoe**": result, **result["by_category"], **peers}.items():
        print(f"| {name} | " + " | ".join(f"{row[f'recall_at_{depth}']:.1f}" for depth in DEPTHS) + " |")
    print(f"| target | {TARGETS[5]} | {TARGETS[10]} | |")
    if "chroma" not in result["peers"]:
        print("\nChroma is not installed here: left out.")
    p50, p95 = result["search_p50_ms"], result["search_p95_ms"]
    print(f"\nA search, the embedding of its question included: p50 {p50} ms, p95 {p95} ms.")


if __name__ == "__main__":
    main()
