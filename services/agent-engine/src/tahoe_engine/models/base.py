from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A value: immutable, and a key it does not know is a mistake rather than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
