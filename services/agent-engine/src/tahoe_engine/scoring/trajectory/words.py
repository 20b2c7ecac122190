"""The words of a text in the form in which they are compared."""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"\d+(?:[.,:]\d+)*%?|[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_DECIMAL = re.compile(r"\d*\.\d+")
_SHORT = 4
"""Letters. English plurals of shorter words are left as they are."""

_LONGEST_KEPT = 40
"""Code points of a word whose normal form is remembered."""


def listed(text: str) -> frozenset[str]:
    """Returns the words of a line as a set."""
    return frozenset(text.split())


FILLERS = listed(
    "a an the of in on at to for with and or as is are be by from my your our please i we it its this "
    "that me us some any can could you get have has would will like want d ll m s ve re just"
)
NEGATIONS = listed("no not none never without off nothing nope dont didnt isnt doesnt wont cant")

_NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
    *("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
_NUMBERS = dict(zip(_NUMBER_WORDS, map(str, (*range(21), *range(30, 100, 10))), strict=True))


def folded(text: str) -> str:
    """Returns the compatibility form, without case and outer spaces."""
    if text.isascii():
        return text.lower().strip()
    return unicodedata.normalize("NFKC", text).casefold().strip()


def words(text: str) -> list[str]:
    """Returns all words: folded, singular, number words as digits."""
    return [_remembered(word) if len(word) <= _LONGEST_KEPT else _normal(word) for word in _WORD.findall(folded(text))]


def content_words(text: str) -> list[str]:
    """Returns the words that carry meaning: all but the fillers."""
    return [word for word in words(text) if word not in FILLERS]


def _normal(word: str) -> str:
    if word[0].isdigit():
        return _number(word)
    word = word.replace("\u2019", "'").replace("'", "")
    return _NUMBERS.get(word) or _singular(word)


_remembered = lru_cache(maxsize=16_384)(_normal)


def _number(text: str) -> str:
    """Returns the number as JSON would write it: `1,200.50` and `1200.5` are the same."""
    text = text.replace(",", "")
    if _DECIMAL.fullmatch(text):
        text = text.rstrip("0").rstrip(".")
    return text.lstrip("0") or "0"


def _singular(word: str) -> str:
    """Returns the word without an English plural ending."""
    if len(word) > _SHORT and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > _SHORT and word.endswith(("ses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) >= _SHORT and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word
