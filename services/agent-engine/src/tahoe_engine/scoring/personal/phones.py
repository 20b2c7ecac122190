"""Phone numbers of people, by Google's libphonenumber."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tahoe_engine.scoring.personal.context import Context

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_CANDIDATE = re.compile(r"\+?[0-9](?:[ ().\-/]{0,3}[0-9]){6,}")
_CHUNK, _OVERLAP = 20_000, 100  # the matcher gives up after 65,535 tries, which one long text could use up
_PHONE_WORDS = re.compile(r"\b(?:phones?|telephone|tel|mobile|cell|cellular|landline|whatsapp|fax)\b", re.IGNORECASE)
_CALLING_WORDS = re.compile(r"\b(?:call|calls|called|calling|callback|dial|reach|ring|text|sms)\b", re.IGNORECASE)
_OTHER_NUMBERS = re.compile(
    r"\b(?:order|invoice|ticket|case|tracking|confirmation|reference|ref|account|acct|policy|claim|serial|sku|item|id|"
    r"transaction|booking|reservation|model|part|product|purchase|customer|member|membership|routing|zip)\b"
    r"[^.!?\n]{0,20}$",
    re.IGNORECASE,
)


def find_phones(context: Context, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yields the phone numbers: with a country code those of all countries, without one those of the regions.

    Numbers that only companies have (toll-free, premium rate, shared cost) are no personal data. A row of bare digits
    is a phone number only when a word nearby says so, since order numbers look the same.
    """
    text = context.text
    if not any(_is_meant(context, *candidate.span()) for candidate in _CANDIDATE.finditer(text)):
        return  # the library takes a hundred times as long to say so
    for begin in range(0, max(len(text) - _OVERLAP, 1), _CHUNK - _OVERLAP):
        chunk = text[begin : begin + _CHUNK]
        for region in regions:
            for start, end, number in _numbers(chunk, region):
                cut_off = (start == 0 and begin > 0) or (end == len(chunk) and begin + end < len(text))
                if not cut_off and _is_personal(number) and _is_meant(context, begin + start, begin + end):
                    yield begin + start, begin + end


def unknown_regions(regions: Sequence[str]) -> list[str]:
    """Returns those that libphonenumber does not know."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - see _numbers

    return [region for region in regions if region not in SUPPORTED_REGIONS]


def _numbers(text: str, region: str) -> Iterator[tuple[int, int, "PhoneNumber"]]:
    from phonenumbers import Leniency, PhoneNumberMatcher  # noqa: PLC0415 - 70 ms that most commands never need

    for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
        yield match.start, match.end, match.number


def _is_personal(number: "PhoneNumber") -> bool:
    from phonenumbers import PhoneNumberType, number_type  # noqa: PLC0415 - loaded by now

    companies = {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
    }
    return number_type(number) not in companies


def _is_meant(context: Context, start: int, end: int) -> bool:
    written = context.text[start:end]
    if written.startswith("+") or context.speaks_of(_PHONE_WORDS, start):
        return True
    grouped = not written.isdecimal()
    calling = context.speaks_of(_CALLING_WORDS, start)
    if context.speaks_of(_OTHER_NUMBERS, start):
        return calling and grouped
    return grouped or calling or written.startswith("0")
