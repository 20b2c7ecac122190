import pytest

from tahoe_core.near_names import did_you_mean, list_near


class TestNearNames:
    def test_are_listed_with_the_likest_first(self) -> None:
        assert list_near("suport", ["debt", "support-2", "support"]) == ["support", "support-2"]

    def test_are_three_at_most(self) -> None:
        assert len(list_near("call", ["call1", "call2", "call3", "call4"])) == 3

    def test_are_found_whatever_the_capitals_and_given_as_they_are_written(self) -> None:
        assert list_near("EUROPE/pari", ["Europe/Paris", "Asia/Tokyo"]) == ["Europe/Paris"]

    @pytest.mark.parametrize("known", [[], ["debt", "trajectory"]])
    def test_are_none_where_nothing_is_like_it(self, known: list[str]) -> None:
        assert list_near("support", known) == []
        assert did_you_mean("support", known) == ""

    def test_make_a_question_that_stands_behind_a_sentence(self) -> None:
        said = f"There is no 'suport'.{did_you_mean('suport', iter(['support', 'support-2']))}"
        assert said == "There is no 'suport'. Did you mean support or support-2?"

    def test_are_quoted_as_the_caller_quotes(self) -> None:
        assert did_you_mean("speakr", {"speaker": 1, "turns": 2}, around="`") == " Did you mean `speaker`?"
