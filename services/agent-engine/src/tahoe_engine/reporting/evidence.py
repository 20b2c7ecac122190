"""Refuses to show a quote that nobody said."""

from tahoe_core.errors import ConflictError
from tahoe_engine.models.analysis import Analysis
from tahoe_engine.models.interaction import Interaction


def verify_evidence(analysis: Analysis, interaction: Interaction) -> None:
    """Checks that each quote of each finding stands where the analysis says.

    Raises:
        ConflictError: One does not: the analysis is of another version of the interaction.
    """
    turns = interaction.turns
    for category in analysis.categories.values():
        for finding in category.findings:
            for evidence in finding.evidence:
                if evidence.turn >= len(turns) or (
                    turns[evidence.turn].text[evidence.start : evidence.end] != evidence.quote
                ):
                    raise ConflictError(
                        f"The evidence of {finding.requirement!r} does not stand in turn {evidence.turn} at "
                        f"{evidence.start}-{evidence.end}, so no report can show it.",
                        cure="Report on the version of the interaction that was analysed, or analyse it again.",
                    )
