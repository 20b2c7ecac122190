"""Where personal data stands in a text; the check `personal_data` finds with it, and reports mask with it."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tahoe_engine.models.check_specs import PersonalDataKind
from tahoe_engine.scoring.personal.cards import find_cards
from tahoe_engine.scoring.personal.context import Context
from tahoe_engine.scoring.personal.emails import find_emails
from tahoe_engine.scoring.personal.ibans import find_ibans
from tahoe_engine.scoring.personal.national_ids import find_national_ids
from tahoe_engine.scoring.personal.phones import find_phones

MASK = "•"

_BY_RANK: tuple[PersonalDataKind, ...] = ("email", "iban", "card", "national_id", "phone")
"""Which kind wins where several see the same digits: the one with the stronger proof."""

_WORTH_A_LOOK = re.compile(
    r"\d[^\n]{0,40}\d|@|\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\W", re.IGNORECASE
)
_ASCII_FORMS = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"),
    **dict.fromkeys("\u00a0\u00ad\u2002\u2003\u2007\u2009\u200b\u200c\u200d\u202f\u2060\u3000\ufeff", " "),
    "\uff0b": "+",
    "\uff20": "@",
    "\uff0e": ".",
}
_OTHER_FORM = re.compile(rf"[^\D0-9]|[{''.join(_ASCII_FORMS)}]")  # the first part: digits that are not ASCII


@dataclass(frozen=True, order=True)
class PersonalSpan:
    """One piece of personal data.

    Attributes:
        start: First code point.
        end: One past the last code point.
    """

    start: int
    end: int
    kind: PersonalDataKind


def find_personal_data(
    text: str, kinds: Sequence[PersonalDataKind], regions: Sequence[str], *, before: str = ""
) -> list[PersonalSpan]:
    """Returns the personal data of these kinds in order; the spans do not overlap.

    Args:
        text: Where to look.
        kinds: What to look for.
        regions: Countries whose phone numbers are known without a country code.
        before: What was said just before `text`: “What is your phone number?” tells what the digits mean.
    """
    if not kinds or _WORTH_A_LOOK.search(text) is None:
        return []
    context = Context(_in_ascii(text), before)
    finders: dict[PersonalDataKind, Callable[[], Iterable[tuple[int, int]]]] = {
        "email": lambda: find_emails(context.text),
        "iban": lambda: find_ibans(context.text),
        "card": lambda: find_cards(context),
        "national_id": lambda: find_national_ids(context),
        "phone": lambda: find_phones(context, regions),
    }
    taken: list[PersonalSpan] = []
    lowest = max(_BY_RANK.index(kind) for kind in kinds)
    for kind in _BY_RANK[: lowest + 1]:  # kinds that were not asked for still claim their digits
        taken = _merged(taken, (PersonalSpan(start, end, kind) for start, end in finders[kind]()))
    return [span for span in taken if span.kind in kinds]


def mask(text: str, spans: Iterable[PersonalSpan]) -> str:
    """Returns the text with each span blotted out, as long as before, so that offsets hold."""
    characters = list(text)
    for span in spans:
        end = min(span.end, len(characters))
        characters[span.start : end] = MASK * (end - span.start)
    return "".join(characters)


def _merged(taken: list[PersonalSpan], found: Iterable[PersonalSpan]) -> list[PersonalSpan]:
    """Adds what does not overlap with anything that was there first, the longer first."""
    merged = list(taken)
    for span in sorted(found, key=lambda span: (span.start - span.end, span.start)):
        place = bisect_left(merged, span)
        after_last = place == 0 or merged[place - 1].end <= span.start
        before_next = place == len(merged) or span.end <= merged[place].start
        if after_last and before_next:
            merged.insert(place, span)
    return merged


def _in_ascii(text: str) -> str:
    """Writes the digits, hyphens and spaces of other scripts in ASCII, one code point each, so that offsets hold."""
    return text if text.isascii() else _OTHER_FORM.sub(lambda match: _ascii_form(match.group()), text)


def _ascii_form(character: str) -> str:
    return _ASCII_FORMS.get(character) or str(unicodedata.decimal(character))
