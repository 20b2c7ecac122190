"""Queries of `memory_stat` and `memory_term`: how often each stem stands in a team's live memories."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import ARRAY, Text, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import get_team
from tahoe_engine.db.models.memory import LIVE
from tahoe_engine.db.models.memory_statistics import MemoryStatORM

MAX_AUTHORS = 500
COUNTED_AT_ONCE = 5_000
"""Up to so many memories, a search that finds the words miscounted counts them itself, once a tenth is new."""
_ANY_SIZE = 2**31 - 1
SPREAD_SAMPLE = 150
MIN_SPREAD_SAMPLE = 50
_SPREAD_OF_QUERIES = 0.75
"""Cosines of questions with memories spread less than those of memories with each other (LoCoMo: 0.108 and 0.138)."""

_TEAM = bindparam("team", type_=Uuid())
# The stems' numbers stand in the text form of a sparsevec, `{12:1.3,40:0.9}/999999999`; pgvector has no way to ask.
_COUNT_TERMS = text(
    rf"""
    WITH counted AS (
        SELECT CAST(split_part(pair, '\:', 1) AS integer) AS term, count(*) AS memories
        FROM memory, string_to_table(ltrim(split_part(CAST(lexemes AS text), '}}', 1), '{{'), ',') AS pair
        WHERE team_id = :team AND {LIVE} AND lexemes IS NOT NULL GROUP BY 1
    ), gone AS (
        UPDATE memory_term t SET memories = 0
        WHERE t.team_id = :team AND t.memories > 0 AND NOT EXISTS (SELECT FROM counted c WHERE c.term = t.term)
    )
    INSERT INTO memory_term AS t (team_id, term, memories) SELECT :team, term, memories FROM counted
    ON CONFLICT (team_id, term) DO UPDATE SET memories = excluded.memories WHERE t.memories <> excluded.memories
    """  # noqa: S608 - made of constants
).bindparams(_TEAM)
# The spread is taken over the pairs of the newest vectors of a model, and believed when there are some thousand.
_COUNT_MEMORIES = text(
    f"""
    WITH live AS (
        SELECT author, embedding_model, embedding,
            row_number() OVER (PARTITION BY embedding_model ORDER BY created_at DESC, id) AS place
        FROM memory WHERE team_id = :team AND {LIVE}
    ), spread AS (
        SELECT a.embedding_model AS model, {_SPREAD_OF_QUERIES} * stddev_pop(-(a.embedding <#> b.embedding)) AS spread
        FROM live a JOIN live b ON b.embedding_model = a.embedding_model AND b.place < a.place
        WHERE a.place <= {SPREAD_SAMPLE} AND b.place <= {SPREAD_SAMPLE}
        GROUP BY a.embedding_model HAVING max(a.place) >= {MIN_SPREAD_SAMPLE}
    )
    INSERT INTO memory_stat (team_id, memories, authors, spreads, counted_at)
    SELECT :team,
        (SELECT count(*) FROM live),
        ARRAY(SELECT author FROM live WHERE author IS NOT NULL
            GROUP BY author ORDER BY count(*) DESC, author LIMIT {MAX_AUTHORS}),
        coalesce((SELECT jsonb_object_agg(model, spread) FROM spread WHERE spread > 0), '{{}}'),
        clock_timestamp()
    ON CONFLICT (team_id) DO UPDATE SET memories = excluded.memories, authors = excluded.authors,
        spreads = excluded.spreads, counted_at = excluded.counted_at
    """  # noqa: S608 - made of constants
).bindparams(_TEAM)
_FORGET = text(
    f"""
    UPDATE memory_stat SET authors = ARRAY(
        SELECT a FROM unnest(authors) WITH ORDINALITY AS listed (a, place)
        WHERE a <> ALL (CAST(:gone AS text[]))
            OR EXISTS (SELECT FROM memory m WHERE m.team_id = :team AND {LIVE} AND m.author = a)
        ORDER BY place
    ), counted_at = '1970-01-01Z' WHERE team_id = :team
    """  # noqa: S608 - made of constants
).bindparams(_TEAM, bindparam("gone", type_=ARRAY(Text)))
# The counts, and how many memories came since. It looks no further than up to more than a tenth; a search does not look
# at all where it would not count anyway, since a tenth of a large team is a long way.
_LOOK = """
    SELECT s.memories, s.authors, s.spreads, s.counted_at, (
        SELECT count(*) FROM (
            SELECT FROM memory m WHERE m.team_id = $1 AND m.created_at > coalesce(s.counted_at, '-infinity')
            LIMIT CASE WHEN s.memories > $2 THEN 0 ELSE coalesce(s.memories, 0) / 10 + 1 END
        ) newer
    ) AS newer
    FROM (SELECT) one LEFT JOIN memory_stat s ON s.team_id = $1
"""
# What was never counted may be large all the same, after a bulk add; that is for the upkeep to count.
_IS_LARGE = text(
    f"SELECT EXISTS (SELECT FROM memory WHERE team_id = :team AND {LIVE} OFFSET {4 * COUNTED_AT_ONCE})"  # noqa: S608
).bindparams(_TEAM)
_LOCK = select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("key"), 1)))


class MemoryStatisticsRepository:
    """Queries of a team's counts, within the session it is given; it never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._team_id = get_team(session)

    async def find_current(self) -> MemoryStatORM:
        """Returns the counts; those of a small team that has grown by more than a tenth are taken anew first."""
        counts, has_grown = await self._look(COUNTED_AT_ONCE)
        if has_grown and not await self._session.scalar(_IS_LARGE, {"team": self._team_id}) and await self.count():
            counts, _ = await self._look(COUNTED_AT_ONCE)
        return counts

    async def has_grown(self) -> bool:
        """Whether more than a tenth of the memories came since they were counted."""
        _, has_grown = await self._look(_ANY_SIZE)
        return has_grown

    async def count(self) -> bool:
        """Counts everything anew; False where somebody else is at it."""
        if not await self._session.scalar(_LOCK, {"key": f"agent_engine memory statistics {self._team_id}"}):
            return False
        await self._session.execute(_COUNT_TERMS, {"team": self._team_id})
        await self._session.execute(_COUNT_MEMORIES, {"team": self._team_id})
        return True

    async def forget(self, authors: Collection[str]) -> None:
        """Takes out what would outlive erased memories: authors' names now, their stems' counts with the next count."""
        await self._session.execute(_FORGET, {"team": self._team_id, "gone": list(authors)})

    async def _look(self, up_to: int) -> tuple[MemoryStatORM, bool]:
        connection = await self._session.connection()
        row = (await connection.exec_driver_sql(_LOOK, (self._team_id, up_to))).one()
        counts = MemoryStatORM(
            team_id=self._team_id,
            memories=row.memories or 0,
            authors=row.authors or [],
            spreads=row.spreads or {},
            counted_at=row.counted_at or datetime.fromtimestamp(0, UTC),
        )
        return counts, row.newer > counts.memories // 10
