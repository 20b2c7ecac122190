"""Cells: where a large team's memories lie among its vectors, so that a search need not read them all.

Revision: 003_memory_cells, after 002_turns
"""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC

from tahoe_core.db.rls import MAY_CHANGE, admit_application, protect_table

revision: str = "003_memory_cells"
down_revision: str | None = "002_turns"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

SEARCHABLE = "erased_at IS NULL AND status IN ('active', 'disputed')"


def upgrade() -> None:
    op.create_table(
        "memory_cell",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("cell", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("memories", sa.Integer(), nullable=False),
        sa.Column("embedding_model", sa.Text(), nullable=False),
        sa.Column("centroid", HALFVEC(), nullable=True),
        sa.PrimaryKeyConstraint("team_id", "cell", name="pk_memory_cell"),
        postgresql_with={"toast_tuple_target": "8160"},
    )
    op.add_column("memory", sa.Column("cell", sa.Integer(), nullable=True))
    op.create_check_constraint("ck_memory_cell", "memory", f"cell IS NULL OR embedding IS NOT NULL AND {SEARCHABLE}")
    script = Path(__file__).with_name("003_functions.sql").read_text(encoding="utf-8")
    for statement in script.split("\n--;\n"):
        op.execute(sa.text(statement.replace(":", "\\:")))  # a colon in text() would begin a parameter
    # In the place of the one that did not know cells: a write keeps as many indexes as before.
    op.drop_index("ix_memory_live", "memory")
    op.create_index(
        "ix_memory_live", "memory", ["team_id", "cell", "type_number"], postgresql_where=sa.text(SEARCHABLE)
    )
    op.create_index(
        "ix_memory_stems",
        "memory",
        [sa.text("hash_stems(team_id, lexemes)")],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
        postgresql_where=sa.text(f"cell IS NOT NULL AND {SEARCHABLE}"),
    )
    for statement in protect_table("memory_cell"):
        op.execute(statement)
    options = op.get_context().opts
    for statement in admit_application(options["schema"], options["app_role"], {"memory_cell": MAY_CHANGE}):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER leave_cell ON memory")
    op.execute("DROP FUNCTION list_memories_by_stems(integer[])")
    op.execute("DROP FUNCTION leave_cell()")
    op.drop_index("ix_memory_stems", "memory")
    op.drop_index("ix_memory_live", "memory")
    op.drop_column("memory", "cell")
    op.create_index("ix_memory_live", "memory", ["team_id", "type_number"], postgresql_where=sa.text(SEARCHABLE))
    op.execute("DROP FUNCTION hash_stems(uuid, sparsevec)")
    op.drop_table("memory_cell")
