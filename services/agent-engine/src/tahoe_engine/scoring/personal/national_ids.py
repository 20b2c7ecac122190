"""National identity, tax and social security numbers that can be told from other numbers.

A number whose shape or check digits are rare counts wherever it stands. One that any nine or eleven digits could be
counts only after a word that names it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from tahoe_engine.scoring.personal.context import Context


@dataclass(frozen=True)
class _NationalId:
    """One country's number.

    Attributes:
        shape: How it is written.
        validators: Modules of stdnum; one of them must call it valid. Empty: the shape says enough.
        words: What must stand nearby; None when the number speaks for itself.
    """

    shape: re.Pattern[str]
    validators: tuple[str, ...] = ()
    words: re.Pattern[str] | None = None


_SIX_DIGITS = re.compile(r"[0-9](?:[^0-9\n]{0,6}[0-9]){5}")  # the Italian and the Mexican number have the fewest


def _shape(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_])(?<![0-9][-./])(?:{pattern})(?![A-Za-z0-9_])(?![-/][0-9])", flags)


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})", re.IGNORECASE)


_NATIONAL_IDS = (
    # United States: social security and individual taxpayer numbers
    _NationalId(_shape(r"[0-9]{3}([- ])[0-9]{2}\1[0-9]{4}"), ("us.ssn", "us.itin")),
    _NationalId(_shape(r"[0-9]{9}"), ("us.ssn", "us.itin"), _words("ssn", r"social\b(?! media)", "itin", "taxpayer")),
    # United Kingdom: National Insurance number (HMRC, NIM39110)
    _NationalId(
        _shape(
            r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
            r"(?: [0-9]{2} [0-9]{2} [0-9]{2} |-[0-9]{2}-[0-9]{2}-[0-9]{2}-| ?[0-9]{6} ?)[A-D]",
            re.IGNORECASE,
        )
    ),
    _NationalId(_shape(r"[0-9]{3}[- ][0-9]{3}[- ][0-9]{4}"), ("gb.nhs",), _words("nhs")),
    # France
    _NationalId(_shape(r"[1-478] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"), ("fr.nir",)),
    # Spain
    _NationalId(_shape(r"[0-9]{8}-?[A-Z]"), ("es.dni",)),
    _NationalId(_shape(r"[XYZ]-?[0-9]{7}-?[A-Z]"), ("es.nie",)),
    # Italy
    _NationalId(
        _shape(r"[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]", re.IGNORECASE), ("it.codicefiscale",)
    ),
    # Switzerland
    _NationalId(_shape(r"756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}"), ("ch.ssn",)),
    # Finland
    _NationalId(_shape(r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]"), ("fi.hetu",)),
    # Brazil
    _NationalId(_shape(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"), ("br.cpf",)),
    # Mexico
    _NationalId(_shape(r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]"), ("mx.curp",)),
    # Netherlands, Canada, Australia, Germany, Poland, Sweden, Denmark, Belgium, India
    _NationalId(_shape(r"[0-9]{9}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}"), ("nl.bsn",), _words("bsn", "burgerservice")),
    _NationalId(_shape(r"[0-9]{3}([- ]?)[0-9]{3}\1[0-9]{3}"), ("ca.sin",), _words(r"sin\b", "social insurance")),
    _NationalId(_shape(r"[0-9]{3} ?[0-9]{3} ?[0-9]{2,3}"), ("au.tfn",), _words("tfn", "tax file")),
    _NationalId(
        _shape(r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"), ("de.idnr",), _words("steuer-?id", "idnr", "tax id")
    ),
    _NationalId(_shape(r"[0-9]{11}"), ("pl.pesel",), _words("pesel")),
    _NationalId(_shape(r"(?:[0-9]{2})?[0-9]{6}[-+]?[0-9]{4}"), ("se.personnummer",), _words("person-?nummer")),
    _NationalId(_shape(r"[0-9]{6}-?[0-9]{4}"), ("dk.cpr",), _words("cpr")),
    _NationalId(
        _shape(r"[0-9]{2}\.?[0-9]{2}\.?[0-9]{2}-?[0-9]{3}\.?[0-9]{2}"), ("be.nn",), _words("rijksregister", r"nis?s\b")
    ),
    _NationalId(_shape(r"[2-9][0-9]{3} ?[0-9]{4} ?[0-9]{4}"), ("in_.aadhaar",), _words("aadhaar", "uidai")),
)


def find_national_ids(context: Context) -> Iterator[tuple[int, int]]:
    """Yields the numbers of all countries known here."""
    if _SIX_DIGITS.search(context.text) is None:
        return
    for kind in _NATIONAL_IDS:
        for match in kind.shape.finditer(context.text):
            if kind.words is not None and not context.speaks_of(kind.words, match.start()):
                continue
            if not kind.validators or any(_validator(name)(match.group().replace(" ", "")) for name in kind.validators):
                yield match.span()


def _validator(name: str) -> Callable[[str], bool]:
    valid: Callable[[str], bool] = import_module(f"stdnum.{name}").is_valid  # loaded when such a number turns up
    return valid
