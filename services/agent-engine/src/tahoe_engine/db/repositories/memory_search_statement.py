"""The hybrid search: one SQL statement, under row-level security, for the evaluated search and for live agents alike.

`asked` weighs the stems asked for by how rare they are in the team. `seeds` are the best rows of one pass over what may
be seen, by `f = cosine / spread + 0.5 BM25`; it reads no more of a row than that takes, since it reads them all. In a
large team it reads those that lie near in meaning (`memory_probe`), those that hold a rare stem of the question, and
those that lie in no cell yet. `pool` adds the seeds' neighbours in the conversation, `judged` what the surroundings
say. How the few weights were chosen, and what each part gives: docs/benchmarks.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tahoe_engine.db.models.memory import LIVE
from tahoe_engine.db.repositories.memory_probe import HAS_STEMS, probe
from tahoe_engine.db.repositories.memory_row import RECORD_COLUMNS

SEEDS = 40
_LEXICAL = 0.5
_AUTHOR = 5.0
_NEAR = 0.3
_FAR = 0.15
_ANSWER = 0.3
_CONVERSATION = 0.6
_QUESTION = 0.6
_LENGTH = 0.5
_TIME = 1.0
_REACH = 2
_HALF_LIFE_DAYS = 30
_TIME_WORDS = r"\m(yesterday|last|ago|weeks?|weekends?|months?|years?|tomorrow|today|next|nights?)\M"

_TYPES = {
    "team": "uuid",
    "agent": "uuid",
    "user": "uuid",
    "types": "smallint[]",
    "tags": "text[]",
    "moment": "timestamptz",
    "terms": "integer[]",
    "counted": "integer",
    "author": "text",
    "conversation": "uuid",
    "semantic": "float8",
    "recency": "float8",
    "importance": "float8",
    "continuity": "float8",
    "relationship": "float8",
    "seeds": "integer",
    "limit": "integer",
}
_MODEL_TYPES = {"vector": "halfvec", "model": "text", "spread": "float8"}

# As of a moment, content comes from the rows, which never change, and state from the log.
_THEN = """memory m CROSS JOIN LATERAL (
            SELECT * FROM memory_log l WHERE l.team_id = :team AND l.memory_id = m.id AND l.logged_at <= :moment
            ORDER BY l.id DESC LIMIT 1
        ) l"""
_VISIBLE = """m.team_id = :team AND {live}
            AND ({state}.expires_at IS NULL OR {state}.expires_at > {moment})
            AND (m.agent_id IS NULL OR m.agent_id = :agent OR m.memory_type IN ('shared', 'user_profile'))
            AND (m.user_id IS NULL OR m.user_id = :user)"""
_OF_TYPES = """
            AND m.type_number = ANY (:types)"""
_TAGGED = """
            AND (
                SELECT count(*) FROM memory_tag t
                WHERE t.team_id = :team AND t.memory_id = m.id AND t.tag = ANY (:tags)
                    AND t.created_at <= {moment} AND (t.removed_at IS NULL OR t.removed_at > {moment})
            ) = cardinality(:tags)"""
_WEIGHED = """
            :semantic / (1 + exp(least(greatest((15 - j.relevance) / 4, -50), 50)))
            + :recency * 0.5 ^ (greatest(extract(epoch FROM {moment}
                - greatest(coalesce(m.occurred_at, m.created_at), m.last_accessed_at)), 0) / 86400 / {half_life})
            + :importance * m.importance / 10
            + :continuity * CASE WHEN m.source_conversation_id = :conversation THEN 1 ELSE 0 END
            + :relationship * CASE WHEN m.user_id = :user THEN 1 ELSE 0 END"""

# Numbers are float8 all the way: a logarithm of a numeric takes Postgres a hundred times as long.
_SEARCH = """
    WITH known AS MATERIALIZED (
        SELECT a.term, CAST(least(coalesce(d.memories, 0), :counted) AS float8) AS df
        FROM unnest(:terms) a (term) LEFT JOIN memory_term d ON d.team_id = :team AND d.term = a.term
    ), asked AS MATERIALIZED (
        SELECT CAST(coalesce('{{' || string_agg(
            k.term || ':' || ln(1 + (:counted - k.df + 0.5) / (k.df + 0.5)), ',') || '}}', '{{}}') || '/999999999'
            AS sparsevec) AS lexemes
        FROM known k
    ), {cells} seeds AS MATERIALIZED (
        SELECT m.id, m.f FROM ({candidates}) m ORDER BY f DESC, m.id LIMIT :seeds
    ), boosted AS MATERIALIZED (
        SELECT {row}, s.f, m.position - {reach} AS first, least(m.position, {largest}) + {reach} AS last
        FROM seeds s JOIN memory m ON m.team_id = :team AND m.id = s.id
    ), beside AS (
        SELECT DISTINCT ON (m.id) {row}, {f} AS f
        FROM boosted s, {source}
        WHERE m.source_conversation_id = s.conversation
            AND m.position BETWEEN s.first AND s.last
            AND {visible} AND m.id NOT IN (SELECT id FROM seeds)
    ), pool AS MATERIALIZED (
        SELECT m.id, m.conversation, m.position, m.content, {boost} AS boost, m.f - {boost} AS f,
            right(rtrim(m.content), 1) = '?' AS asks
        FROM (SELECT id, conversation, position, author, content, f FROM boosted UNION ALL SELECT * FROM beside) m
    ), judged AS (
        SELECT p.id, p.f + p.boost
            + {near} * (coalesce(p.before, p.f) + coalesce(p.after, p.f))
            + {far} * (coalesce(p.second_before, p.f) + coalesce(p.second_after, p.f))
            + {answer} * coalesce(p.asked, 0)
            + {conversation} * CASE WHEN p.conversation IS NULL THEN p.f ELSE p.best END
            - CASE WHEN p.asks THEN {question} ELSE 0 END
            + {length} * ln(1 + least(char_length(p.content), 600) / float8 '10')
            + CASE WHEN p.content ~* '{time_words}' THEN {time} ELSE 0 END AS relevance
        FROM (
            SELECT p.*, max(f) OVER (PARTITION BY conversation) AS best,
                max(f) {placed} OVER (places RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING) AS before,
                max(f) {placed} OVER (places RANGE BETWEEN 1 FOLLOWING AND 1 FOLLOWING) AS after,
                max(f) {placed} OVER (places RANGE BETWEEN 2 PRECEDING AND 2 PRECEDING) AS second_before,
                max(f) {placed} OVER (places RANGE BETWEEN 2 FOLLOWING AND 2 FOLLOWING) AS second_after,
                max(CASE WHEN asks THEN f END) {placed} OVER (places RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING) AS asked
            FROM pool p WINDOW places AS (PARTITION BY conversation ORDER BY position)
        ) p
    ), ranked AS (
        SELECT j.id, {score} AS score FROM judged j {weighed} ORDER BY score DESC, j.id LIMIT :limit
    )
    SELECT r.score, {columns} FROM ranked r JOIN memory m ON m.team_id = :team AND m.id = r.id
    ORDER BY r.score DESC, r.id
"""

_CANDIDATES = "SELECT m.id, {f} AS f FROM {source} WHERE {visible}"
# The rarest stems are looked up wherever they stand, as long as they stand in few memories of a hundred together.
_RARE_STEMS = """rare AS MATERIALIZED (
        SELECT coalesce(array_agg(k.term), '{{}}') AS terms FROM (
            SELECT k.term, sum(k.df) OVER (ORDER BY k.df, k.term) AS together FROM known k
        ) k WHERE k.together <= {rare} * :counted AND {has_stems}
    ),"""
_CANDIDATES_BY_STEMS = """
            UNION ALL {candidates} AND m.id = ANY (ARRAY(SELECT list_memories_by_stems((SELECT terms FROM rare))))
                AND m.cell <> ALL (CAST((SELECT cells FROM further) AS integer[]))
                AND m.id NOT IN (SELECT id FROM near)
        """
_RARE = 0.04

# A row without a place has no neighbours: its frame holds the others without a place.
_PLACED = "FILTER (WHERE conversation IS NOT NULL AND position IS NOT NULL)"


@dataclass(frozen=True)
class SearchShape:
    """What a search needs; what it does not need, its statement does not say, so that no row pays for it.

    Attributes:
        models: How many embedding models are asked: 0 where none answers, 2 while one replaces another. Their vectors
            are bound as `vector0`, `vector1`, their names as `model0`, `model1`, the spread of their cosines as
            `spread0`, `spread1`.
        as_of: Whether it looks at a moment of the past.
        types: Whether only some types are looked for.
        tags: Whether only what has certain tags is.
        author: Whether somebody is named.
        weights: Whether more than relevance counts.
        cells: Whether it reads the cells nearest to the query, and not the whole team.
    """

    models: int = 1
    as_of: bool = False
    types: bool = False
    tags: bool = False
    author: bool = False
    weights: bool = False
    cells: bool = False


@dataclass(frozen=True)
class SearchStatement:
    """The statement as the driver takes it, and the names of its parameters in their order."""

    sql: str
    names: Sequence[str]


@cache
def build_search(shape: SearchShape) -> SearchStatement:
    """Returns the statement of this shape."""
    moment = ":moment" if shape.as_of else "now()"
    state = "l" if shape.as_of else "m"
    visible = _VISIBLE + (_OF_TYPES if shape.types else "") + (_TAGGED if shape.tags else "")
    is_authors = "m.author = :author OR m.author IS NULL AND strpos(m.content, :author) > 0"
    boost = f"CASE WHEN {is_authors} THEN float8 '{_AUTHOR}' ELSE 0 END" if shape.author else "float8 '0'"
    lexical = f"coalesce(-{_LEXICAL} * (m.lexemes <#> (SELECT lexemes FROM asked)), 0)"  # noqa: S608 - made of constants
    f = f"{_cosine(shape.models)} + {lexical}" + (f" + {boost}" if shape.author else "")
    source = _THEN if shape.as_of else "memory m"
    seen = visible.format(state=state, live=f"m.erased_at IS NULL AND {state}.{LIVE}", moment=moment)
    candidates = _CANDIDATES.format(f=f, source=source, visible=seen)
    cells = ""
    if shape.cells:
        cells, of_cells = _choose_cells(shape.models, f, seen)
        candidates = of_cells + _CANDIDATES_BY_STEMS.format(candidates=candidates)
    return _number(
        _SEARCH.format(
            f=f,
            cells=cells,
            candidates=candidates,
            row="m.id, m.source_conversation_id AS conversation, m.position, m.author, m.content",
            source=source,
            visible=seen,
            boost=boost,
            placed=_PLACED,
            reach=_REACH,
            largest=2**31 - 1 - _REACH,
            near=_NEAR,
            far=_FAR,
            answer=_ANSWER,
            conversation=_CONVERSATION,
            question=f"float8 '{_QUESTION}'",
            length=_LENGTH,
            time=f"float8 '{_TIME}'",
            time_words=_TIME_WORDS,
            score=_WEIGHED.format(moment=moment, half_life=_HALF_LIFE_DAYS) if shape.weights else "j.relevance",
            weighed="JOIN memory m ON m.team_id = :team AND m.id = j.id" if shape.weights else "",
            columns=RECORD_COLUMNS,
        )
    )


def _choose_cells(models: int, f: str, visible: str) -> tuple[str, str]:
    """Returns what says which cells and which stems are looked up, and a query of what those cells hold."""
    of_cell = _distance("c.embedding_model", "c.centroid", models)
    of_memory = _distance("m.embedding_model", "m.embedding", models)
    parts = {"team": ":team", "limit": ":limit", "visible": visible, "f": f, "of_memory": of_memory, "of_cell": of_cell}
    probed, candidates = probe(parts)
    return probed + _RARE_STEMS.format(rare=f"float8 '{_RARE}'", has_stems=HAS_STEMS), candidates


def _distance(model: str, vector: str, models: int) -> str:
    """Returns how far a vector is from the query, by its model; null where that was not asked."""
    cases = [
        f"WHEN {model} = :model{number} THEN ({vector} <#> :vector{number}) / :spread{number}"
        for number in range(models)
    ]
    return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS float8)"


def _cosine(models: int) -> str:
    """Returns the leg: each row by the model whose vector it has, nothing for a row that has none of them."""
    return f"-coalesce({_distance('m.embedding_model', 'm.embedding', models)}, 0)" if models else "float8 '0'"


def _number(sql: str) -> SearchStatement:
    """Replaces names by the driver's numbers; each type stands beside, as the driver learns it from there."""
    names: list[str] = []

    def replace(found: re.Match[str]) -> str:
        name = found[1]
        if name not in names:
            names.append(name)
        kind = _TYPES.get(name) or _MODEL_TYPES[name.rstrip("0123456789")]
        return f"CAST(${names.index(name) + 1} AS {kind})"

    return SearchStatement(re.sub(r":([a-z]+\d?)\b", replace, sql), tuple(names))
