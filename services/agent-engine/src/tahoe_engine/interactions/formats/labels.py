"""Speaker labels in running text: `Agent: …`, `[00:01:02] Agent: …`, `Customer (10:02): …`, `**Dana:** …`."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.roles import find_role
from tahoe_engine.interactions.formats.times import read_time
from tahoe_engine.models.interaction import Role

_LABEL = re.compile(
    r"""[ \t]*
    (?:>>+[ \t]*|[-\u2013\u2022][ \t]+)?  # captions mark a change of speaker by >> or a dash
    (?:[\[(](?P<bracketed>[^\[\]()\n]{1,40})[\])][ \t]*(?:[-\u2013][ \t]*)?
      |(?P<bare>\d[\d:.,/TZ-]{3,30}(?:[ ]\d[\d:.]{3,12})?(?:[ ]?[AaPp][Mm])?)[ \t]+(?:[-\u2013][ \t]+)?)?
    (?P<bold>\*\*|__)?
    (?P<name>[^\W\d_][^:*\[\](){}<>"|\n]{0,59}?)
    (?:[ \t]*[\[(](?P<after>[^\[\]()\n]{1,40})[\])])?
    (?(bold)(?:\*\*|__)?)
    [ \t]*:(?!//)(?(bold)(?:\*\*|__)?)[ \t]?""",
    re.VERBOSE,
)
_TIME_LIKE = re.compile(r"\d{1,4}[:/.-]\d")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?(?:[ ]?([AaPp])[Mm])?")
# One-word beginnings of lines that end in a colon and are nobody's name.
_NO_NAMES = frozenset({
    "note", "notes", "ps", "nb", "re", "fw", "fwd", "subject", "date", "time", "total", "subtotal", "order",
    "address", "email", "phone", "tel", "fax", "mobile", "reference", "ref", "tracking", "warning",
    "important", "update", "edit", "summary", "status", "result", "example", "examples", "answer", "amount",
    "price", "balance", "name", "account", "http", "https", "mailto", "step", "option", "options", "reason",
    "issue", "problem", "solution", "details", "description", "link", "url", "website", "hours", "payment",
    "delivery", "shipping", "quantity", "size", "color", "colour", "model", "serial", "code", "username",
    "password",
})  # fmt: skip
_MOST_WORDS = 5
_LONGEST_LABEL = 200
_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Label:
    """A label at the start of a line.

    Attributes:
        time: What stands in brackets beside the name, or before it; empty when nothing does.
        end: Where what is said begins in the line.
    """

    name: str
    time: str
    end: int


def find_label(line: str) -> Label | None:
    """Returns what looks like a label at the start of the line; whether it is one, `choose_speakers` decides."""
    match = _LABEL.match(line, 0, _LONGEST_LABEL)
    if match is None:
        return None
    name, before, after = match["name"].rstrip(), match["bracketed"] or match["bare"] or "", match["after"] or ""
    if after and not _TIME_LIKE.search(after):
        name, after = f"{name} ({after})", ""
    if before and not _TIME_LIKE.search(before):
        return None
    if len(name.split()) > _MOST_WORDS:
        return None
    return Label(name, before or after, match.end())


def choose_speakers(labels: Iterable[Label | None], field_map: FieldMap) -> frozenset[str]:
    """Tells the speakers' names from lines such as `Order number: 12`.

    A name is a speaker's when it tells a role, is mapped by the user, or stands beside a time. Any other is when it
    looks like a name and comes twice, or once where the certain ones are not yet a conversation.
    """
    seen = [label for label in labels if label is not None]
    roles = {label.name: field_map.find_role(label.name) or find_role(label.name) for label in seen}
    certain = {label.name for label in seen if label.time or roles[label.name]}
    settled = {Role.AGENT, Role.CUSTOMER} <= {roles[name] for name in certain}
    counts = Counter(label.name for label in seen)
    return frozenset(
        certain | {name for name, count in counts.items() if _looks_like_a_speaker(name, count, settled=settled)}
    )


def _looks_like_a_speaker(name: str, count: int, *, settled: bool) -> bool:
    words = name.split()
    if name.casefold() in _NO_NAMES or (count == 1 and settled):
        return False
    return not any(word[0].islower() for word in words) or (count > 1 and len(words) == 1)


class Clock:
    """Reads the times of one transcript, each as a moment or as seconds from the start.

    `[10:02]` is minutes and seconds where the transcript starts in its first minute, and hours and minutes otherwise;
    a clock that runs backwards has passed midnight.
    """

    def __init__(self) -> None:
        self._minutes_first: bool | None = None
        self._start: float | None = None
        self._latest = 0.0

    def read(self, text: str) -> tuple[datetime | None, float | None]:
        """Returns the moment or the seconds from the start; both None when the text is neither."""
        match = _CLOCK.fullmatch(text.strip())
        if match is None:
            return (read_time(text) if text else None), None
        first, second, third, fraction, half = match.groups()
        hours_known = third is not None or half is not None
        if self._minutes_first is None:
            self._minutes_first = not hours_known and int(first) == 0
        if hours_known or not self._minutes_first:
            seconds = _hour(int(first), half) * _HOUR + int(second) * 60 + float(f"{third or 0}.{fraction or 0}")
        else:
            seconds = int(first) * 60 + int(second)
        return None, self._from_start(seconds, is_offset=half is None)

    def _from_start(self, seconds: float, *, is_offset: bool) -> float | None:
        if self._start is None:
            # A first time within the first hour is counted from the start; a later one is the time of day.
            self._start = 0.0 if is_offset and seconds < _HOUR else seconds
        elapsed = seconds - self._start
        while elapsed < self._latest - _DAY / 2:
            elapsed += _DAY
        self._latest = max(self._latest, elapsed)
        return elapsed if elapsed >= 0 else None


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    return hour % 12 + (12 if half in "Pp" else 0)
