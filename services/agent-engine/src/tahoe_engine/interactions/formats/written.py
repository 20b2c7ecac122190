"""Tahoe's own JSON, as people write it and as the API returns it; its JSON Schema is docs/schemas/interaction.schema.json."""

from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.interaction import InteractionType, Participant, Role
