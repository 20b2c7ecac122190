"""Payment card numbers: known prefixes (ISO/IEC 7812), lengths and the Luhn digit, in digits or in spoken words."""

import re
from collections.abc import Iterator

from tahoe_engine.scoring.personal.context import Context

type _Group = tuple[int, int, str]
"""Digits that stand together: start, end and the digits."""

_SHORTEST, _LONGEST = 13, 19
_RUN = re.compile(r"(?<![A-Za-z0-9_])(?<![0-9][.,])[0-9]++(?:(?: ?- ?| {1,2}|\.)[0-9]++)*(?![A-Za-z_])")
_GROUP = re.compile(r"[0-9]+")
_SCHEMES = re.compile(
    r"""(?:
      4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})                                             # Visa
    | (?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}  # Mastercard
    | 3[47][0-9]{13}                                                                 # American Express
    | 3(?:0[0-5]|[689][0-9])[0-9]{11}                                                # Diners Club
    | (?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}                                      # Discover
    | 35(?:2[89]|[3-8][0-9])[0-9]{12}                                                # JCB
    | 62[0-9]{14,17}                                                                 # UnionPay
    | 220[0-4][0-9]{12}                                                              # Mir
    | (?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{9,15}                          # Maestro
    )\Z""",
    re.VERBOSE,
)
_USUAL_SIZES = ((4, 6, 5), (4, 6, 4), (6, 13), (4, 3, 3, 3))
_CARD_WORDS = re.compile(
    r"\b(?:card|visa|master ?card|amex|american express|discover|maestro|debit|credit)\b", re.IGNORECASE
)

_DIGIT_WORDS = {
    word: str(digit)
    for digit, words in enumerate(
        ("zero oh o", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    )
    for word in words.split()
}
_WORD = "(?:" + "|".join(sorted(_DIGIT_WORDS, key=len, reverse=True)) + ")"
_SPOKEN_RUN = re.compile(rf"\b{_WORD}(?:[ ,.;-]{{1,3}}{_WORD}\b){{{_SHORTEST - 1},}}", re.IGNORECASE)
_SPOKEN_WORD = re.compile(_WORD, re.IGNORECASE)


def find_cards(context: Context) -> Iterator[tuple[int, int]]:
    """Yields card numbers, written (`4111 1111 1111 1111`) or spelt out in English (`four one one one …`)."""
    for run in _RUN.finditer(context.text):
        groups = [(m.start(), m.end(), m.group()) for m in _GROUP.finditer(context.text, run.start(), run.end())]
        yield from _cards(groups, context)
    for run in _SPOKEN_RUN.finditer(context.text):
        words = _SPOKEN_WORD.finditer(context.text, run.start(), run.end())
        yield from _cards([(m.start(), m.end(), _DIGIT_WORDS[m.group().lower()]) for m in words], context)


def _cards(groups: list[_Group], context: Context) -> Iterator[tuple[int, int]]:
    """Yields the stretches of whole groups that are a card number: an expiry date may follow, an amount precede."""
    first = 0
    while first < len(groups):
        last = _last_group(groups, first, context)
        if last is not None:
            yield groups[first][0], groups[last][1]
            first = last
        first += 1


def _last_group(groups: list[_Group], first: int, context: Context) -> int | None:
    """Returns the last group of the longest card number that begins with group `first`."""
    found = None
    digits = ""
    for last in range(first, len(groups)):
        digits += groups[last][2]
        if len(digits) > _LONGEST:
            break
        if _SCHEMES.match(digits) and luhn(digits):
            sizes = tuple(len(group) for _, _, group in groups[first : last + 1])
            if _usual(sizes) or context.speaks_of(_CARD_WORDS, groups[first][0]):
                found = last
    return found


def _usual(sizes: tuple[int, ...]) -> bool:
    """Says whether cards are written in groups of these sizes; other groups need a word that speaks of cards."""
    in_fours = set(sizes[:-1]) == {4} and sizes[-1] in {1, 2, 3, 4}
    one_by_one = set(sizes) == {1}
    return len(sizes) == 1 or in_fours or one_by_one or sizes in _USUAL_SIZES


def luhn(digits: str) -> bool:
    """Says whether the last digit is the right one by Luhn's formula (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - two digits are added up
    return total % 10 == 0
