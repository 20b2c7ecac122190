"""Where interactions are kept: each content once, every version of it for good."""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.storable import refuse_unstorable, to_json_text
from tahoe_core.errors import InvalidInputError, PayloadTooLargeError
from tahoe_engine.db.models.interaction import MAX_EXTERNAL_ID_CHARACTERS, InteractionORM
from tahoe_engine.db.repositories.interaction import InteractionRepository, NewInteraction
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.stored import InteractionFilter, InteractionSummary, SavedInteraction, StoredInteraction

# Postgres takes at most 256 MB into one jsonb; texts in it count in UTF-8, and some room is left for the rest.
MAX_CONTENT_BYTES = 200 * 1024 * 1024
_MAX_BATCH = 500
_MAX_BATCH_BYTES = 8 * 1024 * 1024


class InteractionStore:
    """One team's interactions.

    Args:
        session: As `team_session` opened it. What is saved in one transaction should be one batch: two that save
            several batches with interactions in common could otherwise wait for each other.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._repository = InteractionRepository(session)

    async def save(self, interactions: Sequence[NewInteraction]) -> list[SavedInteraction]:
        """Keeps what `prepare` made, and says where each is, in the order of the input.

        The same content under the same external id is one row, whoever saves it when; other content is its next
        version. Without an external id the content stands for it.
        """
        saved: list[SavedInteraction] = []
        for batch in _batches(interactions):
            saved += await self._repository.save(batch)
        return saved

    async def get(self, interaction_id: UUID) -> StoredInteraction:
        """Returns an interaction with its content.

        Raises:
            NotFoundError: There is none with this id.
        """
        row = await self._repository.get(interaction_id)
        return await asyncio.to_thread(_read, row)  # a long one takes a while, in which others want to be served

    async def list_page(self, which: InteractionFilter, request: PageRequest) -> Page[InteractionSummary]:
        """Lists what fits, newest first."""
        page = await self._repository.list_summaries(which, request)
        return page.map(lambda row: InteractionSummary.model_validate(row._asdict()))


def prepare(interaction: Interaction) -> NewInteraction:
    """Makes an interaction ready to be kept; needs no database, so that a bad one is refused before a transaction.

    Raises:
        InvalidInputError: A text holds a null byte or half of a surrogate pair (`field` says where), or the external
            id is too long.
        PayloadTooLargeError: It is more than a row can hold.
    """
    external_id = interaction.external_id or None
    if external_id is not None:
        _check_external_id(external_id)
    content = _content(interaction)
    canonical = _canonical_json(content)
    if len(canonical) > MAX_CONTENT_BYTES:
        raise PayloadTooLargeError(
            f"The interaction has {len(canonical) / 2**20:.0f} MB of content; {MAX_CONTENT_BYTES / 2**20:.0f} MB can "
            "be kept.",
            cure="Split it into several interactions.",
        )
    return NewInteraction(
        external_id=external_id,
        type=interaction.type.value,
        language=interaction.language,
        occurred_at=interaction.occurred_at,
        time_zone=interaction.time_zone,
        participants=to_json_text(content.get("participants", [])),
        turns=to_json_text(content["turns"]),
        metadata=to_json_text(content.get("metadata", {})),
        content_hash=hashlib.sha256(canonical).hexdigest(),
    )


def content_hash(interaction: Interaction) -> str:
    """Returns SHA-256, in hexadecimal, of everything but the external id.

    It is taken of canonical JSON: keys sorted, no spaces, values at their defaults left out (so that a field added
    later changes no hash), `occurred_at` in UTC. The order of keys and the offset of a moment make no difference.

    Raises:
        InvalidInputError: A text in it cannot be kept.
    """
    return hashlib.sha256(_canonical_json(_content(interaction))).hexdigest()


def _content(interaction: Interaction) -> dict[str, Any]:
    content = interaction.model_dump(mode="json", exclude={"external_id"}, exclude_defaults=True)
    if interaction.occurred_at is not None:
        content["occurred_at"] = interaction.occurred_at.astimezone(UTC).isoformat()
    return content


def _canonical_json(content: dict[str, Any]) -> bytes:
    # The standard library's: it knows integers of any length, and two encoders would mean two hashes.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if "\\u0000" in text:
        refuse_unstorable(content)
    try:
        return text.encode()
    except UnicodeEncodeError:
        refuse_unstorable(content)
        raise


def _check_external_id(external_id: str) -> None:
    refuse_unstorable(external_id, "external_id")
    if len(external_id) > MAX_EXTERNAL_ID_CHARACTERS:
        raise InvalidInputError(
            f"The external id has {len(external_id)} characters; {MAX_EXTERNAL_ID_CHARACTERS} can be kept.",
            field="external_id",
        )


def _batches(interactions: Sequence[NewInteraction]) -> Iterator[Sequence[NewInteraction]]:
    """Cuts where a batch has enough rows or enough text."""
    batch: list[NewInteraction] = []
    characters = 0
    for interaction in interactions:
        length = len(interaction.turns) + len(interaction.metadata)
        if batch and (len(batch) == _MAX_BATCH or characters + length > _MAX_BATCH_BYTES):
            yield batch
            batch, characters = [], 0
        batch.append(interaction)
        characters += length
    if batch:
        yield batch


def _read(row: InteractionORM) -> StoredInteraction:
    return StoredInteraction(
        id=row.id,
        version=row.version,
        content_hash=row.content_hash,
        created_at=row.created_at,
        interaction=Interaction.model_validate(
            {
                "external_id": row.external_id,
                "type": row.type,
                "language": row.language,
                "occurred_at": row.occurred_at,
                "time_zone": row.time_zone,
                "participants": row.participants,
                "turns": row.turns,
                "metadata": row.metadata_json,
            }
        ),
    )
