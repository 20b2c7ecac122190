"""What cannot be remembered is refused with its reason, and nothing of it is written."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_core.errors import InvalidInputError, PayloadTooLargeError, TahoeError
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import MemoryChange, MemoryCreate, MemorySearchRequest, MemoryType

VECTOR = [1.0] * 32


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def add(self, content: str, **fields: Any) -> UUID: ...  # noqa: ANN401 - fields of MemoryCreate


async def count(team: Team) -> int:
    async with team_session(team.sessions, team.id) as session:
        counted = await session.scalar(text("SELECT count(*) FROM memory"))
    return int(counted or 0)


class TestVector:
    @pytest.mark.parametrize(
        "embedding",
        [
            [1.0] * 31,
            [1.0] * 33,
            [],
            [*VECTOR[1:], math.nan],
            [*VECTOR[1:], math.inf],
            [*VECTOR[1:], -math.inf],
            [0.0] * 32,
            [1e308] * 32,
        ],
    )
    async def test_that_is_none_is_refused(self, team: Team, embedding: list[float]) -> None:
        given = MemoryCreate(content="Ann prefers tea.", embedding=embedding, embedding_model="hashed")
        with pytest.raises(InvalidInputError) as caught:
            await team.memories.add(given)
        assert caught.value.field == "embedding"
        assert "tea" not in str(caught.value)
        with pytest.raises(InvalidInputError):
            await team.memories.add_many([MemoryCreate(content="Ben runs."), given])
        assert await count(team) == 0

    @pytest.mark.parametrize("embedding", [[1e-300] * 32, [1e300, *VECTOR[1:]]])
    async def test_of_any_length_above_nothing_is_scaled(self, team: Team, embedding: list[float]) -> None:
        await team.memories.add(MemoryCreate(content="Tea.", embedding=embedding, embedding_model="hashed"))
        async with team_session(team.sessions, team.id) as session:
            length = await session.scalar(text("SELECT l2_norm(embedding) FROM memory"))
        assert length == pytest.approx(1, abs=1e-2)

    def test_comes_with_its_model(self) -> None:
        for fields in ({"embedding": VECTOR}, {"embedding_model": "hashed"}):
            with pytest.raises(ValidationError, match="belong together"):
                MemoryCreate.model_validate({"content": "Tea.", **fields})


class TestContent:
    @pytest.mark.parametrize("content", ["", " ", "\n\t", "\u2003", "x" * 32_001, "x" * 1_000_000, "a\0b", "\ud800"])
    def test_that_says_nothing_or_too_much_is_refused(self, content: str) -> None:
        with pytest.raises(ValidationError):
            MemoryCreate(content=content)
        with pytest.raises(ValidationError):
            MemoryChange(content=content)

    @pytest.mark.parametrize("field", ["subject", "author", "embedding_model", "extraction_model"])
    async def test_of_a_null_byte_is_refused_by_name(self, team: Team, field: str) -> None:
        given: dict[str, Any] = {"content": "Tea.", field: "a\0b"}
        if field == "embedding_model":
            given["embedding"] = VECTOR
        with pytest.raises(InvalidInputError, match="null byte") as caught:
            await team.memories.add(MemoryCreate.model_validate(given))
        assert caught.value.field == field
        assert await count(team) == 0

    @pytest.mark.parametrize("metadata", [{"a": {"b": ["x", "\0"]}}, {"a\0": 1}])
    async def test_of_a_null_byte_is_found_in_the_metadata(self, team: Team, metadata: dict[str, Any]) -> None:
        with pytest.raises(InvalidInputError, match="null byte"):
            await team.add("Tea.", metadata=metadata)

    async def test_of_too_many_metadata_is_refused(self, team: Team) -> None:
        with pytest.raises(PayloadTooLargeError, match="64 KiB"):
            await team.add("Tea.", metadata={"a": "x" * 70_000})

    async def test_of_metadata_nested_too_deep_is_refused(self, team: Team) -> None:
        nested: Any = 1
        for _ in range(5000):
            nested = [nested]
        with pytest.raises((ValidationError, TahoeError)):
            await team.add("Tea.", metadata={"a": nested})
        assert await count(team) == 0

    @pytest.mark.parametrize(
        "content",
        [
            "".join(chr(0x4E00 + number % 20_000) for number in range(32_000)),
            " ".join(f"{number:x}" for number in range(6500)),
            "a" * 32_000,
        ],
    )
    async def test_of_any_words_can_be_weighed(self, team: Team, content: str) -> None:
        added = await team.memories.get(await team.add(content[:32_000]))
        assert added.content == content[:32_000].strip()
        assert await team.memories.search(MemorySearchRequest(query=content[:1000]))


class TestTheRest:
    @pytest.mark.parametrize(
        "fields",
        [
            {"importance": 0},
            {"importance": 11},
            {"confidence": -0.1},
            {"confidence": math.nan},
            {"position": 0},
            {"position": -1, "source_conversation_id": uuid4()},
            {"position": 2**31, "source_conversation_id": uuid4()},
            {"occurred_at": datetime(2020, 1, 1)},  # noqa: DTZ001 - that is the point
            {"memory_type": MemoryType.IDENTITY},
            {"memory_type": MemoryType.PROCEDURAL},
            {"memory_type": MemoryType.AGENT_PRIVATE},
            {"tags": ["a,b"]},
            {"tags": ["x" * 65]},
            {"status": "active"},
            {"version": 2},
            {"team_id": uuid4()},
        ],
    )
    def test_is_held_to_its_range(self, fields: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            MemoryCreate.model_validate({"content": "Tea.", **fields})

    @pytest.mark.parametrize(
        "moment",
        [
            datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
            datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
            datetime.max.replace(tzinfo=UTC),
            datetime.min.replace(tzinfo=UTC),
        ],
    )
    async def test_may_lie_at_the_end_of_time(self, team: Team, moment: datetime) -> None:
        added = await team.memories.add(MemoryCreate(content="Tea.", occurred_at=moment, expires_at=moment))
        assert added.memory.occurred_at
        assert abs(added.memory.occurred_at.year - moment.year) == 0

    async def test_of_one_among_many_lets_none_of_its_batch_in(self, team: Team) -> None:
        given = [MemoryCreate(content=f"Fact {number}") for number in range(700)]
        given[600] = MemoryCreate(content="Nobody's.", agent_id=uuid4())
        with pytest.raises(TahoeError):
            await team.memories.add_many(given)
        assert await count(team) == 500

    @pytest.mark.parametrize("query", ["", " ", "x" * 4001, "\0"])
    def test_of_questions_is_held_to_its_length(self, query: str) -> None:
        with pytest.raises(ValidationError):
            MemorySearchRequest(query=query)
