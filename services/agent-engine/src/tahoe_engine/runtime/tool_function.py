"""A function as a tool: its arguments are checked, and its errors told to the model."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        for name, described in schema.get("properties", {}).items():
            described.pop("title", None)
            if self.choices and name in self.choices:
                described["enum"] = list(self.choices[name])
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
