from typing import Annotated, Self

from pydantic import Field, model_validator

from tahoe_engine.models.base import StrictModel

RetrievalWeight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class RetrievalWeights(StrictModel):
    """What counts when memories are ranked; only the proportions matter.

    Attributes:
        semantic: How well it answers the question.
        recency: How lately it was made or used.
        importance: How important it was said to be.
        continuity: Whether it belongs to this conversation.
        relationship: Whether it is about the person who asks.
    """

    semantic: RetrievalWeight = 0.5
    recency: RetrievalWeight = 0.15
    importance: RetrievalWeight = 0.15
    continuity: RetrievalWeight = 0.1
    relationship: RetrievalWeight = 0.1

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("all weights are 0: give at least one that is above")
        return self

    @property
    def normalized(self) -> Self:
        """The same proportions, with 1 as their sum."""
        given: dict[str, float] = self.model_dump()
        largest = max(given.values())  # first, so that the tiniest weights keep their proportions
        scaled = {name: weight / largest for name, weight in given.items()}
        total = sum(scaled.values())
        return self.model_validate({name: weight / total for name, weight in scaled.items()})
