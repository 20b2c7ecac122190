"""International bank account numbers (ISO 13616): the country's length and structure, and the checksum modulo 97."""

import re
from collections.abc import Iterator

_BEGINNING = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ -]?[A-Za-z0-9])")
# Country code and length, from the registry that SWIFT keeps for ISO
_REGISTRY = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 IM90
EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27
JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15
OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24
TR26 UA29 VA22 VG24 XK20 YE30
"""
_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()}


def find_ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yields the account numbers, written in groups or not."""
    for beginning in _BEGINNING.finditer(text):
        start = beginning.start()
        length = _LENGTHS.get(text[start : start + 2].upper())
        if length is not None:
            rest = re.compile(rf"(?:[ -]?[A-Za-z0-9]){{{length - 4}}}(?![A-Za-z0-9])").match(text, beginning.end())
            if rest is not None and _is_valid(text[start : rest.end()]):
                yield start, rest.end()


def _is_valid(written: str) -> bool:
    compact = re.sub("[ -]", "", written).upper()
    if int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 != 1:
        return False
    from stdnum import iban  # noqa: PLC0415 - 30 ms that most texts never need

    return iban.is_valid(compact)
