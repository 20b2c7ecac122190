import pytest

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.agent_models import AgentDNA, Boundaries, ModelChoice
from tahoe_engine.models.catalog import AgentTemplateInput
from tahoe_engine.runtime.agent_blueprint import blueprint_of_dna, blueprint_of_template


class TestOfDna:
    def test_says_who_it_is(self) -> None:
        dna = AgentDNA.model_validate(
            {
                "name": "Ada",
                "role": "a concierge",
                "description": "You look after guests.",
                "personality": {"traits": ["patient"], "tone": "warm", "language": "de", "instructions": "Never rush."},
                "voice_examples": [{"heard": "Hi", "said": "Welcome!", "note": "greeting"}],
            }
        )
        told = blueprint_of_dna(dna).instructions
        for part in (
            "You are Ada, a concierge.",
            "guests",
            "warm",
            "patient",
            "language de",
            "Never rush.",
            "Welcome!",
        ):
            assert part in told

    def test_has_its_model_and_its_boundaries(self) -> None:
        dna = AgentDNA.model_validate(
            {
                "name": "Ada",
                "model": {
                    "provider": "openai",
                    "model": "gpt-4o",
                    "temperature": 0.2,
                    "max_output_tokens": 9,
                    "fallbacks": [{"provider": "ollama"}],
                },
                "boundaries": {"max_turns": 3},
            }
        )
        made = blueprint_of_dna(dna)
        assert made.choices == (ModelChoice(provider="openai", model="gpt-4o"), ModelChoice(provider="ollama"))
        assert (made.temperature, made.max_output_tokens) == (0.2, 9)
        assert made.boundaries == Boundaries(max_turns=3)


class TestOfATemplate:
    def test_has_its_prompt_its_model_and_what_its_settings_say(self) -> None:
        template = AgentTemplateInput.model_validate(
            {
                "name": "tone",
                "model": "gpt-4o",
                "system_prompt": "You judge the tone.",
                "model_config": {"provider": "openai", "temperature": 0, "boundaries": {"max_turns": 1}},
            }
        )
        made = blueprint_of_template(template)
        assert (made.name, made.instructions) == ("tone", "You judge the tone.")
        assert made.choices == (ModelChoice(provider="openai", model="gpt-4o"),)
        assert (made.temperature, made.boundaries.max_turns) == (0, 1)

    def test_needs_a_model(self) -> None:
        with pytest.raises(InvalidInputError, match="no model"):
            blueprint_of_template(AgentTemplateInput(name="tone"))

    def test_refuses_settings_that_it_does_not_know(self) -> None:
        template = AgentTemplateInput.model_validate({"name": "tone", "model": "m", "model_config": {"warmth": 3}})
        with pytest.raises(InvalidInputError) as caught:
            blueprint_of_template(template)
        assert caught.value.field == "model_config.warmth"
        assert "temperature" in caught.value.cure
