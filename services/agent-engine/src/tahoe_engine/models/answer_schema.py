"""JSON schemas that answers have to follow, looked at before a model is asked."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from tahoe_engine.models.invalid_request import InvalidRequestError

_SHOWN_CHARACTERS = 200


def check_answer_schema(schema: Mapping[str, JsonValue], field: str) -> None:
    """Looks whether it is a schema of the draft that its `$schema` names, else of 2020-12.

    Patterns and references are the provider's to read: each knows others.

    Args:
        schema: As the client gave it.
        field: Where it stands in the request.

    Raises:
        InvalidRequestError: It is none.
    """
    # It takes a tenth of a second to import, and few requests have a schema.
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 - see above
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - see above
    from jsonschema.validators import validator_for  # noqa: PLC0415 - see above

    named = isinstance(schema.get("$schema"), str)
    # Its type knows of no format_checker, without which patterns are held against Python's re.
    draft: Any = validator_for(dict(schema), Draft202012Validator) if named else Draft202012Validator
    try:
        draft.check_schema(schema, format_checker=FormatChecker(()))
    except SchemaError as error:
        place = ".".join((field, *map(str, error.absolute_path)))
        raise InvalidRequestError(
            f"This is no JSON Schema: {error.message[:_SHOWN_CHARACTERS]} ({place}).", field=field
        ) from error
    except RecursionError:
        raise InvalidRequestError("The schema is nested too deeply.", cure="Make it flatter.", field=field) from None
