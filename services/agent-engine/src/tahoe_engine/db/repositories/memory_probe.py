"""How a search reads the cells of a large team: the parts of its statement that choose them, and read them.

Those nearest to the query come first. What they hold says how near the best are, and how far a memory lies from its
centroid, as seen by the query; then every other cell follows that could hold one as good. So a search reads little
where vectors form groups, more where they do not, and the whole team where few memories may be seen. How the numbers
were chosen: docs/decisions/0014.

All cells of a model that was not asked are read, since nothing is known of how near they are. So are all where the
application connects as the owner of the tables: there no index finds stems under row-level security.
"""

from tahoe_core.db.rls import OWNER_POLICY

HAS_STEMS = f"""EXISTS (
        SELECT FROM pg_policy WHERE polrelid = to_regclass('memory') AND polname = '{OWNER_POLICY}')"""
"""Whether stems are found by their index."""
_FIRST = 16
_DEVIATIONS = 4

_PROBE = f"""cells AS MATERIALIZED (
        SELECT c.cell, c.distance, row_number() OVER (PARTITION BY c.generation ORDER BY c.distance) AS place
        FROM (
            SELECT c.cell, c.generation, {{of_cell}} AS distance FROM memory_cell c
            WHERE c.team_id = {{team}} AND c.centroid IS NOT NULL
        ) c
    ), near AS MATERIALIZED (
        SELECT m.id, m.cell, {{f}} AS f, {{of_memory}} AS distance FROM memory m
        WHERE {{visible}} AND m.cell = ANY (ARRAY(SELECT cell FROM cells WHERE place <= {_FIRST}))
    ), reach AS MATERIALIZED (
        SELECT (SELECT distance FROM near ORDER BY distance OFFSET {{limit}} - 1 LIMIT 1)
            + {_DEVIATIONS} * (SELECT stddev_pop(n.distance - c.distance) FROM near n JOIN cells c ON c.cell = n.cell)
            AS distance
    ), further AS MATERIALIZED (
        SELECT ARRAY(
            SELECT c.cell FROM cells c, reach r
            WHERE c.place > {_FIRST} AND ((c.distance > r.distance) IS NOT TRUE OR NOT {HAS_STEMS})
        ) AS cells
    ),"""  # noqa: S608 - made of constants
# Each by an index of its own: what lies in no cell, and what lies in those chosen.
_CANDIDATES = """
            SELECT m.id, {f} AS f FROM memory m WHERE {visible} AND m.cell IS NULL
            UNION ALL SELECT id, f FROM near
            UNION ALL SELECT m.id, {f} AS f FROM memory m
            WHERE {visible} AND m.cell = ANY (CAST((SELECT cells FROM further) AS integer[]))"""


def probe(parts: dict[str, str]) -> tuple[str, str]:
    """Returns the parts of a statement that choose cells, and a query of the `id` and `f` of what they hold.

    Args:
        parts: SQL: `team` and `limit`, how many are looked for; `visible`, the condition of a row `m`, and `f`, by
            which it is ordered; `of_memory` and `of_cell`, how far it, or a cell `c`, is from the query, null where
            unknown.
    """
    return _PROBE.format(**parts), _CANDIDATES.format(**parts)
