from typing import Any

import pytest

from tahoe_core.errors import InvalidInputError
from tahoe_engine.catalog.template_dna import dna_of_template
from tahoe_engine.models.agent_models import AgentDNA, AgentStatus
from tahoe_engine.models.agent_requests import AgentOfTemplate
from tahoe_engine.models.catalog import AgentTemplateInput

DESK: dict[str, Any] = {
    "name": "hotel.desk",
    "description": "Helps guests.",
    "model": "gpt-4o",
    "system_prompt": "You never promise a room.",
    "model_config": {
        "provider": "openai",
        "temperature": 0.2,
        "max_output_tokens": 500,
        "fallbacks": [{"provider": "local", "model": "m"}],
        "boundaries": {"max_turns": 5, "max_spend_usd": 0.5},
    },
}


def make(template: dict[str, Any] | None = None, **given: Any) -> AgentDNA:  # noqa: ANN401 - whatever DNA takes
    order = AgentOfTemplate.model_validate({"template": "hotel.desk", **given})
    return dna_of_template(AgentTemplateInput.model_validate(DESK | (template or {})), order)


class TestTheDna:
    def test_is_what_the_template_says(self) -> None:
        assert make() == AgentDNA.model_validate(
            {
                "name": "hotel.desk",
                "slug": "hotel-desk",
                "description": "Helps guests.",
                "personality": {"instructions": "You never promise a room."},
                "model": {
                    "provider": "openai",
                    "model": "gpt-4o",
                    "temperature": 0.2,
                    "max_output_tokens": 500,
                    "fallbacks": [{"provider": "local", "model": "m"}],
                },
                "boundaries": {"max_turns": 5, "max_spend_usd": 0.5},
            }
        )

    def test_is_part_by_part_what_was_given(self) -> None:
        dna = make(
            name="Night desk",
            status="active",
            personality={"tone": "calm"},
            model={"temperature": 1, "fallbacks": []},
            boundaries={"max_spend_usd": None},
            shared_skills=["sums"],
        )
        assert (dna.name, dna.slug, dna.status) == ("Night desk", "night-desk", AgentStatus.ACTIVE)
        assert (dna.personality.tone, dna.personality.instructions) == ("calm", "You never promise a room.")
        assert (dna.model.model, dna.model.temperature, dna.model.fallbacks) == ("gpt-4o", 1, ())
        assert (dna.boundaries.max_turns, dna.boundaries.max_spend_usd) == (5, None)
        assert (dna.description, dna.shared_skills) == ("Helps guests.", ("sums",))

    def test_has_the_slug_that_was_given(self) -> None:
        assert make(slug="desk.2").slug == "desk.2"


class TestWhatCannotBeMade:
    @pytest.mark.parametrize(
        ("template", "field", "words"),
        [
            ({"model": None}, None, "has no model"),
            ({"model_config": {"warmth": 3}}, "model_config.warmth", "cannot be used"),
            ({"system_prompt": "x" * 20_001}, "personality.instructions", "at most 20000"),
            ({"name": "x" * 150}, "name", "at most 100"),
        ],
    )
    def test_says_why(self, template: dict[str, Any], field: str | None, words: str) -> None:
        with pytest.raises(InvalidInputError, match=words) as caught:
            make(template)
        assert caught.value.field == field

    def test_is_made_once_what_is_missing_is_given(self) -> None:
        assert make({"name": "x" * 150}, name="Desk").slug == "desk"
