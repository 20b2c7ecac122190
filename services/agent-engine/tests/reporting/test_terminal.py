import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from tahoe_engine.models.analysis import Verdict
from tahoe_engine.reporting.listing import print_line, print_table
from tahoe_engine.reporting.summary import summarize
from tahoe_engine.reporting.terminal import print_report
from tahoe_engine.reporting.view import ReportView

MakeView = Callable[..., ReportView]


def print_to(width: int, draw: Callable[[Console], None], encoding: str = "utf-8") -> str:
    """Prints as into a pipe and returns what arrives."""
    pipe = io.BytesIO()
    file = io.TextIOWrapper(pipe, encoding=encoding, newline="")
    draw(Console(file=file, width=width))
    file.flush()
    return pipe.getvalue().decode(encoding)


class TestReport:
    @pytest.mark.parametrize("width", [60, 80, 120])
    def test_fits_the_terminal_and_ends_no_line_in_spaces(self, view: ReportView, width: int) -> None:
        for line in print_to(width, lambda console: print_report(console, view)).splitlines():
            assert cell_len(line) <= width
            assert line == line.rstrip()

    def test_says_everything_that_matters(self, view: ReportView) -> None:
        text = " ".join(print_to(100, lambda console: print_report(console, view)).split())
        for words in (
            "Late standing desk, refunded in full",
            "12 March 2026, 12:05 CDT · support-quality v3 · 22 turns",
            "■ High risk",
            "A critical violation caps the score at 40.",
            "review from 60, pass from 80",
            "Coverage",
            "92%",
            "Compliance",
            "40% of the score · 3 not met",
            "✗ 1 Verifies identity before discussing the account",
            "not met · high severity · required · confidence 96% · order",
            "“I can see order NW-48213 for $389” turn 6, Dana",
            "Not evaluated ○ Keeps a professional tone throughout No model is configured",
            "Does not apply",
            "4 violations, the worst first ✗ 2 Never repeats a card number · critical",
            "→ Ask for two identifiers before naming an order",
            "trace 9f2c41d07be84a3c8d5e6f7081920abc · 11 checks run, 1 not run · 41.7 ms",
            "Personal data is masked.",
        ):
            assert words in text

    def test_masks_personal_data(self, view: ReportView) -> None:
        text = print_to(80, lambda console: print_report(console, view))
        assert not re.search(r"okafor@|4111|625-2661", text)

    def test_has_no_colour_in_a_pipe(self, view: ReportView) -> None:
        assert "\x1b" not in print_to(80, lambda console: print_report(console, view))

    def test_heeds_no_color(self, view: ReportView, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        file = io.StringIO()
        print_report(Console(file=file, width=80, force_terminal=True, color_system="truecolor"), view)
        assert not re.search(r"\x1b\[(?:\d+;)*3\d", file.getvalue())

    def test_has_colour_on_a_terminal(self, view: ReportView) -> None:
        file = io.StringIO()
        print_report(Console(file=file, width=80, force_terminal=True, color_system="truecolor", no_color=False), view)
        assert "\x1b[1;31m■ High risk" in file.getvalue()

    def test_does_without_what_the_encoding_lacks(self, view: ReportView) -> None:
        text = print_to(80, lambda console: print_report(console, view), encoding="ascii")
        assert "! High risk" in text
        assert '| "I can see order NW-48213 for $389"' in text

    def test_quotes_markup_and_escapes_instead_of_obeying_them(self, make_view: MakeView) -> None:
        view = make_view([("[red]Eve", "[bold]hi[/bold] \x1b]0;pwned\x07 :smile:")], [[(0, 0, 32)]])
        text = print_to(80, lambda console: print_report(console, view))
        assert "“[bold]hi[/bold] ␛]0;pwned␇ :sm" in text
        assert "[red]Eve" in text
        assert "\x1b" not in text

    def test_counts_the_quotes_that_it_leaves_out(self, make_view: MakeView) -> None:
        view = make_view([("a", "abcdef")], [[(0, start, start + 1) for start in range(6)]])
        assert "and 3 more places" in print_to(80, lambda console: print_report(console, view))

    def test_without_a_score_says_so(self, make_view: MakeView) -> None:
        text = print_to(80, lambda console: print_report(console, make_view([("a", "x")])))
        assert "no score" in text
        assert "Nothing could be evaluated" in text


class TestListing:
    def test_a_line_is_whole_in_a_pipe(self, view: ReportView) -> None:
        text = print_to(60, lambda console: print_line(console, summarize(view)))
        assert text == "■ High risk        40   92% covered  Late standing desk, refunded in full  support-quality v3\n"

    def test_a_line_is_cut_where_a_terminal_ends(self, view: ReportView) -> None:
        file = io.StringIO()
        print_line(Console(file=file, width=60, force_terminal=True, color_system=None), summarize(view))
        assert file.getvalue() == "■ High risk        40   92% covered  Late standing desk, re…\n"

    @pytest.mark.parametrize("width", [60, 80, 120])
    def test_a_table_ends_in_totals_and_fits(self, view: ReportView, width: int) -> None:
        first = summarize(view)
        rows = [first, replace(first, verdict=Verdict.PASS, score=90.0, coverage=1.0), replace(first, score=None)]
        text = print_to(width, lambda console: print_table(console, rows))
        assert all(cell_len(line) <= width for line in text.splitlines())
        assert "3 analyses · 1 pass · 2 high risk · mean score 65, coverage 94%" in " ".join(text.split())

    def test_a_table_of_nothing_says_so(self) -> None:
        assert print_to(80, lambda console: print_table(console, [])) == "0 analyses\n"
