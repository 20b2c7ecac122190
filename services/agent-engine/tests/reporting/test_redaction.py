import re

import pytest

from tahoe_engine.reporting.redaction import Redactor, mask_spans

TEXT = "My number is 555-01234, call me."


def mask_after_number_is(text: str) -> str:
    """A detector that needs the words around a value."""
    return re.sub(r"(?<=number is )[\d-]+", lambda match: "•" * len(match[0]), text)


def test_what_was_personal_in_a_turn_is_masked_where_it_is_repeated_without_its_context() -> None:
    redactor = Redactor(mask_after_number_is, [TEXT], {})
    assert redactor.turns == ("My number is •••••••••, call me.",)
    assert redactor.redact("Said 555-01234 twice: 555-01234.") == "Said ••••••••• twice: •••••••••."


def test_short_values_are_not_hunted_for_since_they_mean_other_things_elsewhere() -> None:
    redactor = Redactor(mask_after_number_is, ["number is 911"], {})
    assert redactor.redact("911 turns") == "911 turns"


def test_what_a_check_found_is_masked_even_where_the_masker_knows_no_such_kind() -> None:
    redactor = Redactor(lambda text: text, ["Tax number 12/345/67890 it is"], {0: [(11, 23)]})
    assert redactor.turns == ("Tax number •••••••••••• it is",)
    assert redactor.redact("Found 12/345/67890") == "Found ••••••••••••"


def test_overlapping_spans_mask_their_union() -> None:
    assert mask_spans("0123456789", [(2, 6), (4, 8)]) == "01••••••89"


def test_without_a_masker_nothing_changes() -> None:
    redactor = Redactor(None, [TEXT], {0: [(0, 5)]})
    assert redactor.turns == (TEXT,)
    assert redactor.redact(TEXT) == TEXT
    assert not redactor.masks


def test_a_masker_that_moves_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="evidence would move"):
        Redactor(lambda _: "[masked]", [TEXT], {})
