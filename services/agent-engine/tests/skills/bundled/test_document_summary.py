from collections.abc import Awaitable, Callable

import pytest

from tahoe_engine.skills.running.script_runner import ScriptResult

type RunBundled = Callable[..., Awaitable[ScriptResult]]

SOURCE = """# Annual report

The Board of Northwind Foods met on 8 May 2026. Revenue rose by 12.5% to EUR 1,234,500, or 1.2 million
net of returns. Ann Example said: \u201cWe shall open two shops by 2026-12-01, unless rents rise.\u201d

1. Outlook
It is unclear whether rents rise.

2. Decision
The Board decided to close the shop in Ghent.
"""


class TestTheOutline:
    async def test_shows_headings_with_their_lines_and_what_must_not_be_lost(self, run_bundled: RunBundled) -> None:
        result = await run_bundled("document-summary", "outline.py", stdin=SOURCE)
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert lines[0].startswith("58 words, 10 lines")
        assert [line.strip() for line in lines[2:5]] == [
            "1  Annual report  (36 words)",
            "6  1. Outlook  (6 words)",
            "9  2. Decision  (9 words)",
        ]
        for kind in ("Figures: 1", "Dates: 2", "Duties: 1", "Conditions: 1", "Open: 1", "Conclusions: 1"):
            assert kind in result.stdout

    async def test_of_nothing_is_refused(self, run_bundled: RunBundled) -> None:
        result = await run_bundled("document-summary", "outline.py")
        assert (result.exit_code, "is empty" in result.stderr) == (2, True)


class TestTheCheck:
    @pytest.mark.parametrize(
        "summary",
        [
            "Revenue rose 12.5 % to EUR 1 234 500.",
            "Revenue rose by 12,5% to 1.234.500 euros (1.2 million net).",
            "Net of returns it was 1,200,000.",
            "On 2026-05-08 the Board of Northwind Foods met; shops open by 1 December 2026.",
            'Ann Example: "we shall open two shops".',
            "That is 8.3% more than before [computed].",
            "Northwind Foods closes the shop in Ghent.",
        ],
    )
    async def test_finds_what_the_source_says_otherwise_written(self, run_bundled: RunBundled, summary: str) -> None:
        files = {"source.txt": SOURCE, "summary.txt": summary}
        result = await run_bundled("document-summary", "check_summary.py", "source.txt", "summary.txt", files=files)
        assert (result.exit_code, result.stdout) == (0, "Everything that can be checked is found.\n")

    @pytest.mark.parametrize(
        ("summary", "said"),
        [
            ("First line.\nRevenue rose by 15%.", "line 2: the number 15"),
            ("Revenue is 1.3 million.", "the number 1.3"),
            ("They met on 9 May 2026.", "the date 2026-05-09"),
            ('She said "we will open three shops".', "the quotation"),
            ("Bob Sample objects.", "the name Bob Sample"),
        ],
    )
    async def test_names_what_the_source_does_not_have(self, run_bundled: RunBundled, summary: str, said: str) -> None:
        files = {"source.txt": SOURCE, "summary.txt": summary}
        result = await run_bundled("document-summary", "check_summary.py", "source.txt", "summary.txt", files=files)
        assert result.exit_code == 1
        assert said in result.stdout

    async def test_without_a_file_is_refused(self, run_bundled: RunBundled) -> None:
        result = await run_bundled("document-summary", "check_summary.py", "source.txt", "summary.txt")
        assert (result.exit_code, "cannot be read" in result.stderr) == (2, True)
