"""The text of what came over HTTP, as a model can read it: HTML without its markup, links kept."""

import codecs
import re
from urllib.parse import urldefrag, urljoin

_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Python knows them; no page has them, and a long text in one takes hours or is refused."""
_HEAD_BYTES = 2048
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript", "application/x-ndjson")
_TEXT_SUFFIXES = ("+json", "+xml", "+yaml")
_RAW = frozenset({"script", "style", "noscript", "iframe", "noembed", "noframes"})
"""What stands in them is no markup, up to their end, even in `<script/>`."""
_SILENT = _RAW | {"template", "svg", "object"}
_BREAKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset", "figcaption"),
        *("figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav"),
        *("ol", "p", "pre", "section", "table", "tr", "ul"),
    }
)
_CLOSED_AT_ONCE = re.compile(rf"<({'|'.join(sorted(_RAW))}|title|textarea)\b([^<>]*)/>")
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_MAX_BASE = 500
"""Characters: each link of a page can be made as long as the address of the page."""
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
    if kind == "application/xhtml+xml":
        text = _CLOSED_AT_ONCE.sub(r"<\1\2></\1>", text)
    return html_to_text(text, url) if is_html else text


def html_to_text(html: str, url: str = "") -> str:
    """Returns the text of a page: headings as in Markdown, links as `[text](url)`, a line for each block.

    Takes time in proportion to the page, whatever stands in it: tokens, and no tree, of which deep nesting makes more.
    """
    from turbohtml import TokenType, tokenize  # noqa: PLC0415 - a quarter of a second, which only pages need

    reader = _Reader(url)
    for token in tokenize(html):
        kind, tag = token.type, token.tag
        if kind == TokenType.TEXT:
            reader.add(token.data or "")
        elif kind == TokenType.START_TAG and tag is not None:
            reader.start(tag, token.attr("href") if tag == "a" else None)
            if token.self_closing and tag not in _RAW:
                reader.end(tag)
        elif kind == TokenType.END_TAG and tag is not None:
            reader.end(tag)
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
        is_known = codecs.lookup(charset).name not in _NO_CHARSETS
        return body.decode(charset if is_known else "utf-8", errors="replace")
    except LookupError:
        return body.decode(errors="replace")


class _Reader:
    """Collects what a reader would see."""

    def __init__(self, url: str) -> None:
        self.parts: list[str] = []
        self.title: list[str] = []
        base = urldefrag(url).url.partition("?")[0]
        self._base = base if len(base) <= _MAX_BASE else ""
        self._silent: list[str] = []
        self._is_title = False
        self._link: tuple[str, int] | None = None

    def start(self, tag: str, target: str | None) -> None:
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
            is_link = target and not target.startswith(("#", "javascript:"))
            self._link = (target, len(self.parts)) if target and is_link else None

    def end(self, tag: str) -> None:
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
            self.parts[start:] = [f"[{text}]({_join(self._base, target)})"] if text else []
            self._link = None
        elif tag in _BREAKS:
            self.parts.append("\n\n" if tag in _HEADINGS or tag == "p" else "\n")

    def add(self, data: str) -> None:
        if self._is_title:
            self.title.append(data)
        elif not self._silent:
            self.parts.append(data)


def _join(base: str, target: str) -> str:
    try:
        return urljoin(base, target.strip())
    except ValueError:
        return target
