"""What a person types: with history and editing at a terminal, line by line from a pipe."""

import io
import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PROMPT, CONTINUED = "> ", "… "
MAX_HISTORY = 1000
FENCE = "```"
PASTE_SECONDS = 0.03
"""What is there so soon after a line was pasted with it."""


class LineInput:
    """Reads messages.

    Args:
        history: Where lines are kept for the next time, for their owner alone; None: nowhere.
        words: What Tab completes.
    """

    def __init__(self, history: Path | None, words: Sequence[str] = ()) -> None:
        self.is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self._history = history
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        if self.is_terminal:
            self._edit(words)

    def read(self) -> str:
        """Returns the next message, which may have several lines.

        A line that ends in a backslash goes on in the next, and so does a block that three backticks opened, and what
        was pasted at once.

        Raises:
            EOFError: There is none.
            KeyboardInterrupt: The person began anew.
        """
        lines = [self._read_line(PROMPT)]
        while is_unfinished(lines) or self._was_pasted(lines):
            try:
                lines.append(self._read_line(CONTINUED))
            except EOFError:
                break
        message = join_lines(lines)
        self._keep(message)
        return message

    def ask(self, question: str) -> str:
        """Returns one line that is kept in no history."""
        if not self.is_terminal:
            raise EOFError
        import readline  # noqa: PLC0415 - not every Python has it

        readline.set_auto_history(False)
        try:
            return input(question).strip()
        except (EOFError, KeyboardInterrupt):
            print()  # noqa: T201 - no Enter ended the line of the question
            raise
        finally:
            readline.set_auto_history(True)

    def read_all(self) -> str:
        """Returns everything up to the end, of a pipe; one message at a terminal."""
        return self.read() if sys.stdin.isatty() else sys.stdin.read()

    def _read_line(self, prompt: str) -> str:
        if self.is_terminal:
            return input(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.removesuffix("\n").removesuffix("\r")  # Python leaves both in standard input

    def _was_pasted(self, lines: Sequence[str]) -> bool:
        if not self.is_terminal or lines[0].startswith("/"):
            return False
        return bool(select.select([sys.stdin.fileno()], [], [], PASTE_SECONDS)[0])

    def _edit(self, words: Sequence[str]) -> None:
        import readline  # noqa: PLC0415 - not every Python has it, and a pipe needs none

        readline.set_history_length(MAX_HISTORY)
        readline.set_completer_delims(" \t\n")
        readline.set_completer(lambda text, place: _complete(words, text, place))
        readline.parse_and_bind("bind ^I rl_complete" if readline.backend == "editline" else "tab: complete")
        if self._history is not None:
            with suppress(OSError):  # a line that cannot be remembered is no reason not to talk
                self._history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(self._history, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                self._history.chmod(0o600)
                readline.read_history_file(self._history)
                if readline.get_current_history_length() >= MAX_HISTORY:
                    readline.write_history_file(self._history)

    def _keep(self, message: str) -> None:
        """Keeps each message at once: nobody knows how the process will end."""
        if not self.is_terminal or self._history is None or not message.strip():
            return
        import readline  # noqa: PLC0415 - as above

        with suppress(OSError):
            readline.append_history_file(1 + message.count("\n"), self._history)


def is_unfinished(lines: Sequence[str]) -> bool:
    """Says whether a message goes on in the next line."""
    if lines[0].startswith("/"):
        return False
    text = "\n".join(lines).split("\n")
    fences = sum(line.lstrip().startswith(FENCE) for line in text)
    return fences % 2 == 1 or _is_continued(lines[-1])


def join_lines(lines: Sequence[str]) -> str:
    """Joins the lines of a message; backslashes that only said that it goes on are left out."""
    *before, last = lines
    return "\n".join([*(line[:-1] if _is_continued(line) else line for line in before), last])


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _complete(words: Sequence[str], text: str, place: int) -> str | None:
    fitting = [word for word in words if text and word.startswith(text)]
    return fitting[place] if place < len(fitting) else None
