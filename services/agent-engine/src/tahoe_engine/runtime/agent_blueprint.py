"""Who an agent is, as far as a run needs to know: made of its DNA, or of an agent template."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import Field, ValidationError

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.agent_models import AgentDNA, Boundaries, ModelChoice, ModelConfig, Personality, VoiceExample
from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.catalog import AgentTemplateInput, Name

DEFAULT_OUTPUT_TOKENS = ModelConfig().max_output_tokens


@dataclass(frozen=True)
class AgentBlueprint:
    """An agent, ready to run.

    Attributes:
        instructions: What its model is told of itself.
        choices: The models that it would have, in order.
    """

    name: str
    instructions: str
    choices: tuple[ModelChoice, ...] = (ModelChoice(),)
    temperature: float | None = None
    max_output_tokens: int = DEFAULT_OUTPUT_TOKENS
    boundaries: Boundaries = field(default_factory=Boundaries)


class TemplateSettings(StrictModel):
    """What an agent template's `model_config` may say; `boundaries` is as an agent's."""

    provider: Name | None = None
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    max_output_tokens: int = Field(default=DEFAULT_OUTPUT_TOKENS, ge=1, le=1_000_000)
    fallbacks: tuple[ModelChoice, ...] = Field(default=(), max_length=10)
    boundaries: Boundaries = Boundaries()

    def choose(self, model: str | None) -> ModelConfig:
        """Returns what somebody thinks with who has this model."""
        return ModelConfig(model=model, **self.model_dump(exclude={"boundaries"}))


def blueprint_of_dna(dna: AgentDNA) -> AgentBlueprint:
    """Makes a blueprint of an agent's DNA."""
    return AgentBlueprint(
        name=dna.name,
        instructions="\n\n".join(_introduce(dna)),
        choices=dna.model.choices,
        temperature=dna.model.temperature,
        max_output_tokens=dna.model.max_output_tokens,
        boundaries=dna.boundaries,
    )


def blueprint_of_template(template: AgentTemplateInput) -> AgentBlueprint:
    """Makes a blueprint of a specialist.

    Raises:
        InvalidInputError: It has no model, or its `model_config` says something that is not known.
    """
    settings = read_template_settings(template)
    return AgentBlueprint(
        name=template.name,
        instructions=template.system_prompt,
        choices=settings.choose(template.model).choices,
        temperature=settings.temperature,
        max_output_tokens=settings.max_output_tokens,
        boundaries=settings.boundaries,
    )


def read_template_settings(template: AgentTemplateInput) -> TemplateSettings:
    """Returns what the `model_config` of a template says that has a model.

    Raises:
        InvalidInputError: It has none, or says something that is not known.
    """
    if template.model is None:
        raise InvalidInputError(
            f"The agent template {template.name!r} has no model: its checks run natively.", cure="Give it a model."
        )
    try:
        return TemplateSettings.model_validate(template.settings)
    except ValidationError as error:
        at = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise InvalidInputError(
            f"The agent template {template.name!r} has a model_config that cannot be used: {error.errors()[0]['msg']}.",
            cure=f"It may hold {', '.join(TemplateSettings.model_fields)}.",
            field=f"model_config.{at}",
        ) from error


def _introduce(dna: AgentDNA) -> Iterator[str]:
    role = f", {dna.role}" if dna.role else ""
    yield f"You are {dna.name}{role}."
    if dna.description:
        yield dna.description
    yield from _describe(dna.personality)
    if dna.voice_examples:
        yield "How you speak:\n\n" + "\n\n".join(_quote(example) for example in dna.voice_examples)


def _describe(personality: Personality) -> Iterator[str]:
    traits = f" You are {', '.join(personality.traits)}." if personality.traits else ""
    language = (
        f"Answer in the language {personality.language}, whatever language you are spoken to in."
        if personality.language
        else "Answer in the language that you are spoken to in."
    )
    yield f"Your tone is {personality.tone}.{traits} {language}"
    if personality.instructions:
        yield personality.instructions


def _quote(example: VoiceExample) -> str:
    note = f" ({example.note})" if example.note else ""
    return f"To{note}: {example.heard}\nYou: {example.said}"
