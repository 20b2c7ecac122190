import pytest

from tahoe_engine.reporting.figures import count, format_duration, format_percent, format_score


@pytest.mark.parametrize(
    ("score", "text"),
    [(None, "—"), (0, "0"), (100, "100"), (79.96, "79.9"), (99.99, "99.9"), (71.5, "71.5"), (64.3, "64.3")],
)
def test_scores_are_rounded_down_so_that_none_reads_as_a_pass_it_is_not(score: float | None, text: str) -> None:
    assert format_score(score) == text


@pytest.mark.parametrize(
    ("share", "text"), [(None, "—"), (0, "0%"), (1, "100%"), (0.999, "99%"), (0.29, "29%"), (0.57, "57%")]
)
def test_shares_are_rounded_down_so_that_almost_everything_is_not_everything(share: float | None, text: str) -> None:
    assert format_percent(share) == text


def test_durations_change_units() -> None:
    assert format_duration(41.66) == "41.7 ms"
    assert format_duration(2310) == "2.3 s"


def test_counts_agree_with_their_nouns() -> None:
    assert [count(0, "turn"), count(1, "turn"), count(1200, "turn"), count(2, "analysis", "analyses")] == [
        "0 turns",
        "1 turn",
        "1,200 turns",
        "2 analyses",
    ]
