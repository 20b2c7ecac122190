import re

import pytest

from tahoe_engine.models.check_specs import PersonalDataCheck
from tahoe_engine.models.interaction import Role, Turn
from tahoe_engine.reporting.redaction import Redactor, mask_spans
from tahoe_engine.scoring.personal_spans import find_personal_data, mask

TEXT = "My number is 555-01234, call me."


def say(text: str) -> Turn:
    return Turn(role=Role.CUSTOMER, speaker="c", text=text, spoken=len(text))


def mask_like_the_check(text: str) -> str:
    usual = PersonalDataCheck(type="personal_data")
    return mask(text, find_personal_data(text, usual.kinds, usual.regions))


def mask_after_number_is(text: str) -> str:
    """A detector that needs the words around a value."""
    return re.sub(r"(?<=number is )[\d-]+", lambda match: "•" * len(match[0]), text)


def test_what_was_personal_in_a_turn_is_masked_where_it_is_repeated_without_its_context() -> None:
    redactor = Redactor(mask_after_number_is, [say(TEXT)], {})
    assert redactor.turns == ("My number is •••••••••, call me.",)
    assert redactor.redact("Said 555-01234 twice: 555-01234.") == "Said ••••••••• twice: •••••••••."


def test_short_values_are_not_hunted_for_since_they_mean_other_things_elsewhere() -> None:
    redactor = Redactor(mask_after_number_is, [say("number is 911")], {})
    assert redactor.redact("911 turns") == "911 turns"


def test_what_a_check_found_is_masked_even_where_the_masker_knows_no_such_kind() -> None:
    redactor = Redactor(lambda text: text, [say("Tax number 12/345/67890 it is")], {0: [(11, 23)]})
    assert redactor.turns == ("Tax number •••••••••••• it is",)
    assert redactor.redact("Found 12/345/67890") == "Found ••••••••••••"


def test_overlapping_spans_mask_their_union() -> None:
    assert mask_spans("0123456789", [(2, 6), (4, 8)]) == "01••••••89"


def test_without_a_masker_nothing_changes() -> None:
    redactor = Redactor(None, [say(TEXT)], {0: [(0, 5)]})
    assert redactor.turns == (TEXT,)
    assert redactor.redact(TEXT) == TEXT
    assert not redactor.masks


def test_a_masker_that_moves_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="evidence would move"):
        Redactor(lambda _: "[masked]", [say(TEXT)], {})


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is your social security number?", "It's 536 22 8731."),
        ("Your social security number, please.", "536228731"),
    ],
)
def test_a_number_is_masked_where_only_the_question_tells_what_it_is(question: str, answer: str) -> None:
    usual = PersonalDataCheck(type="personal_data")
    found = find_personal_data(answer, usual.kinds, usual.regions, before=question)
    assert found
    redactor = Redactor(mask_like_the_check, [say(question), say(answer)], {})
    assert redactor.turns[0] == question
    for span in found:
        assert redactor.turns[1][span.start : span.end] == "•" * (span.end - span.start)


def test_what_stands_far_into_a_turn_is_masked_as_well() -> None:
    text = "word " * 300 + "sam@example.com"
    redactor = Redactor(mask_like_the_check, [say("Hello."), say(text)], {})
    assert redactor.turns[1] == text.replace("sam@example.com", "•" * 15)
