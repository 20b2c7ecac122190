"""A scorecard as a file: read with every mistake named by its line, and written again."""

from pathlib import Path

from pydantic import JsonValue, ValidationError

from tahoe_engine.models.scorecard import ScorecardDefinition
from tahoe_engine.scoring.outline import outline_of_data
from tahoe_engine.scoring.problems import Problem, ScorecardError
from tahoe_engine.scoring.schema_errors import schema_problems
from tahoe_engine.scoring.validation import rule_problems, validate_definition
from tahoe_engine.scoring.yaml_output import write_yaml
from tahoe_engine.scoring.yaml_source import MAX_CHARACTERS, read_yaml

_MAX_BYTES = 4 * MAX_CHARACTERS


def load_definition(path: Path) -> ScorecardDefinition:
    """Reads a scorecard from a YAML or JSON file.

    Raises:
        ScorecardError: The file cannot be read, or something in it is wrong; it lists everything, by line.
    """
    source = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ScorecardError([Problem(source, (), f"cannot be read: {error.strerror}.")]) from None
    if len(content) > _MAX_BYTES:
        raise ScorecardError([Problem(source, (), f"is larger than {_MAX_BYTES:,} bytes.")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ScorecardError([Problem(source, (), "is no text in UTF-8; a scorecard is a YAML file.")]) from None
    return parse_definition(text, source)


def parse_definition(text: str, source: str) -> ScorecardDefinition:
    """Reads a scorecard from YAML, or JSON, which is YAML too.

    Args:
        text: The content of the file.
        source: Its name, as it shall stand in messages.

    Raises:
        ScorecardError: Something is wrong; it lists everything, by line.
    """
    document = read_yaml(text, source)
    try:
        definition = ScorecardDefinition.model_validate(document.data)
    except ValidationError as error:
        wrong = schema_problems(error, source, document.lines)
    else:
        if not document.problems:
            validate_definition(definition, source, document.lines)
            return definition
        wrong = []
    wrong += rule_problems(outline_of_data(document.data), source, document.lines)
    said = {problem.location for problem in document.problems}
    raise ScorecardError([*document.problems, *(problem for problem in wrong if problem.location not in said)])


def dump_definition(definition: ScorecardDefinition) -> str:
    """Writes a scorecard as YAML that reads back as the same; what is left to its default is left out."""
    data = definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return write_yaml(data)


def definition_schema() -> dict[str, JsonValue]:
    """Returns the JSON Schema of a scorecard file, for editors; `docs/schemas/scorecard.schema.json` is a copy."""
    schema = ScorecardDefinition.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Tahoe scorecard"}
