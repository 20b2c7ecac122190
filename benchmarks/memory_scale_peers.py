"""The same vectors in mem0 and chroma, where another Python has them: run by `memory_scale.py --peers-python PATH`.

That Python runs this file as it is, so it needs nothing of Tahoe's but what mem0 and chroma bring themselves.
"""

import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MEMORIES = 10_000
TEAMS = 100
DIMENSIONS = 384
QUERIES = 100
ADDS = 100


def measure_peers(python: Path | None) -> dict[str, Any]:
    """Returns each peer's figures, or why there are none."""
    if python is None:
        return {"skipped": "Peers were not asked for: give --peers-python a Python that has mem0ai and chromadb."}
    answer = subprocess.run([python, __file__], capture_output=True, text=True, check=False, timeout=1800)
    if answer.returncode != 0:
        return {"skipped": f"{python} could not measure them: {answer.stderr.strip().splitlines()[-1:]}"}
    figures: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return figures


def make_data() -> tuple[Any, list[int], Any]:
    """Returns clustered vectors, the team of each, and queries."""
    np = importlib.import_module("numpy")
    random = np.random.default_rng(3)
    centres = random.normal(size=(400, DIMENSIONS))

    def make(count: int) -> Any:  # noqa: ANN401 - an array of a numpy that is not imported by name
        vectors = centres[random.integers(0, 400, count)] + 0.8 * random.normal(size=(count, DIMENSIONS))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    shares = 1 / np.arange(1, TEAMS + 1)
    teams = random.choice(TEAMS, size=MEMORIES, p=shares / shares.sum()).tolist()
    return make(MEMORIES), teams, make(QUERIES)


def measure_chroma(folder: str) -> dict[str, float]:
    """One persistent collection, filtered by team."""
    vectors, teams, queries = make_data()
    collection = (
        importlib.import_module("chromadb")
        .PersistentClient(path=folder)
        .create_collection("memories", metadata={"hnsw:space": "cosine"})
    )
    start = time.perf_counter()
    for first in range(0, MEMORIES, 2_000):
        places = range(first, min(first + 2_000, MEMORIES))
        collection.add(
            ids=[str(place) for place in places],
            embeddings=vectors[first : first + 2_000].tolist(),
            metadatas=[{"team": teams[place]} for place in places],
            documents=["A memory of a dozen words."] * len(places),
        )
    bulk = MEMORIES / (time.perf_counter() - start)
    times = []
    for place, query in enumerate(queries):
        start = time.perf_counter()
        collection.query(query_embeddings=[query.tolist()], n_results=10, where={"team": teams[place]})
        times.append(1000 * (time.perf_counter() - start))
    adds = []
    for place in range(ADDS):
        start = time.perf_counter()
        collection.add(
            ids=[f"new {place}"],
            embeddings=[queries[place].tolist()],
            metadatas=[{"team": 1}],
            documents=["One more."],
        )
        adds.append(1000 * (time.perf_counter() - start))
    return _sum_up(times, adds) | {"memories": MEMORIES, "bulk_per_s": round(bulk)}


def measure_mem0(folder: str) -> dict[str, float]:
    """mem0 on its own chroma, no model call, the embedding given at once; it has no bulk add, so it holds few."""
    os.environ |= {"MEM0_TELEMETRY": "False", "OPENAI_API_KEY": "none", "MEM0_DIR": folder}
    _vectors, _teams, queries = make_data()
    memory = importlib.import_module("mem0").Memory.from_config(
        {
            "vector_store": {"provider": "chroma", "config": {"collection_name": "memories", "path": folder}},
            "history_db_path": f"{folder}/history.db",
        }
    )
    made = iter(queries.tolist() * 10)
    memory.embedding_model.embed = lambda *_given, **_named: next(made)
    adds, times = [], []
    for place in range(ADDS):
        start = time.perf_counter()
        memory.add(f"Fact number {place} of a dozen words.", user_id="team", infer=False)
        adds.append(1000 * (time.perf_counter() - start))
    for place in range(QUERIES):
        start = time.perf_counter()
        memory.search(f"What of {place}?", filters={"user_id": "team"})
        times.append(1000 * (time.perf_counter() - start))
    return _sum_up(times, adds) | {"memories": ADDS}


def _sum_up(searches: list[float], adds: list[float]) -> dict[str, float]:
    ranked = sorted(searches)
    return {
        "search_p50_ms": round(statistics.median(ranked), 2),
        "search_p95_ms": round(ranked[int(len(ranked) * 0.95)], 2),
        "add_ms": round(statistics.median(adds), 2),
    }


def main() -> None:
    """Prints what this Python can measure, as JSON on the last line."""
    figures: dict[str, Any] = {}
    for name, measure in (("chroma", measure_chroma), ("mem0", measure_mem0)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            try:
                figures[name] = measure(folder)
            except Exception as error:  # noqa: BLE001 - whatever a peer's release does, the others are measured
                figures[name] = {"failed": f"{type(error).__name__}: {error}"[:300]}
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
