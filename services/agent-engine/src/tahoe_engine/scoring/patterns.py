"""Regular expressions whose run time is bounded.

Patterns come from whoever writes a scorecard and run over whatever a customer typed, so one careless `(a|aa)+$` could
stop a worker for ever. The library `regex` reads the syntax of `re` and gives up a search after a time. Its clock is
the CPU time of the process: other threads that compute at the same moment shorten the limit, waiting does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter, thread_time

import regex

from tahoe_engine.scoring.check import CheckNotRunError
from tahoe_engine.scoring.evidence import Span
from tahoe_engine.scoring.turns import NumberedTurn
from tahoe_engine.scoring.wording import quoted

type Expression = regex.Pattern[str]

MAX_SPANS = 1000
"""Places kept of one search of an interaction; the turns beyond are still counted."""

SEARCHES_PER_INTERACTION = 4
"""One check may take so many times the limit of a single search over one interaction…"""

SECONDS_PER_CODE_POINT = 2e-7
"""…and this much for each code point it looks at, so that a long transcript is no fault. Usual patterns take 2e-8."""

_DEPENDS_ON_ITS_PLACE = regex.compile(r"\\[1-9gk]|\(\?P|\(\?<[^=!]|\(\?\(|\(\?\||\(\?[-+0-9R&]|\(\*")
"""Backreferences, named groups, conditionals, recursion, verbs: inside a larger pattern they mean something else."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search found.

    Attributes:
        spans: The places in the order of the interaction, at most `MAX_SPANS` and one turn's more.
        turns: In how many turns something was found.
    """

    spans: list[Span]
    turns: int


class PatternSearch:
    """Several regular expressions that are looked for together.

    Args:
        patterns: Any of them will do.
        ignore_case: Whether upper and lower case are the same.
        timeout: Seconds that one search of one turn may take.

    Raises:
        regex.error: A pattern is no regular expression.
    """

    def __init__(self, patterns: Sequence[str], *, ignore_case: bool, timeout: float) -> None:
        self._alternatives = [(pattern, compile_pattern(pattern, ignore_case)) for pattern in patterns]
        self._expressions = _join(self._alternatives, ignore_case)
        self._timeout = timeout

    def search(self, turns: Sequence[NumberedTurn]) -> Matches:
        """Returns where they stand in what was said; a match of no characters is none.

        Raises:
            CheckNotRunError: It took too long; the message names pattern and turn.
        """
        clock = _Clock(self._timeout, turns)
        spans: list[Span] = []
        matched = 0
        for index, turn in turns:
            places = self._in_turn(turn.spoken_text, index, clock)
            if places:
                matched += 1
                if len(spans) < MAX_SPANS:
                    spans.extend((index, turn, start, end) for start, end in places)
        return Matches(spans, matched)

    def _in_turn(self, text: str, index: int, clock: "_Clock") -> list[tuple[int, int]]:
        clock.check(index)
        try:
            return _places(self._expressions, text, self._timeout)
        except TimeoutError:
            return self._one_by_one(text, index, clock)

    def _one_by_one(self, text: str, index: int, clock: "_Clock") -> list[tuple[int, int]]:
        """Searches for each alternative alone, to name the one to blame; perhaps each is quick enough by itself."""
        places: list[tuple[int, int]] = []
        for pattern, expression in self._alternatives:
            clock.check(index)
            try:
                places += _places([expression], text, self._timeout)
            except TimeoutError:
                raise CheckNotRunError(
                    f"The pattern {quoted(pattern)} took longer than {self._timeout * 1000:.0f} ms on turn {index}; "
                    "simplify it, for instance avoid nested repetition such as (a+)+."
                ) from None
        return _without_overlaps(places)


class _Clock:
    """Keeps one check within its time over one interaction."""

    def __init__(self, timeout: float, turns: Sequence[NumberedTurn]) -> None:
        self._turns = turns
        self._budget = SEARCHES_PER_INTERACTION * timeout
        self._whole_budget = 0.0
        self._start = perf_counter()
        self._cpu_start = thread_time()

    def check(self, index: int) -> None:
        """Gives up before turn `index` when the time is over."""
        if perf_counter() - self._start > self._budget:
            self._count_exactly(index)

    def _count_exactly(self, index: int) -> None:
        """Counts all of the text, and only the time of this thread, which a busy machine does not lengthen.

        Hardly any check comes here; the clock that is asked at each turn is the cheaper one.
        """
        if not self._whole_budget:
            code_points = sum(turn.spoken for _, turn in self._turns)
            self._whole_budget = self._budget + SECONDS_PER_CODE_POINT * code_points
        if thread_time() - self._cpu_start > self._whole_budget:
            raise CheckNotRunError(
                f"The search took longer than {self._whole_budget:.1f} s in all and was given up at turn {index}; "
                "simplify the patterns, for instance avoid nested repetition."
            )


@lru_cache(maxsize=2048)
def compile_pattern(pattern: str, ignore_case: bool) -> Expression:
    """Compiles a pattern once a process.

    Raises:
        regex.error: It is no regular expression.
    """
    try:
        return regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
    except (ValueError, LookupError, ArithmeticError, RecursionError, MemoryError) as error:
        # the library's own parser stumbles over some, for instance over `(?:a){2d<}` or three thousand brackets
        raise regex.error("it cannot be understood") from error


def _join(alternatives: Sequence[tuple[str, Expression]], ignore_case: bool) -> list[Expression]:
    """Makes one expression of all that keep their meaning beside others: one search then takes the time of one.

    A pattern with references or with flags of its own stays by itself, and so does one that fits the empty text and
    would hide its neighbours.
    """
    usual = compile_pattern("a", ignore_case).flags
    together: list[str] = []
    alone: list[Expression] = []
    for pattern, expression in alternatives:
        if expression.flags != usual or _DEPENDS_ON_ITS_PLACE.search(pattern) or expression.fullmatch(""):
            alone.append(expression)
        else:
            together.append(f"(?:{pattern})")
    return [compile_pattern("|".join(together), ignore_case), *alone] if together else alone


def _places(expressions: Sequence[Expression], text: str, limit: float) -> list[tuple[int, int]]:
    places = []
    for expression in expressions:
        for match in expression.finditer(text, timeout=limit):
            start, end = match.span()
            if start < end:
                places.append((start, end))
                if len(places) >= MAX_SPANS:
                    break
    return places if len(expressions) == 1 else _without_overlaps(places)


def _without_overlaps(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Keeps the leftmost of places that overlap, as one expression would."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
