from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def _rain(arguments: Mapping[str, Any]) -> str:
    return f"It rains in {arguments['city']}."


@dataclass
class ScriptedTool:
    """A tool that does what a test tells it to, and remembers what it was asked.

    Attributes:
        answer: What it does.
        calls: The arguments of each call, in order.
    """

    name: str = "look_up"
    answer: Callable[[Mapping[str, Any]], Awaitable[str]] = _rain
    needs_approval: bool = False
    description: str = "Looks up the weather in a city."
    parameters: Mapping[str, Any] = field(default_factory=lambda: _CITY)
    calls: list[Mapping[str, Any]] = field(default_factory=list)

    async def __call__(self, arguments: Mapping[str, Any]) -> str:
        """Does it."""
        self.calls.append(arguments)
        return await self.answer(arguments)
