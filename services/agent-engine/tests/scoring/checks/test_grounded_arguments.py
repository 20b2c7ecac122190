"""Every value in a call has somebody who said it or a tool that returned it."""

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tahoe_engine.models.check_specs import GroundedArgumentsCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, InteractionType, Role, ToolCall, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.grounded_arguments import GroundedArgumentsRunner

Build = Callable[..., Interaction]


def run(interaction: Interaction, **options: object) -> CheckResult:
    spec = GroundedArgumentsCheck.model_validate({"type": "grounded_arguments", **options})
    result = GroundedArgumentsRunner(spec, CheckKit()).run(interaction)
    for evidence in result.evidence:
        assert evidence.quote == interaction.turns[evidence.turn].text[evidence.start : evidence.end]
    return result


def quotes(result: CheckResult) -> list[tuple[int, str]]:
    return [(evidence.turn, evidence.quote) for evidence in result.evidence]


ORDERS = {
    "orders": [
        {"order_id": "ord-1001", "product": "water bottle", "sizes": ["small", "large"]},
        {"order_id": "ord-1002", "product": "desk lamp", "sizes": ["small", "large"]},
    ]
}


class TestIdentifiers:
    def test_one_that_nobody_gave_is_named_with_its_argument_tool_and_turn(self, trajectory: Build) -> None:
        result = run(trajectory(("customer", "Cancel my order please"), ("cancel_order", {"order_id": "A-77"})))
        assert result.outcome is Outcome.NOT_MET
        assert quotes(result) == [(1, "A-77")]
        assert result.explanation == (
            "The agent passes order id “A-77” to cancel_order in turn 1; nobody said it and no tool returned it."
        )

    @pytest.mark.parametrize(
        "words",
        [
            "Cancel A-77.",
            "cancel order a-77, please",
            "It is #A-77!",
            "order:A-77",
            "see https://shop.example/orders/A-77",
            "(**A-77**)",
        ],
    )
    def test_one_that_the_customer_said_is_grounded_however_it_was_written(self, trajectory: Build, words: str) -> None:
        assert run(trajectory(("customer", words), ("cancel_order", {"order_id": "A-77"}))).outcome is Outcome.MET

    def test_one_that_a_tool_returned_before_is_grounded_and_after_is_not(self, trajectory: Build) -> None:
        ask, answer = ("customer", "Where is my order?"), ("tool", {"order_id": "ord-1001", "status": "shipped"})
        find: tuple[str, object] = ("find_order", {})
        track = ("track", {"order_id": "ord-1001"})
        assert run(trajectory(ask, find, answer, track)).outcome is Outcome.MET
        assert quotes(run(trajectory(ask, find, track, answer))) == [(2, "ord-1001")]

    def test_a_tool_that_keys_its_answer_by_identifier_states_them(self, trajectory: Build) -> None:
        steps = [("customer", "Where is it?"), ("find", {}), ("tool", {"ord-1001": {"status": "shipped"}})]
        assert run(trajectory(*steps, ("track", {"order_id": "ord-1001"}))).outcome is Outcome.MET

    def test_prose_of_a_tool_states_them_unless_it_repeats_what_the_agent_made_up(self, trajectory: Build) -> None:
        ask = ("customer", "Where is my order?")
        told = [
            ask,
            ("find", {}),
            ("tool", "Your latest order is ord-1001, shipped."),
            ("track", {"order_id": "ord-1001"}),
        ]
        assert run(trajectory(*told)).outcome is Outcome.MET
        guess = ("track", {"order_id": "ord-1001"})
        result = run(trajectory(ask, guess, ("tool", "There is no order ord-1001."), guess))
        assert quotes(result) == [(1, "ord-1001"), (3, "ord-1001")]

    def test_the_system_message_is_a_source(self, trajectory: Build) -> None:
        steps = [
            ("system", "You serve the customer cus-4711."),
            ("customer", "Hi"),
            ("get", {"customer_id": "cus-4711"}),
        ]
        assert run(trajectory(*steps)).outcome is Outcome.MET

    def test_a_phone_number_may_be_grouped_in_another_way(self, trajectory: Build) -> None:
        steps = [("customer", "Call me on +1 (555) 012-3456"), ("call_back", {"phone": "555-012-3456"})]
        assert run(trajectory(*steps), support=1).outcome is Outcome.MET


class TestTexts:
    @pytest.mark.parametrize(
        ("said", "passed"),
        [
            ("two tickets to Boston", {"city": "Boston", "count": 2}),
            ("a decaffeinated coffee", {"item": "decaf coffee"}),
            ("a cappucino with oatmilk", {"item": "cappuccino", "extra": "oat milk"}),
            ("it was $48.60", {"amount": 48.6}),
            ("over 1,200 people", {"count": 1200}),
            ("我想订一张去北京的火车票", {"to": "北京"}),
            ("Ein Zimmer in Köln", {"city": "Köln"}),
            ("muffin or bagel", {"query": "muffin OR bagel"}),
        ],
    )
    def test_what_was_said_is_grounded_in_near_forms_too(
        self, trajectory: Build, said: str, passed: dict[str, object]
    ) -> None:
        assert run(trajectory(("customer", said), ("search", passed))).outcome is Outcome.MET

    @pytest.mark.parametrize(
        ("said", "passed", "quote"),
        [
            ("tickets to Boston", {"city": "Denver"}, "Denver"),
            ("tickets to Boston", {"count": 3}, "3"),
            ("我想订一张去北京的火车票", {"to": "上海"}, "\\u4e0a\\u6d77"),
            ("muffin please", {"query": "muffin OR bagel"}, "bagel"),
            ("muffin please", {"items": [{"name": "muffin"}, {"name": "bagel"}]}, "bagel"),
            ("muffin please", {"items": [["muffin", "bagel"]]}, "bagel"),
        ],
    )
    def test_what_nobody_said_is_quoted(
        self, trajectory: Build, said: str, passed: dict[str, object], quote: str
    ) -> None:
        result = run(trajectory(("customer", said), ("search", passed)))
        assert (result.outcome, quotes(result)) == (Outcome.NOT_MET, [(1, quote)])

    def test_words_of_the_agent_count_once_the_customer_answers_them(self, trajectory: Build) -> None:
        ask, offer, order = ("customer", "A coffee"), ("agent", "With cinnamon?"), ("order", {"topping": "cinnamon"})
        assert run(trajectory(ask, offer, ("customer", "Yes"), order)).outcome is Outcome.MET
        assert run(trajectory(ask, offer, order)).outcome is Outcome.NOT_MET

    def test_the_greeting_is_no_source(self, trajectory: Build) -> None:
        greeting = ("agent", "Hello! Coffee, tea or cinnamon rolls?")
        assert run(trajectory(greeting, ("customer", "Hi"), ("order", {"item": "cinnamon"}))).outcome is Outcome.NOT_MET

    def test_a_tool_that_repeats_what_the_agent_sent_is_no_source(self, trajectory: Build) -> None:
        order = ("order", {"topping": "cinnamon"})
        steps = [
            ("customer", "A coffee"),
            order,
            ("tool", {"topping": "cinnamon"}),
            ("update", {"topping": "cinnamon"}),
        ]
        assert quotes(run(trajectory(*steps))) == [(1, "cinnamon"), (3, "cinnamon")]

    def test_dates_switches_steering_and_prose_are_not_judged(self, trajectory: Build) -> None:
        free = {"day": "2026-05-15", "at": "18:30", "express": True, "limit": 20, "message": "Done!", "count": 1}
        assert run(trajectory(("customer", "Hi"), ("search", {**free, "note": None}))).outcome is Outcome.MET

    def test_a_code_is_judged(self, trajectory: Build) -> None:
        assert run(trajectory(("customer", "Hi"), ("pay", {"code": "SAVE20"}))).outcome is Outcome.NOT_MET


class TestChoices:
    def test_one_of_several_must_have_been_asked_for(self, trajectory: Build) -> None:
        ask = ("customer", "I return the water bottle")
        steps = [ask, ("list_orders", {}), ("tool", ORDERS)]
        assert run(trajectory(*steps, ("return_order", {"order_id": "ord-1001"}))).outcome is Outcome.MET
        result = run(trajectory(*steps, ("return_order", {"order_id": "ord-1002"})))
        assert quotes(result) == [(3, "ord-1002")]
        assert result.explanation == (
            "The agent passes order id “ord-1002” to return_order in turn 3; "
            "a tool listed it among others and nobody asked for it."
        )

    def test_the_rule_is_left_out_where_the_agent_may_choose(self, trajectory: Build) -> None:
        steps = [("customer", "Any will do"), ("list_orders", {}), ("tool", ORDERS)]
        call = ("return_order", {"order_id": "ord-1002"})
        assert run(trajectory(*steps, call), choices=False).outcome is Outcome.MET

    def test_what_the_tool_listed_for_a_thing_is_all_that_it_can_be(self, trajectory: Build) -> None:
        steps = [("customer", "The water bottle, in large or huge"), ("list_orders", {}), ("tool", ORDERS)]
        large, huge = ({"order_id": "ord-1001", "option": size} for size in ("large", "huge"))
        assert run(trajectory(*steps, ("change", large))).outcome is Outcome.MET
        result = run(trajectory(*steps, ("change", huge)))
        assert quotes(result) == [(3, "huge")]
        assert "not among the options that the tool listed" in result.explanation


class TestOptions:
    def test_only_the_named_tools_are_judged(self, trajectory: Build) -> None:
        made = trajectory(("customer", "Hi"), ("search", {"city": "Denver"}), ("book_flight", {"city": "Denver"}))
        assert quotes(run(made, tools=["book_*"])) == [(2, "Denver")]
        assert run(made, tools=["pay"]).explanation == "There is no call of “pay” in this interaction."

    def test_arguments_can_be_left_to_the_agent(self, trajectory: Build) -> None:
        made = trajectory(("customer", "Hi"), ("search", {"City": "Denver"}))
        assert run(made, ignore_arguments=["city"]).outcome is Outcome.MET

    def test_values_can_be_implied(self, trajectory: Build) -> None:
        made = trajectory(("customer", "Hi"), ("pay", {"currency": "USD"}))
        assert run(made).outcome is Outcome.NOT_MET
        assert run(made, implied_values=["usd"]).outcome is Outcome.MET

    def test_support_says_how_many_words_must_have_been_said(self, trajectory: Build) -> None:
        made = trajectory(("customer", "a large coffee"), ("order", {"item": "large coffee latte"}))
        assert run(made).outcome is Outcome.MET
        assert run(made, support=1).outcome is Outcome.NOT_MET


class TestWhatCannotBeJudged:
    def test_without_a_call_it_does_not_apply(self, trajectory: Build) -> None:
        result = run(trajectory(("customer", "Hi"), ("agent", "Hello")))
        assert (result.outcome, result.confidence) == (Outcome.NOT_APPLICABLE, None)
        assert result.explanation == "No tool is called in this interaction."

    def test_when_nobody_but_the_agent_speaks_it_is_not_run(self, trajectory: Build) -> None:
        with pytest.raises(CheckNotRunError, match="nobody but the agent"):
            run(trajectory(("agent", "I look it up"), ("search", {"city": "Denver"})))

    def test_arguments_that_are_no_json_are_read_as_one_value(self, trajectory: Build) -> None:
        result = run(trajectory(("customer", "Hi"), ("search", "  Denver hotels ")))
        assert quotes(result) == [(1, "Denver hotels")]
        assert result.explanation.endswith("The arguments are no JSON object and are read as they stand.")
        assert run(trajectory(("customer", "hotels in Denver"), ("search", "Denver hotels"))).outcome is Outcome.MET

    def test_a_list_as_arguments_is_judged_value_by_value(self, trajectory: Build) -> None:
        assert quotes(run(trajectory(("customer", "Boston"), ("search", '["Boston", "Denver"]')))) == [(1, "Denver")]

    def test_a_call_without_arguments_is_fine(self, trajectory: Build) -> None:
        assert run(trajectory(("customer", "Hi"), ("list_all", ""))).outcome is Outcome.MET


class TestAnswers:
    def test_an_answer_goes_to_the_call_of_its_id(self) -> None:
        def call(name: str, call_id: str, arguments: dict[str, str]) -> Turn:
            text = json.dumps(arguments)
            made = ToolCall(id=call_id, name=name, arguments=arguments, arguments_text=text, start=0)
            return Turn(role=Role.AGENT, speaker="agent", text=text, spoken=0, tool_calls=(made,))

        def answer(call_id: str, text: str) -> Turn:
            return Turn(role=Role.TOOL, speaker="tool", text=text, spoken=len(text), tool_call_id=call_id)

        turns = (
            Turn(role=Role.CUSTOMER, speaker="user", text="Hi", spoken=2),
            call("a", "1", {}),
            call("b", "2", {}),
            answer("2", '{"order_id": "ord-2222"}'),
            answer("1", '{"order_id": "ord-1111"}'),
            call("c", "3", {"first_id": "ord-1111", "second_id": "ord-2222", "third_id": "ord-3333"}),
        )
        assert quotes(run(Interaction(type=InteractionType.TRAJECTORY, turns=turns))) == [(5, "ord-3333")]

    def test_an_answer_beside_the_call_counts_for_the_calls_after_it(self) -> None:
        text = '{"order_id": "ord-1111"}'
        arguments = {"order_id": "ord-1111"}
        first = ToolCall(name="a", arguments={}, arguments_text="", start=0, result=text)
        second = ToolCall(name="b", arguments=arguments, arguments_text=text, start=0)
        hello = Turn(role=Role.CUSTOMER, speaker="user", text="Hi", spoken=2)

        def outcome(*calls: ToolCall) -> Outcome:
            turn = Turn(role=Role.AGENT, speaker="agent", text=text, spoken=0, tool_calls=calls)
            return run(Interaction(turns=(hello, turn))).outcome

        assert outcome(first, second) is Outcome.MET
        assert outcome(second, first) is Outcome.NOT_MET


class TestEvidence:
    def test_a_finding_keeps_twenty_places_and_says_that_there_are_more(self, trajectory: Build) -> None:
        invented = {f"field{number}": f"inventado{chr(97 + number)}" for number in range(26)}
        result = run(trajectory(("customer", "Hi"), ("search", invented)))
        assert len(result.evidence) == 20
        assert "And 23 more. The first 20 places are quoted." in result.explanation

    def test_what_is_met_quotes_the_calls(self, trajectory: Build) -> None:
        result = run(trajectory(("customer", "Boston"), ("search", {"city": "Boston"})))
        assert quotes(result) == [(1, 'search({"city": "Boston"})')]
        assert result.explanation == "Every value in 1 tool call comes from the conversation or from a tool."

    def test_arguments_that_stand_elsewhere_than_the_call_says_give_no_false_quote(self) -> None:
        call = ToolCall(name="search", arguments={"city": "Denver"}, arguments_text='{"city": "Denver"}', start=900)
        turns = (
            Turn(role=Role.CUSTOMER, speaker="user", text="Hi", spoken=2),
            Turn(role=Role.AGENT, speaker="agent", text="search", spoken=0, tool_calls=(call,)),
        )
        result = run(Interaction(turns=turns))
        assert (result.outcome, result.evidence) == (Outcome.NOT_MET, ())


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    arguments=st.dictionaries(st.sampled_from(["order_id", "city", "option", "größe 🫖", ""]), json_values),
    said=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    answer=st.one_of(json_values.map(json.dumps), st.text(st.characters(exclude_categories=["Cs"]))),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
def test_quotes_are_slices_and_strings_are_found_without_their_marks(
    arguments: dict[str, object], said: str, answer: str, ascii_only: bool, indent: int | None
) -> None:
    written = json.dumps(arguments, ensure_ascii=ascii_only, indent=indent)
    text = f"🫖 so\nfind({written})"
    start = text.index(written, text.index("find("))
    call = ToolCall(name="find", arguments=arguments, arguments_text=written, start=start)
    turns = (
        Turn(role=Role.CUSTOMER, speaker="user", text=said, spoken=len(said)),
        Turn(role=Role.AGENT, speaker="agent", text=text, spoken=5, tool_calls=(call,)),
        Turn(role=Role.TOOL, speaker="tool", text=answer, spoken=len(answer)),
        Turn(role=Role.AGENT, speaker="agent", text=text, spoken=5, tool_calls=(call,)),
    )
    result = run(Interaction(turns=turns))
    if result.outcome is Outcome.NOT_MET:
        assert result.evidence
        for evidence in result.evidence:
            assert start <= evidence.start < evidence.end <= start + len(written)
