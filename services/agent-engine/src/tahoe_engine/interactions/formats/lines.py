"""Text by lines, so that what is put together again is what the source said."""


def split_lines(text: str) -> list[str]:
    r"""Splits at `\n`, and at `\r` only where there is no `\n`; a line of a Windows file keeps its `\r`.

    Other separators that `str.splitlines` knows, such as U+2028, are characters that somebody wrote.
    """
    return text.split("\n") if "\n" in text else text.split("\r")


def join_lines(lines: list[str]) -> str:
    """Joins the lines of one turn; the blank lines and the line end that separate it from the next are not said."""
    end = len(lines)
    while end > 1 and not lines[end - 1].strip():
        end -= 1
    return "\n".join(lines[:end]).removesuffix("\r")
