import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tahoe_engine.models.analysis import Analysis
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.reporting.build import build_view
from tahoe_engine.reporting.html import render_report
from tahoe_engine.reporting.redaction import Masker
from tahoe_engine.reporting.view import ReportView

MakeView = Callable[..., ReportView]
VOID = {"meta", "link", "br", "hr", "img", "input"}
LOADING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping", "manifest", "cite"}


class Balance(HTMLParser):
    """Fails on an element that is closed out of turn or never."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice on <{tag}>"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, self.getpos()


def parse(page: str) -> BeautifulSoup:
    return BeautifulSoup(page, "html.parser")


def read_highlight(soup: BeautifulSoup, anchor: str) -> str:
    return "".join(mark.get_text() for mark in soup.select("mark") if anchor in str(mark["data-e"]).split())


@pytest.fixture(scope="module")
def page(view: ReportView) -> str:
    return render_report(view)


@pytest.fixture(scope="module")
def soup(page: str) -> BeautifulSoup:
    return parse(page)


class TestSelfContained:
    def test_nothing_is_loaded_from_anywhere(self, soup: BeautifulSoup) -> None:
        for element in soup.find_all(True):
            assert not LOADING & set(element.attrs), element.name
            for name in ("href", "xlink:href"):
                target = str(element.get(name, "#"))
                assert target.startswith("#") or target == "data:,"
        assert not re.search(r"@import|url\(", "".join(style.get_text() for style in soup.find_all("style")))

    def test_the_policy_allows_this_style_and_this_script_alone(self, soup: BeautifulSoup) -> None:
        meta = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
        assert isinstance(meta, Tag)
        policy = dict(part.strip().split(" ", 1) for part in str(meta["content"]).split(";"))
        assert policy["default-src"] == "'none'"
        for name in ("style", "script"):
            (element,) = soup.find_all(name)
            digest = base64.b64encode(hashlib.sha256(element.get_text().encode()).digest()).decode()
            assert policy[f"{name}-src"] == f"'sha256-{digest}'"

    def test_no_attribute_holds_style_or_script_that_the_policy_would_refuse(self, soup: BeautifulSoup) -> None:
        for element in soup.find_all(True):
            assert not [name for name in element.attrs if name == "style" or name.startswith("on")]

    def test_a_thirty_turn_report_is_under_120_kb(self, page: str) -> None:
        assert len(page.encode()) < 120_000


class TestMarkup:
    def test_is_balanced(self, page: str) -> None:
        balance = Balance()
        balance.feed(page)
        assert balance.open == []

    def test_every_id_is_unique_and_every_link_lands(self, soup: BeautifulSoup) -> None:
        ids = Counter(str(element["id"]) for element in soup.select("[id]"))
        assert [name for name, times in ids.items() if times > 1] == []
        for element in soup.select("[href^='#']"):
            assert str(element["href"])[1:] in ids
        for element in soup.select("[aria-labelledby]"):
            assert str(element["aria-labelledby"]) in ids


class TestEvidence:
    def test_every_highlight_is_its_quote(self, soup: BeautifulSoup, view: ReportView) -> None:
        for finding in view.evaluated:
            for quote in finding.quotes:
                assert read_highlight(soup, quote.mark.anchor) == quote.text

    def test_every_quote_leads_to_its_words_and_back(self, soup: BeautifulSoup, view: ReportView) -> None:
        for finding in view.evaluated:
            article = soup.find(id=f"f{finding.number}")
            assert isinstance(article, Tag)
            links = [str(link["href"]) for link in article.select("a.quote")]
            assert links == [f"#{quote.mark.anchor}" for quote in finding.quotes]
            for quote in finding.quotes:
                turn = soup.find(id=f"t{quote.turn}")
                assert isinstance(turn, Tag)
                assert turn.find(id=quote.mark.anchor)
                assert turn.select(f"a.ref[href='#f{finding.number}']")

    def test_the_transcript_reads_as_it_was_written(
        self, analysis: Analysis, interaction: Interaction, scorecard: BoundScorecard
    ) -> None:
        soup = parse(render_report(build_view(analysis, interaction, scorecard, None)))
        for reference in soup.select("a.ref"):
            reference.decompose()
        for index, turn in enumerate(interaction.turns):
            said = soup.select(f"#t{index} > .said, #t{index} > .calls")
            assert "".join(part.get_text() for part in said) == turn.text

    def test_the_timeline_leads_to_the_words(self, soup: BeautifulSoup, view: ReportView) -> None:
        links = [str(link["href"]) for link in soup.select("a.marker")]
        assert links == [f"#{marker.mark.anchor}" for marker in view.timeline.markers]
        assert all(link.get("aria-label") for link in soup.select("a.marker"))


class TestReading:
    def test_headings_descend_one_level_at_a_time(self, soup: BeautifulSoup) -> None:
        levels = [int(heading.name[1]) for heading in soup.find_all(re.compile("^h[1-6]$"))]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))

    def test_there_are_landmarks_and_a_way_to_skip(self, soup: BeautifulSoup) -> None:
        assert [len(soup.find_all(name)) for name in ("main", "header")] == [1, 1]
        assert {str(link["href"]) for link in soup.select("a.skip")} == {"#findings", "#transcript"}
        assert soup.html is not None
        assert soup.html["lang"] == "en"
        assert [str(turns["lang"]) for turns in soup.select(".turns")] == ["en-US"]

    def test_the_charts_say_what_they_show(self, soup: BeautifulSoup) -> None:
        gauge = soup.select_one(".gauge svg")
        assert gauge is not None
        assert gauge["aria-label"] == "Score 40 of 100. Review from 60, pass from 80."
        for drawing in soup.find_all("svg"):
            assert drawing.get("aria-label") or any(
                (element.name == "svg" and element.get("aria-label")) or element.get("aria-hidden")
                for element in (drawing, *drawing.parents)
            )

    def test_the_verdict_is_a_word_and_a_sign_not_a_colour_alone(self, soup: BeautifulSoup) -> None:
        verdict = soup.select_one(".verdict")
        assert verdict is not None
        assert "High risk" in verdict.get_text()
        assert verdict.select_one("use[href='#i-risk']")

    def test_what_was_not_evaluated_stands_apart_under_its_name(self, soup: BeautifulSoup) -> None:
        apart = soup.select_one(".absent.not_run")
        assert apart is not None
        assert "Not evaluated" in apart.get_text()
        assert "Keeps a professional tone throughout" in apart.get_text()
        assert "Keeps a professional tone" not in str(soup.select_one("#findings"))

    def test_the_audit_trail_names_trace_versions_and_time(self, soup: BeautifulSoup) -> None:
        audit = soup.select_one(".audit")
        assert audit is not None
        text = " ".join(audit.get_text(" ").split())
        for words in (
            "9f2c41d07be84a3c8d5e6f7081920abc",
            "support-quality.compliance version 3",
            "11 run, 1 not run",
            "41.7 ms",
        ):
            assert words in text


class TestPersonalData:
    def test_is_masked_everywhere_and_the_page_says_so(self, page: str) -> None:
        for value in ("sam.okafor", "example.com", "4111 1111", "625-2661"):
            assert value not in page
        assert "Personal data is masked" in page

    def test_is_shown_with_a_warning_when_asked_for(
        self, analysis: Analysis, interaction: Interaction, scorecard: BoundScorecard
    ) -> None:
        page = render_report(build_view(analysis, interaction, scorecard, None))
        assert "sam.okafor@example.com" in page
        assert "Personal data is shown." in page

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_never_survives_wherever_it_stands(self, data: st.DataObject, make_view: MakeView, masker: Masker) -> None:
        secret = data.draw(st.sampled_from(["kim.lee+x@mail.example.org", "4000 0566 5566 5556", "(212) 555-0187"]))
        words = st.text(st.sampled_from("ab <>&\"'\n.,"), max_size=12)
        turns = [
            (data.draw(st.sampled_from(["kim", secret])), f"{data.draw(words)} {secret} {data.draw(words)}")
            for _ in range(data.draw(st.integers(1, 4)))
        ]
        quotes = []
        for index, (_, text) in enumerate(turns):
            start = data.draw(st.integers(0, len(text) - 2))
            quotes.append([(index, start, data.draw(st.integers(start + 1, len(text))))])
        page = render_report(make_view(turns, quotes, masker))
        text = parse(page).get_text()
        assert secret not in page
        assert secret not in text
        assert not re.search(r"@mail|0566|555-0187", text)


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{ 7*7 }}{% raw %}</style>&lt;&#x41;"


class TestHostileText:
    def test_is_shown_and_not_obeyed(
        self, make_case: Callable[..., tuple[Analysis, Interaction, BoundScorecard]]
    ) -> None:
        analysis, interaction, scorecard = make_case([(HOSTILE, HOSTILE)], [[(0, 3, 30)]])
        told = interaction.model_copy(
            update={"external_id": HOSTILE, "language": '"><script>', "metadata": {"title": HOSTILE, HOSTILE: HOSTILE}}
        )
        soup = parse(render_report(build_view(analysis, told, scorecard, None)))
        assert [len(soup.find_all(name)) for name in ("script", "style", "img")] == [1, 1, 0]
        assert HOSTILE[3:30] == read_highlight(soup, "e1-1")
        speaker = soup.select_one(".speaker bdi")
        assert speaker is not None
        assert speaker.get_text() == HOSTILE
        assert "49" not in soup.select(".said")[0].get_text()

    def test_overrides_of_direction_are_made_visible_and_names_are_isolated(self, make_view: MakeView) -> None:
        page = render_report(make_view([("\u202eevil", "pay \u202e001$\u202c now")], [[(0, 4, 10)]]))
        assert "\u202e" not in page
        assert read_highlight(parse(page), "e1-1") == "⇄001$⇄"
        assert "<bdi>⇄evil</bdi>" in page

    def test_control_characters_and_broken_surrogates_can_be_written(self, make_view: MakeView) -> None:
        page = render_report(make_view([("a", "nul\x00 esc\x1b half\ud800 end")]))
        assert "nul␀ esc␛ half� end" in page
        page.encode("utf-8")

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        text=st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), min_size=2, max_size=30),
        data=st.data(),
    )
    def test_highlights_are_quotes_whatever_the_text(self, text: str, data: st.DataObject, make_view: MakeView) -> None:
        spans = data.draw(
            st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, 10)), min_size=1, max_size=5)
        )
        view = make_view([("a", text)], [[(0, start, min(len(text), start + length))] for start, length in spans])
        page = render_report(view)
        soup = parse(page)
        Balance().feed(page)
        for finding in view.evaluated:
            # The parser of this test folds white space that stands alone between two tags.
            highlight = read_highlight(soup, finding.quotes[0].mark.anchor)
            assert re.sub(r"\s+", " ", highlight) == re.sub(r"\s+", " ", finding.quotes[0].text)


class TestEdges:
    def test_an_analysis_without_findings_says_so(self, make_view: MakeView) -> None:
        page = render_report(make_view([("a", "")]))
        text = parse(page).get_text()
        assert "No score." in page
        assert "Nothing could be evaluated" in text
        assert "No violations" in text
        Balance().feed(page)

    def test_an_unscored_category_is_not_evaluated_rather_than_zero(self, make_view: MakeView) -> None:
        category = parse(render_report(make_view([("a", "x")]))).select_one(".categories li")
        assert category is not None
        assert "Not evaluated" in category.get_text()

    @pytest.mark.parametrize(
        ("turns", "quotes"),
        [
            ([("a", "word " * 200_000)], [[(0, 500_000, 500_010)]]),
            ([("a", "a short turn, and another")] * 6_000, [[(index, 2, 7)] for index in range(0, 6_000, 300)]),
            ([("a", "<&>😀" * 200)] * 300, [[(turn, 0, 800) for turn in range(40)] for _ in range(30)]),
            ([("a", "say it again")] * 50, [[(turn % 50, 0, 12) for turn in range(200)] for _ in range(250)]),
        ],
        ids=["one turn of a megabyte", "thousands of turns", "dense escapes", "hundreds of findings"],
    )
    def test_stays_under_400_kb_and_says_what_is_left_out(
        self, make_view: MakeView, turns: list[tuple[str, str]], quotes: list[list[tuple[int, int, int]]]
    ) -> None:
        page = render_report(make_view(turns, quotes))
        assert len(page.encode()) < 400_000
        soup = parse(page)
        assert soup.select(".gap, .cut, .note, .finding .quiet")
        ids = {str(element["id"]) for element in soup.select("[id]")}
        assert all(str(link["href"])[1:] in ids for link in soup.select("[href^='#']"))
