from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from tahoe_engine.models.analysis import Verdict
from tahoe_engine.models.interaction import InteractionType
from tahoe_engine.reporting.html import render_index
from tahoe_engine.reporting.summary import ReportSummary, summarize
from tahoe_engine.reporting.view import ReportView


@pytest.fixture
def reports(view: ReportView) -> list[ReportSummary]:
    first = summarize(view, "reports/one.html")
    return [
        first,
        replace(first, report="reports/no #2.html", title="<b>Bold</b>", verdict=Verdict.PASS, score=91.0),
        replace(
            first, report="", title="Unscored", score=None, type=InteractionType.EMAIL, occurred="", occurred_at=None
        ),
    ]


def test_lists_each_report_with_a_relative_link(reports: list[ReportSummary]) -> None:
    soup = BeautifulSoup(render_index(reports), "html.parser")
    assert [str(link["href"]) for link in soup.select("tbody a")] == ["reports/one.html", "reports/no%20%232.html"]
    assert [row.get_text() for row in soup.select("tbody th bdi")] == [report.title for report in reports]


def test_counts_the_verdicts(reports: list[ReportSummary]) -> None:
    soup = BeautifulSoup(render_index(reports), "html.parser")
    counts = [" ".join(count.get_text(" ").split()) for count in soup.select(".count p")]
    assert counts == ["1 Pass", "0 Review", "2 High risk"]


def test_offers_only_filters_that_find_something(reports: list[ReportSummary]) -> None:
    soup = BeautifulSoup(render_index(reports), "html.parser")
    types = soup.select("[data-filter=type] option")
    assert [option.get("value") for option in types] == ["", "call", "email"]
    assert {str(row["data-type"]) for row in soup.select("tbody tr")} == {"call", "email"}


def test_each_cell_that_sorts_by_number_holds_one(reports: list[ReportSummary]) -> None:
    soup = BeautifulSoup(render_index(reports), "html.parser")
    kinds = [str(head["data-kind"]) for head in soup.select("thead th")]
    for row in soup.select("tbody tr"):
        for kind, cell in zip(kinds, row.find_all(["th", "td"]), strict=True):
            assert kind == "text" or float(str(cell["data-value"])) >= -1


def test_a_missing_score_is_a_dash_and_sorts_below_zero(reports: list[ReportSummary]) -> None:
    cell = BeautifulSoup(render_index(reports), "html.parser").select("tbody tr")[2].select("td")[1]
    assert (cell.get_text(), cell["data-value"]) == ("—", "-1")


def test_without_reports_it_says_how_to_make_one() -> None:
    page = render_index([])
    assert "No reports yet" in page
    assert "tahoe analyze FILE" in page
    assert "<table" not in page


def test_has_a_policy_like_the_reports() -> None:
    assert "default-src 'none'; style-src 'sha256-" in render_index([]).replace("&#39;", "'")
