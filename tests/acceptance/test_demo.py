import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from journey import Shell
from tahoe_core.postgres.lifecycle import superuser_url

REMOTE = re.compile(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", re.IGNORECASE)


@pytest.fixture(scope="module")
def first(shell: Shell) -> str:
    result = shell.run("demo", timeout=180)
    assert result.status == 0, result.err
    return result.out


def reports(shell: Shell) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (shell.home / "reports" / "demo").glob("*.html")}


class TestTheDemo:
    def test_prints_a_report_of_each_example_and_says_where_they_are(self, shell: Shell, first: str) -> None:
        assert first.count("Coverage") >= 8
        assert str(shell.home / "reports" / "demo" / "index.html") in first
        assert {"Pass", "Review", "High risk"} <= set(re.findall(r"Pass|Review|High risk", first))

    def test_writes_pages_that_need_no_network(self, shell: Shell, first: str) -> None:
        pages = reports(shell)
        assert len(pages) >= 9
        for page in pages.values():
            assert len(page) < 400_000
            assert not REMOTE.search(page.decode())

    def test_gives_every_example_the_verdict_it_was_written_for(self, shell: Shell, first: str) -> None:
        import yaml  # noqa: PLC0415 - only here

        from journey import ROOT  # noqa: PLC0415

        index = (shell.home / "reports" / "demo" / "index.html").read_text()
        for entry in yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text()):
            row = index[index.index(f'href="{Path(entry["file"]).stem}.html"') :].split("</tr>")[0]
            words = {"pass": "Pass", "review": "Review", "high_risk": "High risk"}
            assert words[entry["expect"]] in index_row(index, Path(entry["file"]).stem) or words[entry["expect"]] in row

    def test_asks_memory_now_and_as_of_before_a_correction(self, first: str) -> None:
        chapter = first[first.index("What was known, and when") :]
        assert re.search(r"now +Ms Rossi's parcels go to 4 Harbour Street, Hull\.", chapter)
        assert re.search(r"as of [-\d]+ [:.\d]+ +Ms Rossi's parcels go to 12 Mill Lane, Leeds\.", chapter)
        assert re.search(r"superseded +by demo: she called: she has moved", chapter)

    def test_changes_nothing_when_run_again(self, shell: Shell, first: str) -> None:
        before = reports(shell)
        rows = list_rows(shell)
        assert len(rows) >= 8 + 4
        again = shell.run("demo", timeout=60)
        assert again.status == 0, again.err
        assert reports(shell) == before
        assert again.out == first
        assert rows == list_rows(shell)


def index_row(index: str, stem: str) -> str:
    at = index.index(f"{stem}.html")
    start = index.rfind("<tr", 0, at)
    return index[start : index.index("</tr>", at)]


def list_rows(shell: Shell) -> list[str]:
    """The id of every analysis and memory in the home's database, asked as the superuser, whom no policy binds."""
    url = superuser_url(shell.home).rpartition("/")[0] + "/tahoe"
    query = "SELECT id FROM agent_engine.analyses UNION ALL SELECT id FROM agent_engine.memory ORDER BY id"

    async def ask() -> list[str]:
        connection = await asyncpg.connect(url)
        try:
            return [str(row["id"]) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(ask())
