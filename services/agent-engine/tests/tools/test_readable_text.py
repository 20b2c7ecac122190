import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.tools.readable_text import find_text, html_to_text

PAGE = """<!doctype html><html><head><title> The  shop </title><style>p {color: red}</style>
<script>alert("no")</script></head><body><nav><a href="/">Home</a></nav>
<h1>Prices</h1><p>Tea &amp; <b>cakes</b><br>daily.</p>
<ul><li>Tea: <a href="tea?size=2">two</a></li><li>Cake</li></ul>
<table><tr><th>What<th>Price</tr><tr><td>Tea</td><td>3&nbsp;€</td></tr></table>
<noscript>Turn it on</noscript><svg><title>icon</title></svg></body></html>"""


class TestAPage:
    def test_is_read_as_a_person_sees_it(self) -> None:
        text = html_to_text(PAGE, "https://site.example/shop/")
        assert text.splitlines() == [
            "The shop",
            "",
            "[Home](https://site.example/)",
            "",
            "# Prices",
            "",
            "Tea & cakes",
            "daily.",
            "",
            "- Tea: [two](https://site.example/shop/tea?size=2)",
            "",
            "- Cake",
            "",
            "| What | Price",
            "",
            "| Tea | 3 €",
        ]

    def test_that_leaves_a_script_open_ends_quietly(self) -> None:
        assert html_to_text("<p>before<script>var x = 1") == "before"

    def test_is_xhtml_whose_scripts_close_at_once(self) -> None:
        page = b"<html><head><script src='a.js' /><title/></head><body>Tea<br/>daily</body></html>"
        assert find_text(page, "application/xhtml+xml", "") == "Tea\n\ndaily"

    def test_takes_entities_in_text_and_links(self) -> None:
        assert html_to_text("<a href='/a?b=1&amp;c=2'>&lt;b&gt; &eacute;&#8364;</a>") == "[<b> é€](/a?b=1&c=2)"

    def test_at_a_very_long_address_keeps_its_links_as_they_stand(self) -> None:
        link = "<a href=tea>two</a>"
        assert html_to_text(link, f"https://site.example/a?{'x' * 4000}") == "[two](https://site.example/tea)"
        assert html_to_text(link, f"https://site.example/{'a/' * 1000}") == "[two](tea)"

    @given(st.text(alphabet="<>/abp\"' =&;!-", max_size=200))
    def test_of_any_shape_is_read(self, html: str) -> None:
        assert "<script" not in html_to_text(f"<script>1</script>{html}")


class TestAHugePage:
    @pytest.mark.parametrize(
        "piece",
        [
            *(
                "<",
                "<!--",
                "</",
                "</a",
                "<a ",
                "<a b='",
                "<?",
                "<!",
                "<![CDATA[",
                "&",
                "&#",
                "<!---->",
                "<a href=x>x</a>",
            ),
            *("<div>", "<b><p>", "<a><div>", "<svg><p>", "<table><td>", "<li><ul>", "<script>", "<textarea>", "\t\n "),
        ],
    )
    @pytest.mark.parametrize("start", ["<html>", "<title>", "<script>", "<textarea>", "<svg>"])
    def test_takes_time_in_proportion_to_its_length(self, start: str, piece: str) -> None:
        began = time.thread_time()
        html_to_text(start + piece * (512 * 1024 // len(piece)), "https://site.example/")
        assert time.thread_time() - began < 2

    def test_may_have_any_depth(self) -> None:
        deep = "<div>" * 100_000
        assert html_to_text(f"{deep}tea{'</div>' * 100_000}") == "tea"


class TestABody:
    @pytest.mark.parametrize(
        ("body", "content_type", "text"),
        [
            (b'{"a": 1}', "application/json", '{"a": 1}'),
            (b"<a/>", "application/atom+xml", "<a/>"),
            ("grün".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grün"),
            ("grün".encode(), "text/plain", "grün"),
            (b"x", "text/plain; charset=nonsense", "x"),
            (b"x", "text/plain; charset=idna", "x"),
            (b"x-" + b"0" * 100_000, "text/plain; charset=punycode", "x-" + "0" * 100_000),
            (b"<html><body>hi", "", "hi"),
            (b'<meta charset="windows-1252"><p>\x80', "text/html", "€"),
            (b"plain", "", "plain"),
        ],
    )
    def test_that_is_text_is_read_in_its_encoding(self, body: bytes, content_type: str, text: str) -> None:
        assert find_text(body, content_type, "https://site.example/") == text

    @pytest.mark.parametrize(
        ("body", "content_type"), [(b"\x89PNG\r\n", "image/png"), (b"%PDF-1.7", "application/pdf"), (b"a\0b", "")]
    )
    def test_that_is_no_text_is_left(self, body: bytes, content_type: str) -> None:
        assert find_text(body, content_type, "https://site.example/") is None
