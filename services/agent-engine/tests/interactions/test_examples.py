"""The examples are what the README promises: readable, of every format, and judged as `demo.yaml` says."""

import re
from pathlib import Path

import pytest
import yaml

from tahoe_engine.embedding.local import LocalEmbedder
from tahoe_engine.interactions.reading import Format, ReadInteraction, read_document, read_paths
from tahoe_engine.models.interaction import InteractionType, Role
from tahoe_engine.scoring.binding import bind_definition
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.definition import load_definition
from tahoe_engine.scoring.scorer import Scorer

EXAMPLES = Path(__file__).parents[4] / "examples"
GUIDE = Path(__file__).parents[4] / "docs/guides/interactions.md"
BLOCKS = re.findall(r"```(json|jsonl|text|eml|vtt|srt)\n(.*?)```", GUIDE.read_text(), re.DOTALL)
DEMO: list[dict[str, str]] = yaml.safe_load((EXAMPLES / "demo.yaml").read_text())


def _read(name: str) -> ReadInteraction:
    (item,) = read_paths([str(EXAMPLES / "interactions" / name)])
    assert isinstance(item, ReadInteraction), str(item)
    return item


@pytest.fixture(scope="module")
def scorers() -> dict[str, Scorer]:
    embedder = LocalEmbedder()
    definitions = [load_definition(path) for path in (EXAMPLES / "scorecards").glob("*.yaml")]
    kit = CheckKit(load_embedder=lambda: embedder)
    return {definition.name: Scorer(bind_definition(definition), kit) for definition in definitions}


def test_every_example_is_in_the_demo_and_in_the_table() -> None:
    files = sorted(path.name for path in (EXAMPLES / "interactions").iterdir())
    assert sorted(entry["file"] for entry in DEMO) == files
    table = (EXAMPLES / "README.md").read_text()
    assert all(f"`{entry['file']}`" in table for entry in DEMO)


def test_the_examples_show_every_type_every_verdict_and_many_formats() -> None:
    items = [_read(entry["file"]) for entry in DEMO]
    assert {item.interaction.type for item in items} == set(InteractionType)
    assert {item.format for item in items} == {
        Format.JSON,
        Format.JSONL,
        Format.TEXT,
        Format.EMAIL,
        Format.VTT,
        Format.SRT,
    }
    assert {(entry["scorecard"], entry["expect"]) for entry in DEMO} >= {
        (scorecard, verdict)
        for scorecard in ("support-quality", "debt-collection", "agent-trajectory")
        for verdict in ("pass", "review", "high_risk")
    }


@pytest.mark.parametrize("entry", DEMO, ids=lambda entry: entry["file"])
def test_an_example_is_judged_as_its_reader_expects(entry: dict[str, str], scorers: dict[str, Scorer]) -> None:
    interaction = _read(entry["file"]).interaction
    assert 8 <= len(interaction.turns) <= 30
    assert {Role.AGENT, Role.CUSTOMER} <= {turn.role for turn in interaction.turns}
    assert interaction.metadata.get("scorecard", entry["scorecard"]) == entry["scorecard"]
    assert scorers[entry["scorecard"]].score(interaction).verdict == entry["expect"]


@pytest.mark.parametrize(("language", "text"), BLOCKS, ids=[language for language, _ in BLOCKS])
def test_what_the_guide_shows_can_be_read(language: str, text: str) -> None:
    items = read_document(text, "guide")
    assert items
    for item in items:
        assert isinstance(item, ReadInteraction), str(item)
        assert {Role.AGENT, Role.CUSTOMER} <= {turn.role for turn in item.interaction.turns}
