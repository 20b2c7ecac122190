import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tahoe_core.errors import UnavailableError
from tahoe_engine.analysis.batches import Analyzed
from tahoe_engine.interactions.reading import ReadFailure
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.reporting.build import build_view
from tahoe_engine.reporting.html import render_index, render_report
from tahoe_engine.reporting.redaction import Masker
from tahoe_engine.reporting.summary import ReportSummary, summarize
from tahoe_engine.reporting.view import ReportView


class HtmlSink:
    """Writes the report of one analysis to the file; of several, an index there and the reports in a folder beside.

    Raises:
        UnavailableError: Nothing can be written there; said before anything is scored.
    """

    def __init__(self, path: Path, scorecard: BoundScorecard, masker: Masker | None) -> None:
        _try_out(path)
        self._path = path
        self._folder = path.with_name(f"{path.stem}-reports")
        self._scorecard = scorecard
        self._masker = masker
        self._first: tuple[ReportView, str] | None = None
        self._summaries: list[ReportSummary] = []

    def add(self, analyzed: Analyzed) -> None:
        """Draws a report; the first waits until it is known whether there are others."""
        view = build_view(analyzed.analysis, analyzed.read.interaction, self._scorecard, self._masker)
        name = f"{len(self._summaries) + 1:04d}-{slug(view.title)}.html"
        self._summaries.append(summarize(view, f"{self._folder.name}/{name}"))
        if self._first is None:
            self._first = (view, name)
            return
        if len(self._summaries) == 2:  # noqa: PLR2004 - the second one
            self._write_report(*self._first)
        self._write_report(view, name)

    def close(self, failures: list[ReadFailure]) -> str | None:  # noqa: ARG002 - the screen tells them
        """Writes the file and returns where it is."""
        if self._first is None:
            return None
        alone = len(self._summaries) == 1
        write_page(self._path, render_report(self._first[0]) if alone else render_index(self._summaries))
        return f"{'Report' if alone else f'Index of {len(self._summaries)} reports'}: {self._path}"

    def _write_report(self, view: ReportView, name: str) -> None:
        write_page(self._folder / name, render_report(view))


def write_page(path: Path, page: str) -> None:
    """Writes a page as a whole or not at all, and leaves one that says the same untouched.

    Raises:
        UnavailableError: It cannot be written there.
    """
    with _explained(path):
        if path.is_file() and path.read_bytes() == page.encode():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = _partial(path)
        partial.write_text(page, encoding="utf-8")
        partial.replace(path)


def _try_out(path: Path) -> None:
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _partial(path).touch()
        _partial(path).unlink()


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            f"The report cannot be written to {path}: {error.strerror}.", cure="Name another file with --html."
        ) from error


def slug(title: str) -> str:
    """Returns a file name made of a title."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "interaction"
