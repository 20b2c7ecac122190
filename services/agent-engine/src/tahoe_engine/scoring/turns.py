"""Which turns a check looks at."""

from collections.abc import Sequence

from tahoe_engine.models.check_specs import Window
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import CheckNotRunError
from tahoe_engine.scoring.wording import names, quoted

type NumberedTurn = tuple[int, Turn]
"""A turn after its 0-based index in the source."""

_CONVERSATION = (Role.AGENT, Role.CUSTOMER)


def select_turns(
    interaction: Interaction, speaker: Role | tuple[Role, ...] | None, window: Window | None = None
) -> list[NumberedTurn]:
    """Returns the turns in which the speaker says something, as far as the window reaches.

    Turns that hold nothing but tool calls are left out and not counted by the window: nobody said anything in them.
    Without a speaker every role is searched, action and tool turns too. The list is empty when the speaker says
    nothing in the whole interaction; whoever asked for that speaker then reports `not_applicable`, since there is
    nothing to judge: a customer who never got an answer is no failed greeting. An interaction in which nothing at all
    could be judged has no score and goes to review.

    Raises:
        CheckNotRunError: The speaker has no turn, but somebody speaks whose role is not known: it may be them.
    """
    roles = (speaker,) if isinstance(speaker, Role) else speaker
    turns = [
        (index, turn)
        for index, turn in enumerate(interaction.turns)
        if turn.spoken and (not roles or turn.role in roles)
    ]
    if not turns and roles:
        _refuse_unknown_roles(interaction, roles)
    return turns if window is None else _within(turns, window)


def _within(turns: list[NumberedTurn], window: Window) -> list[NumberedTurn]:
    first, last = window.first or 0, window.last or 0
    if first + last >= len(turns):
        return turns
    return turns[:first] + turns[len(turns) - last :]


def _refuse_unknown_roles(interaction: Interaction, roles: Sequence[Role]) -> None:
    wanted = [role for role in roles if role in _CONVERSATION]
    unknown = dict.fromkeys(turn.speaker for turn in interaction.turns if turn.role is Role.OTHER and turn.spoken)
    if wanted and unknown:
        speakers = ", ".join(quoted(name) for name in list(unknown)[:3])
        raise CheckNotRunError(
            f"Nobody is known to be {names(wanted)}, and the role of {speakers} is not known. "
            "Say who is who by mapping the speakers to roles when the interaction is read."
        )
