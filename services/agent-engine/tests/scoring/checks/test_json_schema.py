import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from tahoe_engine.models.check_specs import JsonSchemaCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, Role, ToolCall, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.json_schema import JsonSchemaRunner

AMOUNT: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"amount": {"type": "number"}},
    "required": ["amount"],
}


def calling(arguments: str, said: str = "Let me see 😀.", *, role: Role = Role.AGENT, **more: str) -> Turn:
    """A turn that says something and calls `refund`."""
    try:
        parsed = json.loads(arguments)
    except ValueError:
        parsed = None
    call = ToolCall(
        name="refund",
        arguments=parsed if isinstance(parsed, dict) else None,
        arguments_text=arguments,
        start=len(said) + len("\nrefund("),
        **more,
    )
    return Turn(role=role, speaker="a", text=f"{said}\nrefund({arguments})", spoken=len(said), tool_calls=(call,))


def says(role: Role, text: str, **more: str) -> Turn:
    return Turn.model_validate({"role": role, "speaker": role, "text": text, "spoken": len(text), **more})


def checked(*turns: Turn, target: str = "arguments", schema: JsonValue = None, **more: object) -> CheckResult:
    spec = JsonSchemaCheck.model_validate(
        {"type": "json_schema", "target": target, "schema": AMOUNT if schema is None else schema, **more}
    )
    interaction = Interaction(turns=turns)
    result = JsonSchemaRunner(spec, CheckKit()).run(interaction)
    for evidence in result.evidence:
        assert interaction.turns[evidence.turn].text[evidence.start : evidence.end] == evidence.quote
    return result


class TestArguments:
    def test_fitting_arguments_are_met(self) -> None:
        result = checked(says(Role.CUSTOMER, "Hi"), calling('{"amount": 3}'))
        assert result.outcome is Outcome.MET
        assert result.confidence == 1.0

    def test_the_offending_value_is_quoted(self) -> None:
        result = checked(calling('{"note": "é", "amount": "three"}'))
        assert result.outcome is Outcome.NOT_MET
        assert [evidence.quote for evidence in result.evidence] == ['"three"']
        assert result.explanation == "Turn 0, the arguments of “refund”: “amount” is not of type number."

    def test_what_is_missing_is_shown_by_what_it_is_missing_from(self) -> None:
        result = checked(calling('{"note": 1}'))
        assert [evidence.quote for evidence in result.evidence] == ['{"note": 1}']
        assert "'amount' is a required property" in result.explanation

    @pytest.mark.parametrize("arguments", ["amount=3", '{"amount": 3', "NaN", "[NaN]", '"' + "1" * 5000])
    def test_what_is_no_json_is_not_met(self, arguments: str) -> None:
        result = checked(calling(arguments))
        assert result.outcome is Outcome.NOT_MET
        assert "no JSON" in result.explanation
        assert result.evidence[0].quote in f"refund({arguments})"

    def test_empty_arguments_quote_the_call(self) -> None:
        assert [evidence.quote for evidence in checked(calling("")).evidence] == ["refund()"]

    def test_actions_are_the_agents_and_calls_of_the_customer_are_not(self) -> None:
        assert checked(calling("{}", role=Role.ACTION)).outcome is Outcome.NOT_MET
        assert checked(calling("{}", role=Role.CUSTOMER)).outcome is Outcome.NOT_APPLICABLE
        assert checked(calling("{}", role=Role.CUSTOMER), speaker=None).outcome is Outcome.NOT_MET

    def test_only_the_tools_asked_for_are_checked(self) -> None:
        result = checked(calling("{}"), tools=["look*"])
        assert result.outcome is Outcome.NOT_APPLICABLE
        assert "“look*”" in result.explanation
        assert checked(calling("{}"), tools=["ref*"]).outcome is Outcome.NOT_MET

    def test_evidence_is_capped(self) -> None:
        result = checked(*(calling("{}") for _ in range(30)))
        assert len(result.evidence) == 20
        assert "first 20 places" in result.explanation

    @settings(deadline=None)
    @given(st.text(max_size=20), st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=4), st.booleans())
    def test_every_quote_is_its_slice(self, said: str, arguments: dict[str, str], ascii_only: bool) -> None:
        text = json.dumps(arguments, ensure_ascii=ascii_only)
        result = checked(calling(text, said), schema={"additionalProperties": {"type": "number"}})
        assert len(result.evidence) == len(arguments)
        assert [json.loads(evidence.quote) for evidence in result.evidence] == list(arguments.values())


class TestResults:
    def test_a_result_beside_its_call_is_shown_by_the_call(self) -> None:
        result = checked(calling("{}", result='{"amount": "x"}'), target="result")
        assert [evidence.quote for evidence in result.evidence] == ["refund({})"]

    def test_a_result_in_a_turn_of_its_own_is_quoted_there(self) -> None:
        turns = (calling("{}", id="1"), says(Role.TOOL, '{"amount": "x"}', tool_call_id="1"))
        result = checked(*turns, target="result")
        assert [(evidence.turn, evidence.quote) for evidence in result.evidence] == [(1, '"x"')]

    def test_a_result_without_an_id_answers_the_last_call(self) -> None:
        turns = (calling("{}"), says(Role.TOOL, "oops"))
        assert checked(*turns, target="result").outcome is Outcome.NOT_MET
        assert checked(*turns, target="result", tools=["other"]).outcome is Outcome.NOT_APPLICABLE

    def test_results_of_other_tools_are_left_alone(self) -> None:
        turns = (calling("{}", id="1"), says(Role.TOOL, "oops", tool_call_id="2"))
        assert checked(*turns, target="result").outcome is Outcome.NOT_APPLICABLE


class TestMessages:
    def test_what_the_speaker_writes_must_be_json(self) -> None:
        good, bad = says(Role.AGENT, ' {"amount": 1} '), says(Role.AGENT, "Sure! 😀")
        assert checked(good, says(Role.CUSTOMER, "x"), target="message").outcome is Outcome.MET
        result = checked(good, bad, target="message")
        assert [(evidence.turn, evidence.quote) for evidence in result.evidence] == [(1, "Sure! 😀")]
        assert checked(good, bad, target="message", window={"first": 1}).outcome is Outcome.MET

    def test_a_silent_speaker_makes_it_not_applicable(self) -> None:
        assert checked(says(Role.CUSTOMER, "x"), target="message").outcome is Outcome.NOT_APPLICABLE

    @pytest.mark.parametrize(
        ("text", "message"), [("[" * 200_000, "nested"), (" " * 1_000_001, "1,000,000 characters")]
    )
    def test_documents_that_nobody_can_check_are_not_run(self, text: str, message: str) -> None:
        with pytest.raises(CheckNotRunError, match=message):
            checked(says(Role.AGENT, text), target="message")

    def test_a_bad_schema_is_not_run_and_says_why(self) -> None:
        with pytest.raises(CheckNotRunError, match="nothing is fetched"):
            checked(says(Role.AGENT, "1"), target="message", schema={"$ref": "http://example.com"})

    def test_explanations_do_not_repeat_the_value(self) -> None:
        result = checked(says(Role.AGENT, '"secret-123"'), target="message", schema={"maxLength": 3})
        assert "secret" not in result.explanation
        assert "maxLength: 3" in result.explanation
