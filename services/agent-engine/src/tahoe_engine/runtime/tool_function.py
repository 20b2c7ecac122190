"""A function as a tool: its arguments are checked, and its errors told to the model."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from tahoe_core.errors import TahoeError
from tahoe_engine.runtime.tool_port import ToolError


@dataclass(frozen=True, slots=True)
class ToolFunction[Arguments: BaseModel]:
    """A `Tool` that is a function.

    Attributes:
        arguments: What it takes; the model is shown its schema.
        function: Returns what the model is to read, or raises a `TahoeError` whose message it may read.
        needs_approval: Whether it changes something outside, so that the agent's autonomy decides about it.
        choices: For some parameters, the only values there are.
    """

    name: str
    description: str
    arguments: type[Arguments]
    function: Callable[[Arguments], Awaitable[str]]
    needs_approval: bool = False
    choices: Mapping[str, tuple[str, ...]] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        schema: dict[str, Any] = orjson.loads(_write_schema(self.arguments))
        for name, allowed in (self.choices or {}).items():
            schema["properties"][name]["enum"] = list(allowed)
        return schema

    async def __call__(self, arguments: Mapping[str, Any]) -> str:
        """Checks the arguments and calls the function.

        Raises:
            ToolError: The arguments do not fit, each of them named and none repeated; or it could not do as asked.
        """
        try:
            given = self.arguments.model_validate(arguments)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_context=False, include_input=False)
            )
            raise ToolError(f"{self.name} cannot be called like this: {wrong}.") from None
        try:
            return await self.function(given)
        except TahoeError as error:
            raise ToolError(str(error)) from error


@cache
def _write_schema(arguments: type[BaseModel]) -> bytes:
    """Returns the schema as JSON, so that who gets it may change it; pydantic takes a millisecond to make one."""
    schema = arguments.model_json_schema()
    for described in (schema, *schema.get("properties", {}).values()):
        described.pop("title", None)
    schema.pop("description", None)
    return orjson.dumps(schema)
