"""Progress of long work: on a terminal, and none in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[str], None]
"""Called with the file of every interaction that was read."""


@contextmanager
def progress_bar(files: int) -> Iterator[Advance]:
    """Shows how many files and interactions are done, on standard error."""
    if not sys.stderr.isatty() or files == 0:
        yield lambda _path: None
        return
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("Scoring"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files, {task.fields[interactions]} interactions"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("score", total=files, interactions=0)
        seen: set[str] = set()
        count = 0

        def advance(path: str) -> None:
            nonlocal count
            count += 1
            seen.add(path)
            bar.update(task, completed=len(seen) - 1, interactions=count)

        yield advance
        bar.update(task, completed=files)
