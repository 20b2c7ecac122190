import sys

from pydantic_core import to_json

from tahoe_core.errors import ReadError
from tahoe_engine.analysis.batches import Analyzed
from tahoe_engine.interactions.reading import ReadFailure


class JsonSink:
    """Prints one document, `{"analyses": […], "errors": […]}`, as the analyses come; in UTF-8 whatever the locale."""

    def __init__(self) -> None:
        self._count = 0
        sys.stdout.buffer.write(b'{"analyses": [')

    def add(self, analyzed: Analyzed) -> None:
        """Prints an analysis, with its place in the source."""
        document = analyzed.analysis.model_dump(mode="json")
        document["source"] = {
            "file": analyzed.read.source.path,
            "line": analyzed.read.source.line,
            "position": analyzed.read.source.position or None,
            "external_id": analyzed.read.interaction.external_id,
            "notes": analyzed.read.notes,
        }
        sys.stdout.buffer.write((b"\n" if self._count == 0 else b",\n") + to_json(document))
        self._count += 1

    def close(self, failures: list[ReadFailure]) -> None:
        """Prints the errors and ends the document."""
        errors = [describe(failure) for failure in failures]
        sys.stdout.buffer.write(b'\n], "errors": ' + to_json(errors) + b"}\n")
        sys.stdout.buffer.flush()


def describe(failure: ReadFailure) -> dict[str, object]:
    """Returns a failure as the JSON document has it; no file: it is none of one file."""
    error = failure.error
    return {
        "file": failure.source.path or None,
        "line": error.line if isinstance(error, ReadError) else failure.source.line,
        "position": failure.source.position or None,
        "message": failure.message,
        "cure": failure.cure,
    }
