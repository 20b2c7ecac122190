import random
import string
from time import process_time

import pytest

from tahoe_engine.scoring.trajectory.vocabulary import Vocabulary
from tahoe_engine.scoring.trajectory.words import words


def vocabulary(*texts: str) -> Vocabulary:
    made = Vocabulary()
    for text in texts:
        made.add(text)
    return made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Two Cappuccinos, please!", ["2", "cappuccino", "please"]),
        ("$1,200.50 and 48.60", ["1200.5", "and", "48.6"]),
        ("ladies' boxes don’t", ["lady", "box", "dont"]),  # noqa: RUF001 - a printer's apostrophe is meant
        ("ﬁne ＡＢＣ", ["fine", "abc"]),  # noqa: RUF001 - full-width letters are meant
        ("007 at 08:30, 2%", ["7", "at", "8:30", "2%"]),
        ("oat_milk-latte", ["oat", "milk", "latte"]),
    ],
)
def test_words_are_compared_in_one_form(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("cappuccino", "capuccino"),
        ("espresso", "espersso"),
        ("vanilla", "vanila"),
        ("decaffeinated", "decaf"),
        ("decaf", "decaffeinated"),
        ("oatmilk", "oat milk"),
        ("oat milk", "oatmilk"),
        ("three lattes", "3 latte"),
        ("北京的火车票", "火车"),
    ],
)
def test_a_near_form_counts_as_used(said: str, asked: str) -> None:
    assert vocabulary(said).share(words(asked)) == 1


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("cat", "car"),
        ("1200", "1201"),
        ("medium", "large"),
        ("grande", "grinder"),
        ("北京", "上海"),
        ("Köln", "Koblenz"),
    ],
)
def test_another_word_does_not(said: str, asked: str) -> None:
    assert vocabulary(said).share(words(asked)) == 0


def test_the_share_counts_words_that_carry_meaning() -> None:
    assert vocabulary("a large coffee").share(words("the large iced coffee latte")) == 0.5
    assert vocabulary().share(words("of the")) == 1


def test_a_word_that_comes_later_is_found_then() -> None:
    made = vocabulary("hello")
    assert not made.has("cinnamon")
    made.add("cinamon")
    assert made.has("cinnamon")


def test_a_long_transcript_does_not_make_a_search_long() -> None:
    rng = random.Random(1)  # noqa: S311 - made-up words are no secrets
    letters = string.ascii_lowercase
    made = vocabulary(" ".join("".join(rng.choices(letters, k=8)) for _ in range(50_000)))
    made.has("indexing")
    start = process_time()
    for _ in range(100):
        assert not made.has("".join(rng.choices(letters, k=8)))
    assert process_time() - start < 2
