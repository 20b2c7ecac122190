import json
from collections.abc import Mapping
from typing import Protocol

import pytest

from tahoe_engine.models.interaction import Interaction, InteractionType, Role, ToolCall, Turn

type Step = tuple[str, object]
"""`("customer", "words")`, or a tool's name before the arguments of a call, or `("tool", answer)`."""


class BuildTrajectory(Protocol):
    def __call__(self, *steps: Step, language: str | None = None) -> Interaction: ...


@pytest.fixture
def trajectory() -> BuildTrajectory:
    """Builds trajectories whose answers stand in the turn after the call, without ids."""

    def build(*steps: Step, language: str | None = None) -> Interaction:
        turns = tuple(turn_of(*step) for step in steps)
        return Interaction(type=InteractionType.TRAJECTORY, language=language, turns=turns)

    return build


def turn_of(name: str, content: object) -> Turn:
    if name in set(Role):
        text = content if isinstance(content, str) else json.dumps(content)
        return Turn(role=Role(name), speaker=name, text=text, spoken=len(text))
    written = content if isinstance(content, str) else json.dumps(content)
    call = ToolCall(
        name=name,
        arguments=content if isinstance(content, Mapping) else None,
        arguments_text=written,
        start=len(name) + 1,
    )
    return Turn(role=Role.AGENT, speaker="agent", text=f"{name}({written})", spoken=0, tool_calls=(call,))
