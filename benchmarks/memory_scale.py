"""How fast memory is when there is much of it: 100 teams, whose sizes follow Zipf's law, in one Postgres.

    .venv/bin/python benchmarks/memory_scale.py [--sizes 10k,100k,1M] [--queries 200] [--json] [--peers-python PATH]

The benchmark starts a Postgres of its own with 2 GB of shared buffers; with the 128 MB of an embedded one the larger
sizes are several times as slow. A query's team is drawn by size, so that the largest team, a fifth of all, sets the
p95. Batches of 500 memories of one team arrive in random order. All that is timed goes through the product's own
classes under row-level security, a transaction each, with the embedding given; what is raw is one statement on asyncpg,
in the same run.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import numpy as np
from memory_scale_data import BATCH, DIMENSIONS, MODEL, TEAMS, MadeUp, count_conversations
from memory_scale_peers import measure_peers
from memory_scale_writes import measure_writes
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine, get_session_factory
from tahoe_core.db.session import team_session
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.postgres.settings import ServerSettings
from tahoe_core.postgres.testing import temporary_postgres
from tahoe_engine.db.migrate import upgrade
from tahoe_engine.db.models import AgentORM, ConversationORM
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_search import MemorySearchRepository, PreparedQuery, QueryVector
from tahoe_engine.db.repositories.memory_statistics import MemoryStatisticsRepository
from tahoe_engine.db.repositories.vector_codec import pack_vector
from tahoe_engine.memory.adding import MemoryAdder
from tahoe_engine.memory.cells import MemoryCells
from tahoe_engine.memory.lexemes import list_terms
from tahoe_engine.memory.preparing import prepare
from tahoe_engine.models.memory_models import MemorySearchRequest, MemoryType

SERVER = ServerSettings(options={"shared_buffers": "2GB", "max_wal_size": "4GB"})
LIMIT = 10
TYPES = (MemoryType.SEMANTIC, MemoryType.EPISODIC, MemoryType.SHARED)
SMALL = 1_000
CHECKED = 30
"""Queries whose answer is held against a full scan in numpy."""
SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000}


@dataclass(frozen=True)
class World:
    """A loaded schema: its teams, largest first, and the agent that asks in each."""

    sessions: async_sessionmaker[AsyncSession]
    app: DatabaseAddress
    data: MadeUp
    teams: Sequence[UUID]
    agents: Sequence[UUID]


def percentile(times: Sequence[float], share: float) -> float:
    """Returns a percentile of milliseconds."""
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))], 2)


async def connect(address: DatabaseAddress) -> asyncpg.Connection:
    """Connects as the driver alone does."""
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        server_settings={"search_path": address.search_path, "jit": "off"},
    )


async def load(world: World) -> float:
    """Writes all batches in the order of arrival; returns how many memories a second."""
    start = time.perf_counter()
    made = 0.0
    for batch in world.data.list_batches():
        began = time.perf_counter()
        conversations = [uuid4() for _ in range(count_conversations(batch.size))]
        memories = world.data.make_memories(batch.size, world.agents[batch.team], conversations)
        made += time.perf_counter() - began
        team_id = world.teams[batch.team]
        rows = [prepare(memory) for memory in memories]
        async with team_session(world.sessions, team_id) as session:
            session.add_all(ConversationORM(id=one, team_id=team_id) for one in conversations)
            await session.flush()
            await MemoryAdder(session).add(rows, looks_near=False)
    rate: float = sum(world.data.sizes) / (time.perf_counter() - start - made)
    return rate


async def tend(owner: DatabaseAddress, world: World) -> float:
    """Does what the upkeep does for a search: counts the words, sorts into cells; returns the seconds of the cells."""
    seconds = 0.0
    cells = MemoryCells(world.sessions)
    for team_id in world.teams:
        async with team_session(world.sessions, team_id) as session:
            await MemoryStatisticsRepository(session).count()
        start = time.perf_counter()
        while await cells.sort_some(team_id):
            pass
        seconds += time.perf_counter() - start
    connection = await connect(owner)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return seconds


async def build_world(home: Path, size: int) -> tuple[World, DatabaseAddress]:
    """Makes a schema with its teams; nothing is remembered yet."""
    name = f"scale{size}"
    urls = provision_service(home, ServiceDatabase(name, f"{name}_owner", f"{name}_app"))
    app, owner = DatabaseAddress.parse(urls.app_url), DatabaseAddress.parse(urls.owner_url)
    await upgrade(owner, app.user)
    sessions = get_session_factory(get_engine(app, EngineOptions(statement_timeout=600)))
    teams = [uuid4() for _ in range(TEAMS)]
    agents = []
    for team_id in teams:
        async with team_session(sessions, team_id) as session:
            agent = AgentORM(team_id=team_id, slug="asker", name="Asker")
            session.add(agent)
            await session.flush()
            agents.append(agent.id)
    return World(sessions, app, MadeUp(size), teams, agents), owner


async def time_each(calls: Sequence[Callable[[], Awaitable[object]]]) -> list[float]:
    """Times calls one after the other, in milliseconds; a tenth more go before, unmeasured."""
    for call in calls[: len(calls) // 10 + 1]:
        await call()
    times = []
    for call in calls:
        start = time.perf_counter()
        await call()
        times.append(1000 * (time.perf_counter() - start))
    return times


async def search_vectors(world: World, team: int, vector: list[float]) -> list[UUID]:
    """Returns the ten nearest of three types, by the product."""
    async with team_session(world.sessions, world.teams[team]) as session:
        found = await MemoryRepository(session).search_by_embedding(vector, MODEL, LIMIT, TYPES)
    return [record.id for record, _cosine in found]


async def search_all(world: World, team: int, question: str, vector: list[float]) -> None:
    """Searches by words and meaning, under row-level security."""
    query = PreparedQuery(
        request=MemorySearchRequest(query=question, agent_id=world.agents[team], limit=LIMIT),
        terms=list_terms(question),
        counted=world.data.sizes[team],
        vectors=[QueryVector(MODEL, vector, 0.1)],
    )
    async with team_session(world.sessions, world.teams[team], plans_once=True) as session:
        await MemorySearchRepository(session).search(query)


async def measure_recall(world: World, owner: DatabaseAddress, asked: Sequence[tuple[int, list[float]]]) -> float:
    """Returns which share of the truly nearest ten is found; the truth is computed in numpy, in full."""
    connection = await connect(owner)
    shares = []
    known: dict[int, tuple[list[UUID], Any]] = {}
    for team, vector in asked:
        if team not in known:
            rows = await connection.fetch(
                "SELECT id, CAST(embedding AS real[]) AS vector FROM memory"
                " WHERE team_id = $1 AND status = 'active' AND memory_type = ANY ($2)",
                world.teams[team],
                list(TYPES),
            )
            vectors = np.array([row["vector"] for row in rows], dtype=np.float32).reshape(-1, DIMENSIONS)
            known[team] = ([row["id"] for row in rows], vectors)
        ids, vectors = known[team]
        cosines = vectors @ np.array(vector, dtype=np.float16).astype(np.float32)
        nearest = {ids[place] for place in np.argsort(-cosines)[:LIMIT]}
        found = set(await search_vectors(world, team, vector))
        shares.append(len(nearest & found) / max(1, len(nearest)))
    await connection.close()
    return round(float(np.mean(shares)), 4)


async def measure_raw_select(world: World, team: int, vectors: Sequence[list[float]]) -> float:
    """Returns the median of one statement on the driver: the ten nearest of a team, their texts alone."""
    connection = await connect(world.app)
    await connection.execute("SELECT set_config('app.team_id', $1, false)", str(world.teams[team]))
    await connection.set_type_codec("halfvec", schema="public", encoder=bytes, decoder=bytes, format="binary")
    packed = [pack_vector(vector) for vector in vectors]
    statement = await connection.prepare(
        "SELECT id, content FROM memory WHERE team_id = $1 AND erased_at IS NULL AND status IN ('active', 'disputed')"
        " ORDER BY embedding <#> $2 LIMIT 10"
    )
    times = await time_each([lambda v=v: statement.fetch(world.teams[team], v) for v in packed])  # type: ignore[misc]
    await connection.close()
    return percentile(times, 0.5)


async def measure_size(home: Path, size: int, queries: int) -> dict[str, Any]:
    """Loads a size and asks."""
    world, owner = await build_world(home, size)
    rate = await load(world)
    cells_s = await tend(owner, world)
    sizes = np.array(world.data.sizes)
    random = np.random.default_rng(1)
    teams = random.choice(TEAMS, size=queries, p=sizes / sizes.sum()).tolist()
    vectors = world.data.make_vectors(queries).tolist()
    questions = world.data.make_queries(queries)
    small = int(np.argmin(np.abs(sizes - SMALL)))
    asked = list(zip(teams, questions, vectors, strict=True))
    by_vector = await time_each([lambda t=t, v=v: search_vectors(world, t, v) for t, _, v in asked])  # type: ignore[misc]
    hybrid = await time_each([lambda t=t, q=q, v=v: search_all(world, t, q, v) for t, q, v in asked])  # type: ignore[misc]
    in_small = await time_each(
        [lambda q=q, v=v: search_all(world, small, q, v) for _, q, v in asked]  # type: ignore[misc]
    )
    raw = await measure_raw_select(world, small, vectors)
    return {
        "memories": int(sizes.sum()),
        "largest_team": int(sizes.max()),
        "load_per_s": round(rate),
        "cells_s": round(cells_s, 1),
        "vector_p50_ms": percentile(by_vector, 0.5),
        "vector_p95_ms": percentile(by_vector, 0.95),
        "vector_recall_at_10": await measure_recall(world, owner, list(zip(teams, vectors, strict=True))[:CHECKED]),
        "search_p50_ms": percentile(hybrid, 0.5),
        "search_p95_ms": percentile(hybrid, 0.95),
        "small_team": int(sizes[small]),
        "small_team_search_p50_ms": percentile(in_small, 0.5),
        "small_team_search_p95_ms": percentile(in_small, 0.95),
        "raw_select_ms": raw,
    }


async def run(sizes: Sequence[int], queries: int, peers: Path | None) -> dict[str, Any]:
    """Measures on a Postgres of its own."""
    with temporary_postgres(SERVER) as postgres:
        measured = [await measure_size(postgres.home, size, queries) for size in sizes]
        world, owner = await build_world(postgres.home, BATCH)
        connection = await connect(owner)
        agents = dict(zip(world.teams, world.agents, strict=True))
        writes = await measure_writes(world.sessions, connection, world.data, agents)
        await connection.close()
    largest = measured[-1]
    summary = {
        "recall_at_10": largest["vector_recall_at_10"],
        "search_p50_ms": largest["search_p50_ms"],
        "search_p95_ms": largest["search_p95_ms"],
    }
    return {**summary, "sizes": measured, **writes, "peers": await asyncio.to_thread(measure_peers, peers)}


def print_tables(result: dict[str, Any]) -> None:
    """Prints Markdown."""
    print(
        "| memories | vector p50 / p95 ms (recall@10) | whole search p50 / p95 ms | team of a thousand p50 / p95 ms |"
    )
    print("|---|---|---|---|")
    for row in result["sizes"]:
        print(
            f"| {row['memories']:,} (largest team {row['largest_team']:,})"
            f" | {row['vector_p50_ms']} / {row['vector_p95_ms']} ({row['vector_recall_at_10']})"
            f" | {row['search_p50_ms']} / {row['search_p95_ms']}"
            f" | {row['small_team_search_p50_ms']} / {row['small_team_search_p95_ms']}"
            f" (raw SELECT of the ten nearest: {row['raw_select_ms']}) |"
        )
    print("| target | 5 at 100k, 20 at 1M | 25 at 100k, 100 at 1M | 5 |")
    for row in result["sizes"]:
        print(f"\n{row['memories']:,} memories: sorted into cells in {row['cells_s']} s.")
    print("\n| writing | measured | target |\n|---|---|---|")
    ratio = f"{result['add_ms']} ms, {result['add_ratio']} times a raw INSERT's {result['raw_insert_ms']}"
    print(f"| one add, embedding given | {ratio} | 2.5 times |")
    print(f"| bulk, memories a second | {result['bulk_per_s']:,} | 10,000 |")
    print(f"| eight writers of one team, 50 a call, memories a second | {result['writers_per_s']:,} | 2,500 |")
    print(f"| eight writers of one team, one a call, memories a second | {result['writers_single_per_s']:,} | |")
    print(f"| embedding 100 short texts, CPU seconds | {result['embed_100_s']} | 2 |")
    peers = result["peers"]
    if "skipped" in peers:
        print(f"\n{peers['skipped']}")
        return
    print("\n| peer | memories | search p50 / p95 ms | add ms |\n|---|---|---|---|")
    for name, row in peers.items():
        cells = (
            row["failed"]
            if "failed" in row
            else f"{row['memories']:,} | {row['search_p50_ms']} / {row['search_p95_ms']} | {row['add_ms']}"
        )
        print(f"| {name} | {cells} |")


def read_sizes(listed: str) -> list[int]:
    """Reads `10k,100k,1M`; a plain number will do, too."""
    return [SIZES.get(name) or int(name) for name in listed.split(",")]


def main() -> None:
    """Prints tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=read_sizes, default=[10_000, 100_000], help="default 10k,100k")
    parser.add_argument("--queries", type=int, default=200, help="of each kind (default 200)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peers-python", type=Path, help="a Python that has mem0ai and chromadb")
    arguments = parser.parse_args()
    result = asyncio.run(run(arguments.sizes, arguments.queries, arguments.peers_python))
    if arguments.json:
        print(json.dumps(result))
    else:
        print_tables(result)


if __name__ == "__main__":
    main()
