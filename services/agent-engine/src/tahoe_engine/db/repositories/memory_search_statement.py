"""The hybrid search: one SQL statement, under row-level security, for the evaluated search and for live agents alike.

`query` weighs the stems asked for by how rare they are in the team. `seeds` are the best rows of one pass over what may
be seen, by `f = cosine / spread + 0.5 BM25`. `pool` adds their neighbours in the conversation, `judged` what the
surroundings say. How the few weights were chosen, and what each part gives: docs/benchmarks.md.
"""

from functools import cache
from typing import Any

from sqlalchemy import ARRAY, REAL, TIMESTAMP, Double, Integer, Text, TextClause, Uuid, bindparam, text
from sqlalchemy.types import TypeEngine

from tahoe_engine.db.models.memory import LIVE

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

_TYPES: dict[str, TypeEngine[Any]] = {
    "team": Uuid(),
    "agent": Uuid(),
    "user": Uuid(),
    "types": ARRAY(Text),
    "tags": ARRAY(Text),
    "moment": TIMESTAMP(timezone=True),
    "terms": ARRAY(Integer),
    "counted": Integer(),
    "author": Text(),
    "conversation": Uuid(),
    "semantic": Double(),
    "recency": Double(),
    "importance": Double(),
    "continuity": Double(),
    "relationship": Double(),
    "seeds": Integer(),
    "limit": Integer(),
}

_NOW = ("memory m", "m", "now()")
# As of a moment, content comes from the rows, which never change, and state from the log.
_THEN = (
    """memory m CROSS JOIN LATERAL (
            SELECT * FROM memory_log l WHERE l.team_id = :team AND l.memory_id = m.id AND l.logged_at <= :moment
            ORDER BY l.id DESC LIMIT 1
        ) l""",
    "l",
    ":moment",
)

_VISIBLE = """
            m.team_id = :team AND {state}.{live} AND m.erased_at IS NULL
            AND ({state}.expires_at IS NULL OR {state}.expires_at > {moment})
            AND (m.agent_id IS NULL OR m.agent_id = :agent OR m.memory_type IN ('shared', 'user_profile'))
            AND (m.user_id IS NULL OR m.user_id = :user)
            AND (CAST(:types AS text[]) IS NULL
                OR m.memory_type = ANY (CAST(CAST(:types AS text[]) AS memory_type_enum[])))
            AND (CAST(:tags AS text[]) IS NULL OR (
                SELECT count(*) FROM memory_tag t
                WHERE t.team_id = :team AND t.memory_id = m.id AND t.tag = ANY (CAST(:tags AS text[]))
                    AND t.created_at <= {moment} AND (t.removed_at IS NULL OR t.removed_at > {moment})
            ) = cardinality(CAST(:tags AS text[])))"""

_SEARCH = """
    WITH query AS MATERIALIZED (
        SELECT {vectors} CAST(coalesce('{{' || string_agg(
            k.term || ':' || ln(1 + (:counted - k.df + 0.5) / (k.df + 0.5)), ',') || '}}', '{{}}') || '/999999999'
            AS sparsevec) AS lexemes
        FROM (
            SELECT asked.term, least(coalesce(d.memories, 0), :counted) AS df
            FROM unnest(CAST(:terms AS integer[])) asked (term)
            LEFT JOIN memory_term d ON d.team_id = :team AND d.term = asked.term
        ) k
    ), seeds AS MATERIALIZED (
        SELECT {row} FROM query q, {source} WHERE {visible} ORDER BY f DESC, m.id LIMIT :seeds
    ), boosted AS (
        SELECT * FROM seeds
        UNION ALL
        SELECT {row} FROM query q, {source}, (
            SELECT DISTINCT conversation, position + step AS place
            FROM seeds, generate_series(-{reach}, {reach}) step WHERE position IS NOT NULL
        ) b
        WHERE m.source_conversation_id = b.conversation AND m.position = b.place AND {visible}
            AND m.id NOT IN (SELECT id FROM seeds)
    ), pool AS MATERIALIZED (
        SELECT m.id, m.conversation, m.position, m.content, {boost} AS boost, m.f - {boost} AS f,
            right(rtrim(m.content), 1) = '?' AS asks
        FROM boosted m
    ), judged AS (
        SELECT p.id, p.f + p.boost
            + {near} * (coalesce(a.before, p.f) + coalesce(a.after, p.f))
            + {far} * (coalesce(a.second_before, p.f) + coalesce(a.second_after, p.f))
            + {answer} * coalesce(a.asked, 0)
            + {conversation} * CASE WHEN p.conversation IS NULL THEN p.f
                ELSE max(p.f) OVER (PARTITION BY p.conversation) END
            - CASE WHEN p.asks THEN {question} ELSE 0 END
            + {length} * ln(1 + least(char_length(p.content), 600) / 10.0)
            + CASE WHEN p.content ~* '{time_words}' THEN {time} ELSE 0 END AS relevance
        FROM pool p LEFT JOIN LATERAL (
            SELECT
                max(n.f) FILTER (WHERE n.position = p.position - 1) AS before,
                max(n.f) FILTER (WHERE n.position = p.position + 1) AS after,
                max(n.f) FILTER (WHERE n.position = p.position - 2) AS second_before,
                max(n.f) FILTER (WHERE n.position = p.position + 2) AS second_after,
                max(n.f) FILTER (WHERE n.position = p.position - 1 AND n.asks) AS asked
            FROM pool n WHERE n.conversation = p.conversation AND abs(n.position - p.position) <= 2
        ) a ON true
    )
    SELECT j.id, CASE WHEN :semantic = 1 THEN j.relevance ELSE
            :semantic / (1 + exp(least(greatest((15 - j.relevance) / 4, -50), 50)))
            + :recency * 0.5 ^ (greatest(extract(epoch FROM {moment}
                - greatest(coalesce(m.occurred_at, m.created_at), m.last_accessed_at)), 0) / 86400 / {half_life})
            + :importance * m.importance / 10.0
            + :continuity * CASE WHEN m.source_conversation_id = :conversation THEN 1 ELSE 0 END
            + :relationship * CASE WHEN m.user_id = :user THEN 1 ELSE 0 END END AS score
    FROM judged j JOIN memory m ON m.team_id = :team AND m.id = j.id
    ORDER BY score DESC, j.id LIMIT :limit
"""


@cache
def build_search(models: int, *, as_of: bool) -> TextClause:
    """Returns the statement.

    Args:
        models: How many embedding models are asked: 0 where none answers, 2 while one replaces another. Their vectors
            are bound as `vector0`, `vector1`, their names as `model0`, `model1`, the spread of their cosines as
            `spread0`, `spread1`.
        as_of: Whether it looks at a moment of the past.
    """
    source, state, moment = _THEN if as_of else _NOW
    boost = (
        f"CASE WHEN m.author = :author OR m.author IS NULL AND strpos(m.content, :author) > 0 THEN {_AUTHOR} ELSE 0 END"
    )
    row = (
        "m.id, m.source_conversation_id AS conversation, m.position, m.author, m.content,"
        f" {_cosine(models)} + coalesce(-{_LEXICAL} * (m.lexemes <#> q.lexemes), 0) + {boost} AS f"
    )
    sql = _SEARCH.format(
        vectors="".join(
            f"CAST(CAST(:vector{number} AS real[]) AS halfvec) AS vector{number}, " for number in range(models)
        ),
        row=row,
        source=source,
        visible=_VISIBLE.format(state=state, live=LIVE, moment=moment),
        boost=boost,
        moment=moment,
        reach=_REACH,
        near=_NEAR,
        far=_FAR,
        answer=_ANSWER,
        conversation=_CONVERSATION,
        question=_QUESTION,
        length=_LENGTH,
        time=_TIME,
        time_words=_TIME_WORDS,
        half_life=_HALF_LIFE_DAYS,
    )
    names = [name for name in _TYPES if as_of or name != "moment"]
    parameters: list[Any] = [bindparam(name, type_=_TYPES[name]) for name in names]
    for number in range(models):
        parameters += [
            bindparam(f"vector{number}", type_=ARRAY(REAL)),
            bindparam(f"model{number}", type_=Text()),
            bindparam(f"spread{number}", type_=Double()),
        ]
    return text(sql).bindparams(*parameters)


def _cosine(models: int) -> str:
    """Returns the leg: each row by the model whose vector it has, nothing for a row that has none of them."""
    cases = [
        f"WHEN m.embedding_model = :model{number} THEN -(m.embedding <#> q.vector{number}) / :spread{number}"
        for number in range(models)
    ]
    return f"CASE {' '.join(cases)} ELSE 0 END" if cases else "0"
