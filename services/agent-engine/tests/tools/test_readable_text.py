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

    @given(st.text(alphabet="<>/abp\"' =&;!-", max_size=200))
    def test_of_any_shape_is_read(self, html: str) -> None:
        assert "<script" not in html_to_text(f"<script>1</script>{html}")


class TestABody:
    @pytest.mark.parametrize(
        ("body", "content_type", "text"),
        [
            (b'{"a": 1}', "application/json", '{"a": 1}'),
            (b"<a/>", "application/atom+xml", "<a/>"),
            ("grün".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grün"),
            ("grün".encode(), "text/plain", "grün"),
            (b"x", "text/plain; charset=nonsense", "x"),
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
