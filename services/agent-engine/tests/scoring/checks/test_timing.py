from datetime import UTC, datetime, time, timedelta

import pytest

from tahoe_engine.models.check_specs import LocalHours, ResponseTime, TimingCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, Participant, Role, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.timing import TimingRunner

ALLOWED = LocalHours(earliest=time(8), latest=time(21))
TURNS = (
    Turn(role=Role.CUSTOMER, speaker="c", text="Yes?", spoken=4),
    Turn(role=Role.AGENT, speaker="a", text="Hello 😀", spoken=7),
)


def contact(
    moment: datetime | None, *, customer: str | None = None, zone: str | None = None, turns: tuple[Turn, ...] = TURNS
) -> Interaction:
    people = (Participant(name="c", role=Role.CUSTOMER, time_zone=customer),)
    return Interaction(occurred_at=moment, time_zone=zone, participants=people, turns=turns)


def judged(hours: LocalHours, interaction: Interaction) -> CheckResult:
    return TimingRunner(TimingCheck(type="timing", local_hours=hours), CheckKit()).run(interaction)


class TestLocalHours:
    @pytest.mark.parametrize(
        ("utc", "outcome"),
        [
            ("13:59", Outcome.NOT_MET),  # 07:59 in Denver
            ("14:00", Outcome.MET),
            ("03:00", Outcome.MET),  # 21:00 the evening before
            ("03:01", Outcome.NOT_MET),
        ],
    )
    def test_the_customers_clock_decides_to_the_minute(self, utc: str, outcome: Outcome) -> None:
        moment = datetime.fromisoformat(f"2026-07-01T{utc}:30+00:00")
        result = judged(ALLOWED, contact(moment, customer="America/Denver", zone="Europe/Berlin"))
        assert result.outcome is outcome
        assert result.confidence == 1.0
        assert "America/Denver" in result.explanation

    def test_daylight_saving_moves_the_hour(self) -> None:
        summer, winter = (datetime(2026, month, 1, 14, 30, tzinfo=UTC) for month in (7, 12))
        assert judged(ALLOWED, contact(summer, customer="America/Denver")).outcome is Outcome.MET
        assert judged(ALLOWED, contact(winter, customer="America/Denver")).outcome is Outcome.NOT_MET

    def test_hours_may_reach_over_midnight(self) -> None:
        night = LocalHours(earliest=time(22), latest=time(6))
        for hour, outcome in ((23, Outcome.MET), (5, Outcome.MET), (12, Outcome.NOT_MET)):
            moment = datetime(2026, 1, 1, hour, tzinfo=UTC)
            assert judged(night, contact(moment, customer="UTC")).outcome is outcome

    def test_the_checks_own_zone_comes_first_and_the_records_own_last(self) -> None:
        moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
        own = ALLOWED.model_copy(update={"time_zone": "Asia/Tokyo"})
        assert "21:00 on 2026-01-01 in Asia/Tokyo" in judged(own, contact(moment, customer="UTC")).explanation
        records = judged(ALLOWED, contact(moment, zone="-05:00"))
        assert "07:00 on 2026-01-01 in -05:00" in records.explanation
        assert records.confidence == 0.8

    def test_every_customer_must_be_within_the_hours(self) -> None:
        people = tuple(Participant(name=z, role=Role.CUSTOMER, time_zone=z) for z in ("UTC", "Asia/Tokyo"))
        moment = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
        result = judged(ALLOWED, Interaction(occurred_at=moment, participants=people, turns=TURNS))
        assert result.outcome is Outcome.NOT_MET
        assert "Asia/Tokyo" in result.explanation
        assert "UTC" not in result.explanation

    def test_the_agents_first_turn_is_quoted(self) -> None:
        (evidence,) = judged(ALLOWED, contact(datetime(2026, 1, 1, tzinfo=UTC), zone="UTC")).evidence
        assert (evidence.turn, evidence.quote) == (1, "Hello 😀")

    def test_a_turns_own_time_stands_in_for_a_missing_one(self) -> None:
        timed = (TURNS[0].model_copy(update={"at": datetime(2026, 1, 1, 9, tzinfo=UTC)}), TURNS[1])
        assert judged(ALLOWED, contact(None, zone="UTC", turns=timed)).outcome is Outcome.MET

    @pytest.mark.parametrize(
        ("interaction", "message"),
        [
            (contact(None, zone="UTC"), "occurred_at"),
            (contact(datetime(2026, 1, 1, tzinfo=UTC)), "give the customer among the participants"),
            (contact(datetime(2026, 1, 1, tzinfo=UTC), zone="Mars/Base"), "'Mars/Base' is not known"),
            (contact(datetime(2026, 1, 1, tzinfo=UTC), zone="America"), "'America' is not known"),
            (contact(datetime(1, 1, 1, tzinfo=UTC), zone="-05:00"), "no local time"),
        ],
    )
    def test_what_is_missing_is_said(self, interaction: Interaction, message: str) -> None:
        with pytest.raises(CheckNotRunError, match=message):
            judged(ALLOWED, interaction)


def conversation(*turns: tuple[Role, float | None]) -> Interaction:
    return Interaction(
        turns=tuple(
            Turn(role=role, speaker=role, text=f"words {n}", spoken=7, offset_seconds=seconds)
            for n, (role, seconds) in enumerate(turns)
        )
    )


def waited(interaction: Interaction, seconds: float, speaker: Role = Role.AGENT) -> CheckResult:
    spec = TimingCheck(type="timing", response_time=ResponseTime(speaker=speaker, max_seconds=seconds))
    return TimingRunner(spec, CheckKit()).run(interaction)


class TestResponseTime:
    TALK = conversation(
        (Role.CUSTOMER, 0),
        (Role.CUSTOMER, 10),
        (Role.TOOL, 15),
        (Role.AGENT, 40),
        (Role.AGENT, 200),
        (Role.CUSTOMER, 300),
        (Role.AGENT, 400),
    )

    def test_gaps_count_from_the_last_turn_of_the_other_side(self) -> None:
        assert waited(self.TALK, 100).outcome is Outcome.MET
        result = waited(self.TALK, 60)
        assert result.outcome is Outcome.NOT_MET
        assert [evidence.turn for evidence in result.evidence] == [6]
        assert result.explanation == "1 of 2 answers took longer than 1 min, the slowest 1 min 40 s."

    def test_the_customer_may_be_timed_too(self) -> None:
        assert "slowest took 1 min 40 s" in waited(self.TALK, 500, Role.CUSTOMER).explanation

    def test_clock_times_serve_as_well_as_offsets(self) -> None:
        start = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
        turns = tuple(
            turn.model_copy(update={"at": start + timedelta(seconds=turn.offset_seconds or 0), "offset_seconds": None})
            for turn in self.TALK.turns
        )
        assert waited(Interaction(turns=turns), 60).outcome is Outcome.NOT_MET

    def test_confidence_is_the_share_of_answers_whose_time_is_known(self) -> None:
        partly = conversation((Role.CUSTOMER, 0), (Role.AGENT, 5), (Role.CUSTOMER, 10), (Role.AGENT, None))
        assert waited(partly, 60).confidence == 0.5

    def test_clocks_that_run_backwards_tell_nothing(self) -> None:
        with pytest.raises(CheckNotRunError, match="no times"):
            waited(conversation((Role.CUSTOMER, 50), (Role.AGENT, 5)), 60)

    def test_without_times_it_is_not_run(self) -> None:
        with pytest.raises(CheckNotRunError, match="offset_seconds"):
            waited(conversation((Role.CUSTOMER, None), (Role.AGENT, None)), 60)

    @pytest.mark.parametrize(
        "turns", [((Role.AGENT, 0),), ((Role.CUSTOMER, 0),), ((Role.AGENT, 0), (Role.CUSTOMER, 5))]
    )
    def test_where_nobody_answers_it_does_not_apply(self, turns: tuple[tuple[Role, float], ...]) -> None:
        assert waited(conversation(*turns), 60).outcome is Outcome.NOT_APPLICABLE

    def test_unknown_roles_are_not_run(self) -> None:
        with pytest.raises(CheckNotRunError, match="mapping the speakers"):
            waited(conversation((Role.OTHER, 0), (Role.OTHER, 5)), 60)
