"""What several of the memory commands take."""

from collections.abc import Callable
from typing import Any

import click
from pydantic import ValidationError

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.memory_models import MAX_CONTENT_CHARACTERS, MAX_QUERY_CHARACTERS, MemoryType

MEMORY_TYPE = click.Choice([kind.value for kind in MemoryType])
MEMORY_TYPES = ", ".join(MEMORY_TYPE.choices)

_MEANT = {
    "content": f"The text is empty, longer than {MAX_CONTENT_CHARACTERS:,} characters, or not UTF-8.",
    "query": f"The question is empty, longer than {MAX_QUERY_CHARACTERS:,} characters, or not UTF-8.",
    "tags": "A tag has at most 64 characters, no comma or line break, and begins with no space.",
    "slug": "An agent's name is made of small letters, digits and . _ -, and begins with a letter or digit.",
}


def whose_options[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Adds `--agent` and `--user`."""
    for option in (
        click.option("--user", "user_id", type=click.UUID, metavar="UUID", help="Of this user."),
        click.option("--agent", metavar="SLUG", help="Of this agent."),
    ):
        added: Callable[[Callable[..., Any]], Callable[P, R]] = option
        function = added(function)
    return function


def reason_option[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Adds `--reason`."""
    option: Callable[[Callable[..., Any]], Callable[P, R]] = click.option(
        "--reason", metavar="TEXT", help="Why, for the log, which keeps it for ever."
    )
    return option(function)


def checked[Model: StrictModel](model: type[Model], **fields: object) -> Model:
    """Makes a value of what the command line says.

    Raises:
        UsageError: Something does not fit; the message says what is allowed.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        [first, *_rest] = error.errors(include_url=False, include_context=False, include_input=False)
        name = str(first["loc"][0]) if first["loc"] else ""
        raise click.UsageError(_MEANT.get(name) or f"--{name}: {first['msg']}.") from None
