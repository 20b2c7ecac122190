"""The text of what came over HTTP, as a model can read it: HTML without its markup, links kept."""

import re
from html.parser import HTMLParser
from typing import override
from urllib.parse import urljoin

_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_HEAD_BYTES = 2048
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript", "application/x-ndjson")
_TEXT_SUFFIXES = ("+json", "+xml", "+yaml")
_SILENT = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object"})
_BREAKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset", "figcaption"),
        *("figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav"),
        *("ol", "p", "pre", "section", "table", "tr", "ul"),
    }
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_MANY_LINES = re.compile(r"\n{3,}")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")


def find_text(body: bytes, content_type: str, url: str) -> str | None:
    """Returns what can be read of a body; None: it is no text.

    Args:
        body: As it came, perhaps cut.
        content_type: As the header had it; empty: the body decides.
        url: Where it came from, so that links can be made whole.
    """
    kind = content_type.partition(";")[0].strip().lower()
    is_html = kind in {"text/html", "application/xhtml+xml"} or (not kind and b"<html" in body[:_HEAD_BYTES].lower())
    if not is_html and not _is_text(kind, body):
        return None
    text = _decode(body, content_type)
    return html_to_text(text, url) if is_html else text


def html_to_text(html: str, url: str = "") -> str:
    """Returns the text of a page: headings as in Markdown, links as `[text](url)`, a line for each block."""
    reader = _Reader(url)
    reader.feed(html)
    reader.close()
    lines = [_SPACES.sub(" ", line).strip() for line in "".join(reader.parts).split("\n")]
    text = _MANY_LINES.sub("\n\n", "\n".join(lines)).strip()
    title = " ".join("".join(reader.title).split())
    return f"{title}\n\n{text}".strip() if title and not text.startswith(f"# {title}") else text


def _is_text(kind: str, body: bytes) -> bool:
    if kind:
        return kind.startswith(_TEXT_TYPES) or kind.endswith(_TEXT_SUFFIXES)
    return b"\0" not in body


def _decode(body: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type)
    written = _META_CHARSET.search(body[:_HEAD_BYTES])
    charset = named[1] if named else written[1].decode() if written else "utf-8"
    try:
        return body.decode(charset, errors="replace")
    except LookupError:
        return body.decode(errors="replace")


class _Reader(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.title: list[str] = []
        self._url = url
        self._silent: list[str] = []
        self._is_title = False
        self._link: tuple[str, int] | None = None

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_title = self._is_title or (tag == "title" and not self._silent)
        if tag in _SILENT:
            self._silent.append(tag)
        if self._silent:
            return
        if tag in _BREAKS:
            self.parts.append("\n\n" if tag in _HEADINGS or tag == "p" else "\n")
        if tag in _HEADINGS:
            self.parts.append(f"{_HEADINGS[tag]} ")
        elif tag == "li":
            self.parts.append("- ")
        elif tag in {"td", "th"}:
            self.parts.append(" | ")
        elif tag == "a":
            target = dict(attrs).get("href") or ""
            self._link = (target, len(self.parts)) if target and not target.startswith(("#", "javascript:")) else None

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._is_title = False
        if self._silent:
            # An end that is missing must not swallow the rest of the page.
            if tag == self._silent[-1] or tag in {"body", "html"}:
                self._silent.pop()
            return
        if tag == "a" and self._link is not None:
            target, start = self._link
            text = " ".join("".join(self.parts[start:]).split())
            self.parts[start:] = [f"[{text}]({_join(self._url, target)})"] if text else []
            self._link = None
        elif tag in _BREAKS:
            self.parts.append("\n\n" if tag in _HEADINGS or tag == "p" else "\n")

    @override
    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title.append(data)
        elif not self._silent:
            self.parts.append(data)


def _join(base: str, target: str) -> str:
    try:
        return urljoin(base, target.strip())
    except ValueError:
        return target
