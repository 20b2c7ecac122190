from tahoe_engine.models.base import StrictModel


class ImportedMemories(StrictModel):
    """What became of the lines of an export, each one version of a memory.

    Attributes:
        added: They are here now.
        known: They were here before, as an earlier import left them or as somebody said the same.
        outdated: Another version stands in their place here, and stays.
        erased: They were erased here or there, and stay so.
        unembedded: Of those added, how many words alone find until the upkeep has embedded them.
    """

    added: int
    known: int
    outdated: int
    erased: int
    unembedded: int
