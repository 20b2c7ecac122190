"""Public corpora as they are, where the workplace has them; the project keeps no copy."""

from collections import Counter
from pathlib import Path

import pytest

from tahoe_engine.interactions.reading import ReadInteraction, read_paths
from tahoe_engine.models.interaction import Interaction, InteractionType, Role

DATA = Path(__file__).parents[5] / "shared" / "data"


def _read(name: str) -> list[Interaction]:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"needs the corpus {name} in ../shared/data")
    items = list(read_paths([str(path)]))
    assert all(isinstance(item, ReadInteraction) for item in items), [str(item) for item in items]
    return [item.interaction for item in items if isinstance(item, ReadInteraction)]


def test_abcd_gives_three_chats_with_their_action_turns() -> None:
    interactions = _read("abcd_sample.json")
    assert [len(interaction.turns) for interaction in interactions] == [29, 21, 22]
    roles = Counter(turn.role for interaction in interactions for turn in interaction.turns)
    assert roles == {Role.AGENT: 32, Role.CUSTOMER: 31, Role.ACTION: 9}
    assert {interaction.type for interaction in interactions} == {InteractionType.CHAT}
    assert all("scenario" in interaction.metadata for interaction in interactions)


def test_taskmaster_gives_sixty_trajectories_with_their_calls() -> None:
    interactions = _read("taskmaster4_dialogues.json")
    assert len(interactions) == 60
    assert {interaction.type for interaction in interactions} == {InteractionType.TRAJECTORY}
    calls = [call for interaction in interactions for turn in interaction.turns for call in turn.tool_calls]
    assert len(calls) == 350
    assert all(call.arguments is not None and call.result is not None for call in calls)
    assert {turn.role for interaction in interactions for turn in interaction.turns} == {Role.AGENT, Role.CUSTOMER}
