from collections.abc import Callable

import pytest

from tahoe_core.errors import ConflictError
from tahoe_engine.models.analysis import Analysis, CategoryResult
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import Interaction, InteractionType, ToolCall, Turn
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.reporting.build import build_view
from tahoe_engine.reporting.redaction import Masker
from tahoe_engine.reporting.view import ReportView, TurnView

MakeView = Callable[..., ReportView]
Case = tuple[Analysis, Interaction, BoundScorecard]


class TestFindings:
    def test_are_numbered_in_the_order_of_the_report_with_those_not_run_last(self, view: ReportView) -> None:
        shown = [*view.evaluated, *view.not_evaluated, *view.not_applicable]
        assert [finding.number for finding in shown] == list(range(1, 13))
        assert [finding.requirement for finding in view.not_evaluated] == ["tone"]
        assert [finding.requirement for finding in view.not_applicable] == ["hold"]

    def test_carry_the_titles_of_the_scorecard_that_was_used(self, view: ReportView) -> None:
        assert view.evaluated[0].title == "Verifies identity before discussing the account"
        assert view.evaluated[0].required

    def test_without_a_requirement_are_named_by_its_id(self, make_case: Callable[..., Case]) -> None:
        analysis, interaction, scorecard = make_case([("a", "hello")], [[(0, 0, 5)]])
        stripped = scorecard.model_copy(update={"requirements": ()})
        assert build_view(analysis, interaction, stripped, None).evaluated[0].title == "r1"

    def test_say_how_much_evidence_is_not_shown(self, make_view: MakeView) -> None:
        text = "x" * 100
        finding = make_view([("a", text)], [[(0, start, start + 1) for start in range(100)]]).evaluated[0]
        assert len(finding.quotes) + finding.more_quotes == 100
        assert finding.more_quotes > 0

    def test_that_were_not_run_say_why(self, view: ReportView) -> None:
        assert view.not_evaluated[0].explanation == "No model is configured, so the judge could not be asked."


class TestCategories:
    def test_share_the_weight_among_them(self, view: ReportView) -> None:
        assert [(category.title, category.share) for category in view.categories] == [
            ("Compliance", 0.4),
            ("Resolution", 0.3),
            ("Courtesy", 0.2),
            ("Process", 0.1),
        ]

    def test_count_what_was_not_evaluated_apart(self, view: ReportView) -> None:
        courtesy = view.categories[2]
        assert courtesy.not_evaluated == 1
        assert all(finding.outcome is Outcome.MET for finding in courtesy.findings)


class TestViolations:
    def test_come_worst_first_with_what_to_do_about_them(self, view: ReportView) -> None:
        assert [violation.severity.value for violation in view.violations] == ["critical", "high", "high", "medium"]
        assert view.violations[0].recommendation.startswith("Refer to a card by its last four digits")

    def test_lead_to_their_finding(self, view: ReportView) -> None:
        titles = {finding.number: finding.title for finding in view.evaluated}
        assert all(titles[violation.finding or 0] == violation.title for violation in view.violations)

    def test_recommendations_of_no_violation_are_kept(
        self, analysis: Analysis, interaction: Interaction, scorecard: BoundScorecard
    ) -> None:
        bare = analysis.model_copy(update={"violations": ()})
        assert len(build_view(bare, interaction, scorecard, None).advice) == len(analysis.recommendations)


class TestEvidence:
    def test_that_does_not_stand_in_the_interaction_is_refused(self, make_case: Callable[..., Case]) -> None:
        analysis, _, scorecard = make_case([("a", "hello")], [[(0, 0, 5)]])
        _, other, _ = make_case([("a", "howdy")])
        with pytest.raises(ConflictError, match="does not stand in turn 0"):
            build_view(analysis, other, scorecard, None)

    def test_in_a_turn_that_does_not_exist_is_refused(self, make_case: Callable[..., Case]) -> None:
        analysis, _, scorecard = make_case([("a", "x"), ("b", "hello")], [[(1, 0, 5)]])
        _, shorter, _ = make_case([("a", "x")])
        with pytest.raises(ConflictError, match="analyse it again"):
            build_view(analysis, shorter, scorecard, None)


class TestMasking:
    def test_quotes_are_slices_of_the_masked_turn(self, view: ReportView) -> None:
        card = next(finding for finding in view.evaluated if finding.requirement == "card-data")
        assert {quote.text for quote in card.quotes} == {"•" * 19}

    def test_reaches_titles_speakers_metadata_and_explanations(
        self, make_case: Callable[..., Case], masker: Masker
    ) -> None:
        analysis, interaction, scorecard = make_case([("sam@example.com", "hi sam@example.com")], [[(0, 0, 2)]])
        told = interaction.model_copy(
            update={
                "external_id": "ticket of sam@example.com",
                "metadata": {"subject": "From sam@example.com", "reply_to": ["sam@example.com"]},
            }
        )
        finding = analysis.categories["all"].findings[0].model_copy(update={"explanation": "It is sam@example.com."})
        category = CategoryResult(score=1, weight=1, findings=(finding,))
        shown = repr(build_view(analysis.model_copy(update={"categories": {"all": category}}), told, scorecard, masker))
        assert "sam@example.com" not in shown
        assert "From •••••••••••••••" in shown

    def test_is_asked_for_explicitly_to_be_left_out(
        self, analysis: Analysis, interaction: Interaction, scorecard: BoundScorecard
    ) -> None:
        view = build_view(analysis, interaction, scorecard, None)
        assert not view.masked
        assert "sam.okafor@example.com" in repr(view)


class TestHeading:
    def test_prefers_the_title_that_the_source_gives(self, view: ReportView) -> None:
        assert view.title == "Late standing desk, refunded in full"
        assert view.occurred == "12 March 2026, 12:05 CDT"
        assert view.time_zone == "America/Chicago"
        assert view.participants == ("Dana Reyes (agent)", "Sam Okafor (customer)")

    def test_falls_back_on_ids(self, make_case: Callable[..., Case]) -> None:
        analysis, interaction, scorecard = make_case([("a", "x")])
        assert build_view(analysis, interaction, scorecard, None).title == "Chat 00000000"
        named = interaction.model_copy(update={"external_id": "T-1", "type": InteractionType.EMAIL})
        assert build_view(analysis, named, scorecard, None).title == "Email T-1"

    def test_names_the_speakers_where_the_source_lists_nobody(self, make_view: MakeView) -> None:
        assert make_view([("Kim", "x"), ("agent", "y"), ("Kim", "z")]).participants == ("Kim (customer)", "Agent")


class TestTranscript:
    def test_says_when_the_same_speaker_goes_on(self, view: ReportView) -> None:
        turns = [turn for turn in view.transcript if isinstance(turn, TurnView)]
        assert [turn.index for turn in turns if turn.continues] == [3, 5]
        assert turns[6].time == "0:33"

    def test_keeps_the_results_that_stand_beside_their_calls(self, make_case: Callable[..., Case]) -> None:
        analysis, interaction, scorecard = make_case([("bot", "ask\nfind({})")])
        call = ToolCall(name="find", arguments={}, arguments_text="{}", start=9, result='{"found": 3}')
        turn: Turn = interaction.turns[0].model_copy(update={"spoken": 3, "tool_calls": (call,)})
        shown = build_view(analysis, interaction.model_copy(update={"turns": (turn,)}), scorecard, None).transcript[0]
        assert isinstance(shown, TurnView)
        assert shown.results == ('{"found": 3}',)
        assert [segment.text for segment in shown.calls] == ["find({})"]
