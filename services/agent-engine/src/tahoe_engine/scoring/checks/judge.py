from typing import Never

from tahoe_engine.models.check_specs import JudgeCheck
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError


class JudgeRunner:
    """A question for a model: reported as not run, since the engine has no model to ask."""

    def __init__(self, spec: JudgeCheck, kit: CheckKit) -> None:
        """Takes what every check takes."""

    def run(self, interaction: Interaction) -> Never:  # noqa: ARG002 - the shape of a check
        """Refuses.

        Raises:
            CheckNotRunError: Always.
        """
        raise CheckNotRunError("This question is for a model, and no model is configured.")
