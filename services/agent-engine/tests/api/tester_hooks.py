"""What schemathesis 4.32.5 lacks, mended within its own process.

An answer may repeat a text that only begins like a URL: it reads every text of an answer as a possible link, and one
like `http://[` that it had made up itself then ends the whole run with a ValueError instead of being no link. And it
does not know how JSON lines are sent.
"""

import schemathesis
from schemathesis.engine import observations

_find_path = observations._same_origin_path


def _same_origin_path(value: str, origin: tuple[str, str]) -> str | None:
    try:
        return _find_path(value, origin)
    except ValueError:
        return None


observations._same_origin_path = _same_origin_path


@schemathesis.serializer("application/x-ndjson")
def send_lines(_context: object, value: object) -> bytes:
    """Sends lines as they are; where none can be made of what it made up, as much of a line as there is."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")
