"""What a terminal can draw: its signs, its bars, its width."""

from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from tahoe_engine.models.analysis import Verdict
from tahoe_engine.models.finding import Outcome, Severity
from tahoe_engine.reporting.figures import format_score

VERDICT_WORDS = {Verdict.PASS: "Pass", Verdict.REVIEW: "Review", Verdict.HIGH_RISK: "High risk"}
VERDICT_STYLES = {Verdict.PASS: "bold green", Verdict.REVIEW: "bold yellow", Verdict.HIGH_RISK: "bold red"}
SEVERITY_STYLES = {Severity.LOW: "dim", Severity.MEDIUM: "", Severity.HIGH: "yellow", Severity.CRITICAL: "bold red"}
OUTCOME_STYLES = {Outcome.MET: "green", Outcome.NOT_MET: "red", Outcome.NOT_APPLICABLE: "dim", Outcome.NOT_RUN: "dim"}

_FULL = 100.0
# Longer lines are harder to read than wrapped ones.
_WIDEST = 110


@dataclass(frozen=True, slots=True)
class Signs:
    """The characters beyond words that a report uses."""

    outcomes: dict[Outcome, str]
    verdicts: dict[Verdict, str]
    filled: str
    empty: str
    limit: str
    quote: str
    arrow: str
    dot: str
    marks: tuple[str, str]


_UNICODE = Signs(
    outcomes={Outcome.MET: "✓", Outcome.NOT_MET: "✗", Outcome.NOT_APPLICABLE: "—", Outcome.NOT_RUN: "○"},
    verdicts={Verdict.PASS: "●", Verdict.REVIEW: "◆", Verdict.HIGH_RISK: "■"},
    filled="█",
    empty="░",
    limit="│",
    quote="│",
    arrow="→",
    dot="·",
    marks=("“", "”"),
)
_ASCII = Signs(
    outcomes={Outcome.MET: "+", Outcome.NOT_MET: "x", Outcome.NOT_APPLICABLE: "-", Outcome.NOT_RUN: "o"},
    verdicts={Verdict.PASS: "+", Verdict.REVIEW: "?", Verdict.HIGH_RISK: "!"},
    filled="#",
    empty=".",
    limit="|",
    quote="|",
    arrow="->",
    dot="-",
    marks=('"', '"'),
)


class Pen:
    """Writes for one console.

    Texts become `Text`, never markup: a customer who says `[bold]` is quoted, not obeyed.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._encoding = console.encoding
        self.signs = _ASCII if console.options.ascii_only else _UNICODE
        self.width = min(console.width, _WIDEST)

    def write(self, body: Text, first: Text | str = "", rest: Text | str | None = None) -> None:
        """Writes lines that hang: `first` stands before the first line, `rest` (or as many spaces) before the others.

        No line ends in spaces, so that a piped report can be compared and pasted.
        """
        lead = first if isinstance(first, Text) else Text(first)
        follow = Text(" " * lead.cell_len) if rest is None else rest if isinstance(rest, Text) else Text(rest)
        for number, line in enumerate(body.wrap(self._console, max(20, self.width - lead.cell_len))):
            line.rstrip()
            self._console.print((follow if number else lead) + line, soft_wrap=True)

    def gap(self) -> None:
        """Writes an empty line."""
        self._console.print()

    def text(self, words: str, style: str = "") -> Text:
        """Prepares words; what the terminal's encoding lacks becomes `?`."""
        return Text(self._encodable(words), style=style)

    def join(self, *parts: str) -> str:
        """Joins the parts that are not empty by dots."""
        return f" {self.signs.dot} ".join(part for part in parts if part)

    def quoted(self, words: str, limit: int) -> str:
        """Puts words in quotation marks, on one line, and cuts what is beyond the limit."""
        line = " ".join(words.split())
        cut = line if len(line) <= limit else f"{line[: limit - 1]}…"
        return f"{self.signs.marks[0]}{cut}{self.signs.marks[1]}"

    def bar(self, percent: float | None, width: int, style: str, limits: tuple[float, ...] = ()) -> Text:
        """Draws a bar; where it is limited, the limits stand in it as lines."""
        filled = round(width * (percent or 0) / _FULL)
        ticks = {min(width - 1, round(width * limit / _FULL)) for limit in limits if 0 < limit < _FULL}
        bar = Text()
        for cell in range(width):
            full = cell < filled
            sign = self.signs.limit if cell in ticks else self.signs.filled if full else self.signs.empty
            bar.append(sign, style=style if full and cell not in ticks else "dim")
        return bar

    def _encodable(self, words: str) -> str:
        return words.encode(self._encoding, "replace").decode(self._encoding)


def score_style(score: float | None, review_from: float, pass_from: float) -> str:
    """Chooses the colour of a score by the thresholds."""
    if score is None:
        return "dim"
    return "green" if score >= pass_from else "yellow" if score >= review_from else "red"


def score_words(score: float | None) -> str:
    """Formats a score, or says that there is none."""
    return "no score" if score is None else format_score(score)
