from tahoe_engine.interactions.formats.assembly import assemble
from tahoe_engine.interactions.formats.options import ReadOptions
from tahoe_engine.interactions.formats.tahoe import draft_written
from tahoe_engine.interactions.formats.written import WrittenInteraction
from tahoe_engine.models.interaction import Interaction


def read_written(written: WrittenInteraction) -> Interaction:
    """Makes an interaction of one that was sent in Tahoe's own shape, by the same rules as one in a file.

    Raises:
        ReadError: A time or a time zone is none, or a text cannot be stored.
    """
    interaction, _notes = assemble(draft_written(written), ReadOptions())
    return interaction
