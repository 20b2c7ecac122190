from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A value: immutable, and a key it does not know is a mistake rather than ignored.

    The text of its errors never repeats what was given, as that may be people's words, and errors end up in logs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, hide_input_in_errors=True)
