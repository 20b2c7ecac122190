from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time

from tahoe_engine.models.check_specs import LocalHours, ResponseTime, TimingCheck
from tahoe_engine.models.finding import CheckResult, Evidence, Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.evidence import Span, capped, first_evidence
from tahoe_engine.scoring.time_zones import find_time_zone
from tahoe_engine.scoring.turns import select_turns
from tahoe_engine.scoring.wording import names, says_nothing, times

_ZONE_OF_THE_RECORD = 0.8
"""Confidence where only the record's own zone is known: the customer may have been elsewhere."""


class TimingRunner:
    """Judges the local hour of a contact, or how long somebody had to wait.

    Local hours: the confidence is 1 in a zone that the check or the customer names, 0.8 in the interaction's own.
    Response time: the confidence is the share of answers whose time is known.
    """

    def __init__(self, spec: TimingCheck, kit: CheckKit) -> None:  # noqa: ARG002 - every compiled check is built alike
        self._spec = spec

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when the contact began within the hours, or every reply came in time."""
        if self._spec.local_hours is not None:
            return _judge_hours(self._spec.local_hours, interaction)
        if self._spec.response_time is not None:
            return _judge_replies(self._spec.response_time, interaction)
        raise CheckNotRunError("The check says neither local_hours nor response_time.")


def _judge_hours(hours: LocalHours, interaction: Interaction) -> CheckResult:
    began = _beginning(interaction)
    zones, sure = _zones(hours, interaction)
    outside = [zone for zone in zones if not _within(hours, _clock(began, zone))]
    shown = outside or zones
    moments = " and ".join(f"{_clock(began, zone):%H:%M on %Y-%m-%d} in {zone}" for zone in shown)
    return CheckResult(
        outcome=Outcome.NOT_MET if outside else Outcome.MET,
        confidence=sure,
        evidence=_opening(interaction),
        explanation=f"The contact began at {moments}; allowed is {hours.earliest:%H:%M} to {hours.latest:%H:%M}.",
    )


def _beginning(interaction: Interaction) -> datetime:
    began = interaction.occurred_at or next((turn.at for turn in interaction.turns if turn.at is not None), None)
    if began is None:
        raise CheckNotRunError("It is not known when the contact took place; give the interaction an occurred_at.")
    return began


def _zones(hours: LocalHours, interaction: Interaction) -> tuple[list[str], float]:
    """Returns the zones of everybody who was contacted, and how sure it is that they were there."""
    customers = [person.time_zone for person in interaction.participants if person.role is Role.CUSTOMER]
    theirs = list(dict.fromkeys(zone for zone in customers if zone))
    if hours.time_zone:
        return [hours.time_zone], 1.0
    if theirs:
        return theirs, 1.0
    if interaction.time_zone:
        return [interaction.time_zone], _ZONE_OF_THE_RECORD
    raise CheckNotRunError(
        "It is not known in which time zone the customer was; give the customer among the participants, or the "
        "interaction, a time_zone."
    )


def _clock(moment: datetime, zone: str) -> datetime:
    found = find_time_zone(zone)
    if found is None:
        raise CheckNotRunError(
            f"The time zone {zone!r} is not known; write it as IANA does, for instance America/Denver, or as an "
            "offset such as +02:00."
        )
    try:
        return moment.astimezone(found)
    except OverflowError as error:  # the first or the last day of the calendar
        raise CheckNotRunError(f"The moment {moment.isoformat()} has no local time in {zone}.") from error


def _within(hours: LocalHours, clock: datetime) -> bool:
    """Says whether the clock shows an allowed minute; hours that end before they begin reach over midnight."""
    minute, earliest, latest = (_minute(t) for t in (clock.time(), hours.earliest, hours.latest))
    if earliest <= latest:
        return earliest <= minute <= latest
    return minute >= earliest or minute <= latest


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _opening(interaction: Interaction) -> tuple[Evidence, ...]:
    """Quotes the agent's first turn, or else the first turn of all, so that a reader can open the place."""
    spoken = [(index, turn) for index, turn in enumerate(interaction.turns) if turn.text]
    by_agent = [(index, turn) for index, turn in spoken if turn.role is Role.AGENT]
    return first_evidence((index, turn, 0, turn.spoken or len(turn.text)) for index, turn in (by_agent or spoken)[:1])


@dataclass(frozen=True)
class _Reply:
    """Where one side answers the other.

    Attributes:
        seconds: From the beginning of what was answered to the beginning of the answer; None where not known.
    """

    span: Span
    seconds: float | None


def _judge_replies(limit: ResponseTime, interaction: Interaction) -> CheckResult:
    waiting = Role.AGENT if limit.speaker is Role.CUSTOMER else Role.CUSTOMER
    for side in (limit.speaker, waiting):
        if not select_turns(interaction, side):
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=says_nothing(side))
    replies = list(_replies(interaction, limit.speaker, waiting))
    if not replies:
        explanation = f"In no place does {names([limit.speaker])} answer {names([waiting])}."
        return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=explanation)
    timed = [(reply.span, reply.seconds) for reply in replies if reply.seconds is not None]
    if not timed:
        raise CheckNotRunError("The turns have no times; give each turn an `at` or an `offset_seconds`.")
    late = [span for span, seconds in timed if seconds > limit.max_seconds]
    slowest = _duration(max(seconds for _, seconds in timed))
    allowed = _duration(limit.max_seconds)
    if late:
        explanation = f"{len(late)} of {times(len(timed), 'answer')} took longer than {allowed}, the slowest {slowest}."
    else:
        explanation = f"Every answer came within {allowed}; the slowest took {slowest}."
    return CheckResult(
        outcome=Outcome.NOT_MET if late else Outcome.MET,
        confidence=round(len(timed) / len(replies), 4),
        evidence=first_evidence(late),
        explanation=capped(explanation, len(late)),
    )


def _replies(interaction: Interaction, speaker: Role, waiting: Role) -> Iterator[_Reply]:
    """Yields each turn of the speaker that follows one of the other side; what tools do in between is no answer."""
    asked: Turn | None = None
    for index, turn in enumerate(interaction.turns):
        if turn.role is waiting and turn.spoken:
            asked = turn
        elif turn.role is speaker and turn.spoken and asked is not None:
            yield _Reply((index, turn, 0, turn.spoken), _seconds(asked, turn))
            asked = None


def _seconds(asked: Turn, answered: Turn) -> float | None:
    if asked.at is not None and answered.at is not None:
        seconds = (answered.at - asked.at).total_seconds()
    elif asked.offset_seconds is not None and answered.offset_seconds is not None:
        seconds = answered.offset_seconds - asked.offset_seconds
    else:
        return None
    return seconds if seconds >= 0 else None  # clocks that run backwards tell nothing


def _duration(seconds: float) -> str:
    """Writes seconds as people say them: `45 s`, `12 min 5 s`, `2 h 3 min`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:g} s" if seconds == int(seconds) else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
