"""Memory: agents, their conversations, what they remember, and the record of it all.

Revision: 001_phase1_foundation, after 000_orchestration
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC, SPARSEVEC
from sqlalchemy.dialects.postgresql import ENUM, JSONB

from tahoe_core.db.rls import MAY_CHANGE, admit_application, protect_table

revision: str = "001_phase1_foundation"
down_revision: str | None = "000_orchestration"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ENUMS = {
    "agent_status": ("draft", "active", "paused", "archived"),
    "conversation_status": ("active", "idle", "closed"),
    "message_role": ("user", "assistant", "system", "tool"),
    "memory_type_enum": (
        "semantic",
        "episodic",
        "procedural",
        "agent_private",
        "shared",
        "identity",
        "user_profile",
    ),
    "memory_status": ("active", "superseded", "archived", "disputed"),
    "memory_tier": ("hot", "warm", "cold"),
    "memory_source": ("extraction", "explicit", "system", "feedback", "consolidation", "compaction"),
}
# In the order in which they can be made; dropped the other way round.
TABLES = {
    "agent": MAY_CHANGE,
    "conversation": MAY_CHANGE,
    "message": MAY_CHANGE,
    "memory": MAY_CHANGE,
    "memory_log": "SELECT",
    "memory_tag": MAY_CHANGE,
    "memory_use": "SELECT, INSERT",
    "memory_stat": MAY_CHANGE,
    "memory_term": MAY_CHANGE,
}
FUNCTIONS = (
    "list_memory_teams()",
    "memory_at(uuid, timestamptz)",
    "count_memory_use()",
    "log_memory_change()",
    "log_new_memories()",
    "log_moment()",
    "refuse_change()",
    "count_messages()",
    "set_updated_at()",
)
EVENTS = (
    "'created', 'updated', 'superseded', 'promoted', 'demoted', 'pinned', 'unpinned', 'disputed', 'resolved', "
    "'expired', 'consolidated', 'accessed', 'erased'"
)
TYPE_NUMBER = (
    "CASE memory_type"
    + "".join(f" WHEN '{kind}'::memory_type_enum THEN {n}" for n, kind in enumerate(ENUMS["memory_type_enum"]))
    + " ELSE NULL::integer END"
)
LIVE = "status IN ('active', 'disputed')"


def upgrade() -> None:
    for name, values in ENUMS.items():
        listed = ", ".join(f"'{value}'" for value in values)
        op.execute(f"CREATE TYPE {name} AS ENUM ({listed})")
    create_agent()
    create_conversation()
    create_message()
    create_memory()
    create_memory_log()
    create_memory_tag()
    create_memory_use()
    create_memory_stat()
    create_memory_term()
    script = Path(__file__).with_name("001_functions.sql").read_text(encoding="utf-8")
    for statement in script.split("\n--;\n"):
        op.execute(sa.text(statement.replace(":", "\\:")))  # a colon in text() would begin a parameter
    for table in TABLES:
        for statement in protect_table(table):
            op.execute(statement)
    options = op.get_context().opts
    for statement in admit_application(options["schema"], options["app_role"], TABLES):
        op.execute(statement)


def downgrade() -> None:
    for function in FUNCTIONS[:2]:
        op.execute(f"DROP FUNCTION {function}")
    for table in reversed(TABLES):
        op.drop_table(table)
    for function in FUNCTIONS[2:]:
        op.execute(f"DROP FUNCTION {function}")
    for name in ENUMS:
        op.execute(f"DROP TYPE {name}")


def create_agent() -> None:
    op.create_table(
        "agent",
        *identity(),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        text_or_empty("description"),
        json_object("dna"),
        sa.Column("status", enum("agent_status"), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        optional("created_by", sa.Uuid()),
        *times(),
        sa.CheckConstraint("version >= 1", name="ck_agent_version"),
        sa.PrimaryKeyConstraint("id", name="pk_agent"),
        sa.UniqueConstraint("team_id", "id", name="uq_agent_team_id_id"),
        sa.UniqueConstraint("team_id", "slug", name="uq_agent_team_id_slug"),
    )


def create_conversation() -> None:
    op.create_table(
        "conversation",
        *identity(),
        optional("agent_id", sa.Uuid()),
        optional("user_id", sa.Uuid()),
        optional("external_id", sa.Text()),
        text_or_empty("title"),
        sa.Column("status", enum("conversation_status"), server_default=sa.text("'active'"), nullable=False),
        sa.Column("message_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        optional("last_message_at", sa.TIMESTAMP(timezone=True)),
        optional("closed_at", sa.TIMESTAMP(timezone=True)),
        json_object("metadata"),
        *times(),
        sa.CheckConstraint("message_count >= 0", name="ck_conversation_message_count"),
        within_team("conversation", "agent_id", "agent"),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.UniqueConstraint("team_id", "external_id", name="uq_conversation_team_id_external_id"),
        sa.UniqueConstraint("team_id", "id", name="uq_conversation_team_id_id"),
    )
    op.create_index(
        "ix_conversation_team_id_agent_id_created_at_id", "conversation", ["team_id", "agent_id", "created_at", "id"]
    )
    op.create_index("ix_conversation_team_id_created_at_id", "conversation", ["team_id", "created_at", "id"])


def create_message() -> None:
    op.create_table(
        "message",
        *identity(),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", enum("message_role"), nullable=False),
        text_or_empty("content"),
        json_array("tool_calls"),
        optional("tool_call_id", sa.Text()),
        optional("tool_name", sa.Text()),
        optional("model", sa.Text()),
        optional("input_tokens", sa.Integer()),
        optional("cached_tokens", sa.Integer()),
        optional("output_tokens", sa.Integer()),
        optional("latency_ms", sa.Double()),
        sa.Column("is_complete", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        json_object("feedback"),
        json_object("metadata"),
        *times(),
        sa.CheckConstraint("input_tokens >= 0 AND cached_tokens >= 0 AND output_tokens >= 0", name="ck_message_tokens"),
        sa.CheckConstraint("position >= 0", name="ck_message_position"),
        within_team("message", "conversation_id", "conversation"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint(
            "team_id", "conversation_id", "position", name="uq_message_team_id_conversation_id_position"
        ),
        sa.UniqueConstraint("team_id", "id", name="uq_message_team_id_id"),
    )


def create_memory() -> None:
    op.create_table(
        "memory",
        # What a search reads of every row comes first: Postgres steps over all columns before the one that it wants.
        *identity(),
        sa.Column("memory_type", enum("memory_type_enum"), nullable=False),
        sa.Column("type_number", sa.SmallInteger(), sa.Computed(TYPE_NUMBER, persisted=True), nullable=False),
        sa.Column("status", enum("memory_status"), server_default=sa.text("'active'"), nullable=False),
        optional("agent_id", sa.Uuid()),
        optional("user_id", sa.Uuid()),
        optional("expires_at", sa.TIMESTAMP(timezone=True)),
        optional("embedding_model", sa.Text()),
        sa.Column("embedding", HALFVEC(), nullable=True),
        sa.Column("lexemes", SPARSEVEC(), nullable=True),
        optional("author", sa.Text()),
        optional("source_conversation_id", sa.Uuid()),
        optional("position", sa.Integer()),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("tier", enum("memory_tier"), server_default=sa.text("'warm'"), nullable=False),
        sa.Column("source", enum("memory_source"), server_default=sa.text("'explicit'"), nullable=False),
        sa.Column("importance", sa.SmallInteger(), server_default=sa.text("5"), nullable=False),
        sa.Column("confidence", sa.Double(), server_default=sa.text("1"), nullable=False),
        sa.Column("is_pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("access_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        optional("last_accessed_at", sa.TIMESTAMP(timezone=True)),
        optional("occurred_at", sa.TIMESTAMP(timezone=True)),
        optional("erased_at", sa.TIMESTAMP(timezone=True)),
        optional("superseded_by", sa.Uuid()),
        optional("content_hash", sa.Uuid()),
        optional("subject", sa.Text()),
        uuid_array("source_message_ids"),
        uuid_array("contradicts"),
        uuid_array("related_to"),
        optional("extraction_model", sa.Text()),
        json_object("metadata"),
        *times(),
        sa.CheckConstraint(
            "agent_id IS NOT NULL OR memory_type NOT IN ('procedural', 'agent_private', 'identity')",
            name="ck_memory_agent",
        ),
        sa.CheckConstraint(
            "erased_at IS NULL OR num_nonnulls(embedding, lexemes, content_hash, subject, author) = 0"
            " AND content = '[erased]' AND metadata = '{}'",
            name="ck_memory_erased",
        ),
        sa.CheckConstraint("content <> ''", name="ck_memory_content"),
        sa.CheckConstraint("(embedding IS NULL) = (embedding_model IS NULL)", name="ck_memory_embedding"),
        sa.CheckConstraint("access_count >= 0", name="ck_memory_access_count"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="ck_memory_confidence"),
        sa.CheckConstraint("importance BETWEEN 1 AND 10", name="ck_memory_importance"),
        sa.CheckConstraint("position >= 0", name="ck_memory_position"),
        sa.CheckConstraint("version >= 1", name="ck_memory_version"),
        within_team("memory", "agent_id", "agent"),
        within_team("memory", "source_conversation_id", "conversation"),
        sa.PrimaryKeyConstraint("id", name="pk_memory"),
        sa.UniqueConstraint("team_id", "id", name="uq_memory_team_id_id"),
        sa.UniqueConstraint("team_id", "root_id", "version", name="uq_memory_team_id_root_id_version"),
        postgresql_with={"toast_tuple_target": "8160", "fillfactor": "90"},
    )
    for name, columns, where in (
        ("expires", ["team_id", "expires_at"], f"expires_at IS NOT NULL AND {LIVE}"),
        ("live", ["team_id", "type_number"], f"erased_at IS NULL AND {LIVE}"),
        ("live_hash", ["team_id", "content_hash"], LIVE),
        ("live_subject", ["team_id", "subject"], f"subject IS NOT NULL AND {LIVE}"),
        ("pinned", ["team_id"], f"(is_pinned OR memory_type = 'identity') AND {LIVE}"),
        ("place", ["team_id", "source_conversation_id", "position"], "source_conversation_id IS NOT NULL"),
    ):
        op.create_index(f"ix_memory_{name}", "memory", columns, postgresql_where=sa.text(where))
    op.create_index("ix_memory_team_id_created_at_id", "memory", ["team_id", "created_at", "id"])


def create_memory_log() -> None:
    op.create_table(
        "memory_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        optional("memory_id", sa.Uuid()),
        sa.Column("memory_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        optional("version", sa.Integer()),
        sa.Column("status", enum("memory_status"), nullable=True),
        sa.Column("tier", enum("memory_tier"), nullable=True),
        optional("importance", sa.SmallInteger()),
        optional("confidence", sa.Double()),
        optional("is_pinned", sa.Boolean()),
        optional("expires_at", sa.TIMESTAMP(timezone=True)),
        optional("superseded_by", sa.Uuid()),
        optional("actor", sa.Text()),
        optional("reason", sa.Text()),
        sa.Column(
            "logged_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(f"event IN ({EVENTS})", name="ck_memory_log_event"),
        sa.PrimaryKeyConstraint("id", name="pk_memory_log"),
    )
    op.create_index(
        "ix_memory_log_accesses", "memory_log", ["team_id", "id"], postgresql_where=sa.text("memory_ids IS NOT NULL")
    )
    op.create_index("ix_memory_log_team_id_memory_id_id", "memory_log", ["team_id", "memory_id", "id"])


def create_memory_tag() -> None:
    op.create_table(
        "memory_tag",
        *identity(),
        sa.Column("memory_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        optional("removed_at", sa.TIMESTAMP(timezone=True)),
        *times(),
        within_team("memory_tag", "memory_id", "memory"),
        sa.PrimaryKeyConstraint("id", name="pk_memory_tag"),
    )
    op.create_index("ix_memory_tag_team_id_memory_id", "memory_tag", ["team_id", "memory_id"])
    op.create_index("ix_memory_tag_team_id_tag", "memory_tag", ["team_id", "tag"])
    op.create_index(
        "uq_memory_tag_given",
        "memory_tag",
        ["team_id", "memory_id", "tag"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )


def create_memory_use() -> None:
    op.create_table(
        "memory_use",
        *identity(),
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        optional("agent_id", sa.Uuid()),
        sa.Column("memory_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        optional("score", sa.Double()),
        *times(),
        sa.CheckConstraint("rank >= 1", name="ck_memory_use_rank"),
        within_team("memory_use", "memory_id", "memory"),
        sa.PrimaryKeyConstraint("id", name="pk_memory_use"),
        sa.UniqueConstraint("team_id", "answer_id", "rank", name="uq_memory_use_team_id_answer_id_rank"),
    )
    op.create_index("ix_memory_use_team_id_memory_id", "memory_use", ["team_id", "memory_id"])


def create_memory_stat() -> None:
    op.create_table(
        "memory_stat",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("memories", sa.Integer(), nullable=False),
        text_array("authors"),
        json_object("spreads"),
        sa.Column("counted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        optional("compared_until", sa.TIMESTAMP(timezone=True)),
        optional("consolidated_until", sa.TIMESTAMP(timezone=True)),
        sa.CheckConstraint("memories >= 0", name="ck_memory_stat_memories"),
        sa.PrimaryKeyConstraint("team_id", name="pk_memory_stat"),
    )


def create_memory_term() -> None:
    op.create_table(
        "memory_term",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("memories", sa.Integer(), nullable=False),
        sa.CheckConstraint("memories >= 0", name="ck_memory_term_memories"),
        sa.PrimaryKeyConstraint("team_id", "term", name="pk_memory_term"),
    )


def enum(name: str) -> ENUM:
    return ENUM(*ENUMS[name], name=name, create_type=False)


def identity() -> Sequence[sa.Column[object]]:
    return (
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
    )


def times() -> Sequence[sa.Column[object]]:
    return tuple(
        sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)
        for name in ("created_at", "updated_at")
    )


def optional(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=True)


def text_or_empty(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)


def json_object(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)


def json_array(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)


def text_array(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False)


def uuid_array(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.ARRAY(sa.Uuid()), server_default=sa.text("'{}'::uuid[]"), nullable=False)


def within_team(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["team_id", column], [f"{target}.team_id", f"{target}.id"], name=f"fk_{table}_team_id_{column}"
    )
