"""Each call fits its moment, and all of them keep to an order."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from tahoe_engine.models.check_specs import ToolSequenceCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, InteractionType
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.tool_sequence import ToolSequenceRunner

Build = Callable[..., Interaction]

HI = ("customer", "Cancel my order A-77")
VERIFY: tuple[str, dict[str, str]] = ("verify_identity", {})
GET = ("get_order", {"order_id": "A-77"})
CANCEL = ("cancel_order", {"order_id": "A-77"})

MENU = {
    "item_id": "latte-001",
    "name": "Latte",
    "extras": [
        {"extra_id": "milk-oat-1", "name": "Oat milk"},
        {"extra_id": "milk-soy-2", "name": "Soy milk"},
    ],
}


def run(interaction: Interaction, **rules: object) -> CheckResult:
    spec = ToolSequenceCheck.model_validate({"type": "tool_sequence", **rules})
    result = ToolSequenceRunner(spec, CheckKit()).run(interaction)
    for evidence in result.evidence:
        assert evidence.quote == interaction.turns[evidence.turn].text[evidence.start : evidence.end]
    return result


def quoted_turns(result: CheckResult) -> list[int]:
    return [evidence.turn for evidence in result.evidence]


def test_a_check_without_a_rule_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs at least one rule"):
        ToolSequenceCheck.model_validate({"type": "tool_sequence"})


class TestRequired:
    def test_tools_in_their_order_are_met_whatever_stands_between(self, trajectory: Build) -> None:
        result = run(trajectory(HI, VERIFY, GET, GET, CANCEL), required=["verify_*", "cancel_order"])
        assert (result.outcome, result.confidence) == (Outcome.MET, 1.0)
        assert result.explanation == "Nothing speaks against 4 tool calls."

    def test_one_that_is_never_called_quotes_the_request(self, trajectory: Build) -> None:
        result = run(trajectory(("agent", "Hello!"), HI, GET), required=["get_order", "cancel_order"])
        assert (result.outcome, result.explanation) == (Outcome.NOT_MET, "The agent never calls cancel_order.")
        assert [(e.turn, e.quote) for e in result.evidence] == [(1, "Cancel my order A-77")]

    def test_one_that_comes_too_early_is_quoted(self, trajectory: Build) -> None:
        result = run(trajectory(HI, CANCEL, VERIFY), required=["verify_identity", "cancel_order"])
        assert result.explanation == "The agent calls cancel_order in turn 1, but not after verify_identity."
        assert [e.quote for e in result.evidence] == ['cancel_order({"order_id": "A-77"})']

    def test_a_trajectory_without_any_call_does_not_meet_it_and_a_chat_is_not_judged(self, trajectory: Build) -> None:
        silent = trajectory(HI, ("agent", "Sorry."))
        chat = silent.model_copy(update={"type": InteractionType.CHAT})
        assert run(silent, required=["cancel_order"]).outcome is Outcome.NOT_MET
        assert run(chat, required=["cancel_order"]).outcome is Outcome.NOT_APPLICABLE

    def test_the_same_tool_can_be_required_twice(self, trajectory: Build) -> None:
        assert run(trajectory(HI, GET, GET), required=["get_order", "get_order"]).outcome is Outcome.MET
        assert run(trajectory(HI, GET), required=["get_order", "get_order"]).outcome is Outcome.NOT_MET


class TestForbiddenAndNeeds:
    def test_a_forbidden_call_is_quoted(self, trajectory: Build) -> None:
        result = run(trajectory(HI, GET, CANCEL), forbidden=["cancel*", "delete*"])
        assert quoted_turns(result) == [2]
        assert result.explanation == "The agent calls cancel_order in turn 2 although it must not be called."

    def test_a_call_that_comes_before_what_it_needs_is_quoted(self, trajectory: Build) -> None:
        needs = {"cancel*": ["verify_identity", "get_*"]}
        assert run(trajectory(HI, GET, VERIFY, CANCEL), needs=needs).outcome is Outcome.MET
        result = run(trajectory(HI, GET, CANCEL, VERIFY), needs=needs)
        assert quoted_turns(result) == [2]
        assert result.explanation == "The agent calls cancel_order in turn 2 before verify_identity is called."

    def test_a_tool_is_not_what_it_needs_itself(self, trajectory: Build) -> None:
        assert run(trajectory(HI, GET), needs={"get_order": ["get_*"]}).outcome is Outcome.NOT_MET

    def test_it_does_not_apply_where_no_tool_of_it_is_called(self, trajectory: Build) -> None:
        assert run(trajectory(HI, GET), needs={"cancel*": ["get_*"]}).outcome is Outcome.NOT_APPLICABLE
        assert run(trajectory(HI, GET), forbidden=["cancel*"]).outcome is Outcome.MET


class TestRepeats:
    def test_the_same_call_is_made_only_once(self, trajectory: Build) -> None:
        result = run(trajectory(HI, GET, ("customer", "And?"), VERIFY, GET), no_repeats=True)
        assert quoted_turns(result) == [4]
        assert result.explanation == "The agent calls get_order in turn 4 with the same arguments as in turn 1."

    def test_the_order_of_arguments_makes_no_difference(self, trajectory: Build) -> None:
        pay, again = ("pay", {"a": "1", "b": "2"}), ("pay", {"b": "2", "a": "1"})
        assert run(trajectory(HI, pay, again), no_repeats=True).outcome is Outcome.NOT_MET
        assert run(trajectory(HI, pay, ("pay", {"a": "1"})), no_repeats=True).outcome is Outcome.MET

    @pytest.mark.parametrize(
        ("between", "outcome"),
        [
            ((), Outcome.NOT_MET),
            ((("tool", {"status": "open"}), ("agent", "One moment.")), Outcome.NOT_MET),
            ((("customer", "Look again"),), Outcome.MET),
            ((VERIFY,), Outcome.MET),
        ],
    )
    def test_in_a_row_means_with_nothing_new_in_between(
        self, trajectory: Build, between: tuple[tuple[str, object], ...], outcome: Outcome
    ) -> None:
        assert run(trajectory(HI, GET, *between, GET), no_repeats_in_a_row=True).outcome is outcome


class TestConfirm:
    ASK = ("agent", "Shall I cancel it?")

    @pytest.mark.parametrize(
        "words", ["Yes please", "OK", "go ahead", "cancel it, what will I get back?", "👍", "Sounds good!"]
    )
    def test_the_customer_agrees(self, trajectory: Build, words: str) -> None:
        result = run(trajectory(HI, GET, self.ASK, ("customer", words), CANCEL), confirm=True)
        assert (result.outcome, result.confidence) == (Outcome.MET, 0.8)

    @pytest.mark.parametrize(
        "words",
        ["No", "Wait, not yet", "How much was it?", "What would it cost to cancel?", "Yes, but don't do it yet, stop"],
    )
    def test_the_customer_does_not_agree(self, trajectory: Build, words: str) -> None:
        result = run(trajectory(HI, GET, self.ASK, ("customer", words), CANCEL), confirm=True)
        assert (result.outcome, quoted_turns(result)) == (Outcome.NOT_MET, [4, 3])
        assert result.explanation == (
            "The agent calls cancel_order in turn 4, and the customer's latest words do not agree to it."
        )

    def test_where_no_customer_speaks_nobody_has_agreed(self, trajectory: Build) -> None:
        result = run(trajectory(("system", "Tidy up."), CANCEL), confirm=True)
        assert result.explanation == "The agent calls cancel_order in turn 1, and no customer has agreed to it."

    @pytest.mark.parametrize(
        ("tool", "asks"),
        [
            ("cancelOrder", True),
            ("book_flight", True),
            ("get_payment", False),
            ("find_place", False),
            ("lookup", False),
        ],
    )
    def test_the_name_says_whether_a_tool_settles_something(self, trajectory: Build, tool: str, asks: bool) -> None:
        outcome = run(trajectory(("customer", "Hm"), (tool, {})), confirm=True).outcome
        assert outcome is (Outcome.NOT_MET if asks else Outcome.NOT_APPLICABLE)

    def test_the_tools_can_be_named(self, trajectory: Build) -> None:
        made = trajectory(("customer", "Hm"), ("cancel_order", {}), ("upgrade", {}))
        assert quoted_turns(run(made, confirm=["upgrade*"])) == [2, 0]

    def test_naming_the_act_is_agreement(self, trajectory: Build) -> None:
        made = trajectory(("customer", "Upgrade me to first class"), ("upgrade", {}))
        assert run(made, confirm=["upgrade*"]).outcome is Outcome.MET

    def test_it_is_not_run_in_another_language(self, trajectory: Build) -> None:
        with pytest.raises(CheckNotRunError, match="English only"):
            run(trajectory(("customer", "Ja, bitte"), CANCEL, language="de-AT"), confirm=True)
        with pytest.raises(CheckNotRunError, match="not in English"):
            run(trajectory(("customer", "да"), CANCEL), confirm=True)
        assert run(trajectory(("customer", "Yes"), CANCEL, language="en-GB"), confirm=True).outcome is Outcome.MET


class TestComplete:
    def order(self, words: str, *extras: str) -> tuple[tuple[str, object], ...]:
        asked = ("customer", words)
        call = ("order", {"item_id": "latte-001", "extras": [{"extra_id": extra} for extra in extras]})
        return asked, ("get_menu", {"query": "latte"}), ("tool", MENU), call

    def test_what_was_asked_for_and_offered_must_not_be_left_out(self, trajectory: Build) -> None:
        result = run(trajectory(*self.order("A latte with oat milk")), complete=True)
        assert (result.outcome, quoted_turns(result)) == (Outcome.NOT_MET, [3, 0])
        assert result.explanation == (
            "The customer asked for “Oat milk” in turn 0 and the tool offered it, "
            "but the call of order in turn 3 leaves it out."
        )

    def test_what_is_in_the_call_is_not_missed(self, trajectory: Build) -> None:
        assert run(trajectory(*self.order("A latte with oat milk", "milk-oat-1")), complete=True).outcome is Outcome.MET

    @pytest.mark.parametrize("words", ["A latte", "A latte without oat milk", "A latte with milk", "No oat please"])
    def test_what_was_not_asked_for_or_denied_is_not_missed(self, trajectory: Build, words: str) -> None:
        assert run(trajectory(*self.order(words)), complete=True).outcome is Outcome.MET

    def test_words_of_the_customer_in_between_end_the_matter(self, trajectory: Build) -> None:
        asked, look, menu, call = self.order("A latte with oat milk")
        assert (
            run(trajectory(asked, look, menu, ("customer", "Just plain"), call), complete=True).outcome is Outcome.MET
        )


class TestArguments:
    @pytest.mark.parametrize("value", ["", " ", "TODO", "unknown", "N/A"])
    def test_a_placeholder_is_quoted(self, trajectory: Build, value: str) -> None:
        made = trajectory(HI, ("get_order", {"order_id": value}))
        result = run(made, no_placeholders=True)
        assert result.outcome is Outcome.NOT_MET
        assert result.evidence[0].quote.strip('"') == value
        assert "as order id to get_order in turn 1" in result.explanation

    def test_what_was_said_or_returned_is_no_placeholder(self, trajectory: Build) -> None:
        said = trajectory(("customer", "Milk? None."), ("order", {"milk": "none"}))
        returned = trajectory(HI, GET, ("tool", {"status": "unknown"}), ("report", {"status": "unknown"}))
        assert run(said, no_placeholders=True).outcome is Outcome.MET
        assert run(returned, no_placeholders=True).outcome is Outcome.MET

    def test_only_declared_tools_are_called_with_all_they_need(self, trajectory: Build) -> None:
        declared = {"get_order": ["order_id"], "verify_identity": []}
        assert run(trajectory(HI, GET, VERIFY), declared=declared).outcome is Outcome.MET
        result = run(trajectory(HI, ("get_order", {}), ("get_orders", {"order_id": "A-77"})), declared=declared)
        assert quoted_turns(result) == [1, 2]
        assert result.explanation == (
            "The agent calls get_order in turn 1 without order id, which the tool needs. "
            "The agent calls get_orders in turn 2, which is none of its tools."
        )


def test_without_a_call_it_does_not_apply(trajectory: Build) -> None:
    result = run(trajectory(HI, ("agent", "Hello")), no_repeats=True)
    assert (result.outcome, result.confidence) == (Outcome.NOT_APPLICABLE, None)
    assert result.explanation == "No tool is called in this interaction."
