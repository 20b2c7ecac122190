import base64
import io
import zipfile
from collections.abc import Awaitable, Callable

import pytest

from tahoe_engine.skills.running.script_runner import ScriptResult

type RunBundled = Callable[..., Awaitable[ScriptResult]]

GERMAN = """Order;Region;Amount;Date;Code
1;North;1.234,50 €;03.04.2026;007
2;North;20,00 €;13.04.2026;008
3;south ;n/a;01.05.2026;009
4;South;99,90 €;02.05.2026;010
4;South;99,90 €;02.05.2026;010
Total;;1.454,30 €;;
"""
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET = f"""<worksheet xmlns="{MAIN}"><sheetData>
<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="inlineStr"><is><t>amount</t></is></c>
<c r="D2" t="str"><v>when</v></c></row>
<row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3"><v>12.5</v></c><c r="D3" s="1"><v>46150</v></c></row>
<row r="4"><c r="A4" t="s"><v>1</v></c><c r="B4" t="e"><v>#DIV/0!</v></c><c r="D4" s="1"><v>46151.5</v></c></row>
<row r="5"><c r="A5" t="s"><v>1</v></c><c r="B5"><v>7</v></c><c r="D5" s="1"><v>46152</v></c></row>
<row r="6"><c r="A6" t="s"><v>1</v></c><c r="B6"><v>1</v></c></row>
<row r="7"><c r="A7" t="s"><v>1</v></c><c r="B7"><v>2</v></c></row>
</sheetData></worksheet>"""


def make_xlsx(sheet: str = SHEET) -> str:
    """A workbook as Excel writes it, in Base64."""
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets><sheet name="Sales" sheetId="1" '
        'r:id="rId1"/><sheet name="Notes" sheetId="2" r:id="rId2"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
        '<Relationship Id="rId2" Target="/xl/worksheets/sheet2.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>region</t></si><si><r><t>No</t></r><r><t>rth</t></r>'
        "<rPh><t>x</t></rPh></si></sst>",
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
        "</styleSheet>",
        "xl/worksheets/sheet1.xml": sheet,
        "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>',
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in parts.items():
            archive.writestr(path, content)
    return base64.b64encode(buffer.getvalue()).decode()


class TestTheDescription:
    async def test_reads_numbers_dates_and_codes_as_the_column_means_them(self, run_bundled: RunBundled) -> None:
        result = await run_bundled("spreadsheet-analysis", "describe.py", "s.csv", files={"s.csv": GERMAN})
        assert result.exit_code == 0, result.stderr
        for line in (
            "6 rows, 5 columns; data begins in row 2",
            "Amount: number, 5 values, 4 distinct, 1 gaps",
            "  sum 2,908.6, mean 581.72, min 20, 25% 99.9, median 99.9, 75% 1,234.5, max 1,454.3",
            "  read with decimal commas",
            "  from 2026-04-03 to 2026-05-02",
            "  leading zeros: read as codes",
        ):
            assert f"{line}\n" in result.stdout

    async def test_warns_of_what_spoils_a_count(self, run_bundled: RunBundled) -> None:
        result = await run_bundled("spreadsheet-analysis", "describe.py", "s.csv", files={"s.csv": GERMAN})
        assert result.stdout.partition("Look at:\n")[2].splitlines() == [
            "- rows that are there once more than needed: 1",
            "- Order: values that are no number: 1 (rows 7)",
            "- Order: cells that say total or the like: 1; do these rows sum up others?",
            "- Region: values that differ from another by capitals or spaces alone: 1",
        ]

    async def test_says_so_when_nothing_looks_wrong(self, run_bundled: RunBundled) -> None:
        result = await run_bundled("spreadsheet-analysis", "describe.py", "s.csv", files={"s.csv": "a,b\n1,2\n3,4\n"})
        assert result.stdout.endswith("Nothing looks wrong.\n")

    @pytest.mark.parametrize(
        ("dates", "first", "note"),
        [
            (("03/04/2026", "25/04/2026"), "2026-04-03", None),
            (("03/04/2026", "04/25/2026"), "2026-03-04", None),
            (("03/04/2026", "05/04/2026"), "2026-03-04", "day and month cannot be told apart"),
            (("03.04.2026", "05.04.2026"), "2026-04-03", None),
            (("3 Apr 2026", "5 April 2026"), "2026-04-03", None),
        ],
    )
    async def test_decides_the_order_of_days_and_months_for_the_column(
        self, run_bundled: RunBundled, dates: tuple[str, str], first: str, note: str | None
    ) -> None:
        table = "day,n\n" + "".join(f"{day},1\n" for day in dates)
        result = await run_bundled("spreadsheet-analysis", "describe.py", "s.csv", files={"s.csv": table})
        assert f"from {first} to" in result.stdout
        assert (note in result.stdout) if note else ("told apart" not in result.stdout)

    async def test_of_a_workbook_reads_texts_numbers_dates_and_errors(self, run_bundled: RunBundled) -> None:
        files = {"s.xlsx.b64": make_xlsx()}
        result = await run_bundled("spreadsheet-analysis", "describe.py", "s.xlsx.b64", files=files)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.splitlines()[:2] == ["5 rows, 3 columns; data begins in row 3", "Sheets: Sales, Notes"]
        assert "most frequent: North (5)" in result.stdout
        assert "from 2026-05-08 to 2026-05-10" in result.stdout
        assert "amount: values that are no number: 1 (rows 4)" in result.stdout

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("s.csv", "", "nothing in it"),
            ("s.xls.b64", base64.b64encode(b"\xd0\xcf\x11\xe0 old").decode(), "old Excel file"),
            ("s.xlsx.b64", base64.b64encode(b"PK\x03\x04 broken").decode(), "no Excel file that can be read"),
            ("s.xlsx.b64", make_xlsx("<!DOCTYPE x><x/>"), "declares entities"),
            ("s.xlsx.b64", make_xlsx(f'<worksheet xmlns="{MAIN}"/>'), "nothing in it"),
        ],
    )
    async def test_of_what_is_no_table_is_refused(
        self, run_bundled: RunBundled, name: str, content: str, said: str
    ) -> None:
        result = await run_bundled("spreadsheet-analysis", "describe.py", name, files={name: content})
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


class TestAQuery:
    @pytest.mark.parametrize(
        ("arguments", "lines"),
        [
            (
                ("--by", "month:date", "--sum", "amount", "--where", "order!=total"),
                ["month:date rows sum amount", "2026-04 2 1254.5", "2026-05 3 199.8", "ALL 5 1454.3"],
            ),
            (("--where", "amount>=99.9", "--where", "region~OUT", "--count"), ["rows", "2"]),
            (("--where", "region=north", "--mean", "amount", "--max", "date"), ["rows mean amount max date"]),
            (("--where", "date>2026-05-01", "--distinct", "order"), ["rows distinct order", "2 1"]),
            (("--where", "amount<0", "--sum", "amount"), ["rows sum amount", "0"]),
            (("--top", "1", "amount"), ["Order Region Amount Date Code", "  1454.3  "]),
            (("--top", "-1", "amount"), ["Order Region Amount Date Code", "2 North 20 2026-04-13 008"]),
        ],
    )
    async def test_filters_groups_and_sums(
        self, run_bundled: RunBundled, arguments: tuple[str, ...], lines: list[str]
    ) -> None:
        result = await run_bundled("spreadsheet-analysis", "query.py", "s.csv", *arguments, files={"s.csv": GERMAN})
        assert result.exit_code == 0, result.stderr
        said = [line.replace("\t", " ") for line in result.stdout.split("\n")[:-1]]
        assert [line.rstrip() for line in said[: len(lines)]] == [line.rstrip() for line in lines]

    async def test_compares_two_versions(self, run_bundled: RunBundled) -> None:
        files = {"old.csv": "id,price\na,1\nb,2\nc,3\n", "new.csv": "id,price\na,1\nb,5\nd,4\n"}
        result = await run_bundled(
            "spreadsheet-analysis", "query.py", "new.csv", "--against", "old.csv", "--key", "id", files=files
        )
        assert [line.split("\t") for line in result.stdout.splitlines()[1:]] == [
            ["d", "added", "", "", ""],
            ["b", "changed", "price", "2", "5"],
            ["c", "removed", "", "", ""],
        ]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--sum", "nothing"), "There is no column 'nothing'"),
            (("--sum", "region"), "there is no sum"),
            (("--where", "amount"), "is no condition"),
            (("--where", "amount>abc"), "cannot be compared with Amount"),
            (("--by", "month:region"), "so it has no month"),
            (("--top", "many", "amount"), "is no count"),
            (("--against", "s.csv"), "needs --key"),
            (("--against", "s.csv", "--key", "order"), "does not tell rows apart"),
        ],
    )
    async def test_that_is_not_understood_is_refused(
        self, run_bundled: RunBundled, arguments: tuple[str, ...], said: str
    ) -> None:
        result = await run_bundled("spreadsheet-analysis", "query.py", "s.csv", *arguments, files={"s.csv": GERMAN})
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
