"""A function that a model may call: what it is called, what it takes, and whether a person has to agree."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, JsonValue, ValidationError

from tahoe_core.errors import InvalidInputError

type Result = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class ToolFunction[Arguments: BaseModel]:
    """A tool of the registry.

    Attributes:
        arguments: What it takes; the model is shown its schema.
        function: Raises a `TahoeError` where it cannot do as asked.
        needs_approval: Whether a person has to agree to each call.
        choices: For some parameters, the only values there are.
    """

    name: str
    description: str
    arguments: type[Arguments]
    function: Callable[[Arguments], Awaitable[Result]]
    needs_approval: bool = False
    choices: Mapping[str, tuple[str, ...]] | None = None

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """JSON Schema of the arguments."""
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        for name, described in schema.get("properties", {}).items():
            described.pop("title", None)
            if self.choices and name in self.choices:
                described["enum"] = list(self.choices[name])
        return schema

    async def call(self, arguments: Mapping[str, JsonValue]) -> Result:
        """Checks the arguments and calls the function.

        Raises:
            InvalidInputError: The arguments do not fit; each is named, and none repeated.
            TahoeError: The function could not do as asked.
        """
        try:
            given = self.arguments.model_validate(arguments)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_context=False, include_input=False)
            )
            raise InvalidInputError(f"{self.name} cannot be called like this: {wrong}.") from None
        return await self.function(given)
