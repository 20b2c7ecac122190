"""From an interaction that was sent in Tahoe's own shape to one that can be scored, or kept."""

from tahoe_engine.db.repositories.interaction import NewInteraction
from tahoe_engine.interactions.formats.assembly import assemble
from tahoe_engine.interactions.formats.options import ReadOptions
from tahoe_engine.interactions.formats.tahoe import read_tahoe
from tahoe_engine.interactions.formats.written import WrittenInteraction
from tahoe_engine.interactions.store import prepare
from tahoe_engine.models.interaction import Interaction


def read_written(written: WrittenInteraction) -> Interaction:
    """Makes an interaction of it, by the same rules as of one in a file.

    Raises:
        ReadError: A time or a time zone is none, or a text cannot be stored.
    """
    interaction, _notes = assemble(read_tahoe(written.model_dump(mode="json", exclude_unset=True)), ReadOptions())
    return interaction


def prepare_written(written: WrittenInteraction) -> NewInteraction:
    """Makes it ready to be kept; a long one takes seconds, so call it in a thread.

    Raises:
        ReadError: As `read_written`.
        InvalidInputError: Its id is too long.
        PayloadTooLargeError: It is more than a row can hold.
    """
    return prepare(read_written(written))
