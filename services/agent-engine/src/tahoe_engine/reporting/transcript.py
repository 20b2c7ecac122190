"""The interaction as the report reads it: turns with their evidence marked."""

from collections.abc import Mapping, Sequence

from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.reporting.clock import format_offset, format_time_of_day
from tahoe_engine.reporting.highlighting import Highlight, split_turn
from tahoe_engine.reporting.redaction import Redactor
from tahoe_engine.reporting.view import TurnView
from tahoe_engine.reporting.visible_text import visible

_DAY_SECONDS = 86_400


def build_transcript(
    interaction: Interaction, redactor: Redactor, highlights: Mapping[int, Sequence[Highlight]]
) -> tuple[TurnView, ...]:
    """Views every turn."""
    times = _list_times(interaction)
    views: list[TurnView] = []
    for index, turn in enumerate(interaction.turns):
        said, calls = split_turn(redactor.turns[index], highlights.get(index, ()), turn.spoken)
        before = interaction.turns[index - 1] if index else None
        views.append(
            TurnView(
                index=index,
                role=turn.role,
                speaker=visible(redactor.redact(name_speaker(turn))),
                time=times[index],
                said=said,
                calls=calls,
                results=tuple(visible(redactor.redact(call.result)) for call in turn.tool_calls if call.result),
                continues=before is not None and (before.role, before.speaker) == (turn.role, turn.speaker),
            )
        )
    return tuple(views)


def name_speaker(turn: Turn) -> str:
    """Names who speaks; a source's bare `agent` or `customer` gets a capital, and a tool says that it is one."""
    name = turn.speaker.strip() or turn.role.value
    return name.capitalize() if name == turn.role.value or turn.role is Role.ACTION else name


def _list_times(interaction: Interaction) -> list[str]:
    """Says when each turn began: seconds since the start, or the clock; empty where unknown."""
    moments = [turn.at for turn in interaction.turns if turn.at]
    with_day = bool(moments) and (max(moments) - min(moments)).total_seconds() >= _DAY_SECONDS
    return [
        format_offset(turn.offset_seconds)
        if turn.offset_seconds is not None
        else format_time_of_day(turn.at, interaction.time_zone, with_day=with_day)
        if turn.at
        else ""
        for turn in interaction.turns
    ]
