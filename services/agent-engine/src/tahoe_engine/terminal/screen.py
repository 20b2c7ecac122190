"""What is shown of a conversation.

Whatever models, tools and people wrote is made visible: nothing of it can command the terminal.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import TextIO

from tahoe_engine.models.conversation_models import MessageToolCall
from tahoe_engine.reporting.visible_text import visible
from tahoe_engine.terminal.chat_port import ModelAnswered, ToolAnswered

_DIM, _RED, _BOLD, _PLAIN = "\x1b[2m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
_ERASE = "\r\x1b[K"
_SHORT = 100


class Screen:
    """Writes answers to one stream, and all that is said about them to the same, or to another.

    Args:
        answers: None: standard output.
        notes: None: standard output where that is a terminal, else standard error.
    """

    def __init__(self, answers: TextIO | None = None, notes: TextIO | None = None) -> None:
        self._answers = answers or sys.stdout
        self.is_terminal = self._answers.isatty()
        self._notes = notes or (self._answers if self.is_terminal else sys.stderr)
        self._has_colours = self._notes.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._is_amid_line = False
        self._has_hint = False

    def stream(self, text: str) -> None:
        """Writes a piece of an answer."""
        self._erase_hint()
        self._answers.write(visible(text))
        self._answers.flush()
        self._is_amid_line = not text.endswith("\n")

    def end_answer(self) -> None:
        """Ends the line on which an answer ended."""
        self._erase_hint()
        if self._is_amid_line:
            self._answers.write("\n")
            self._answers.flush()
        self._is_amid_line = False

    def hint(self, text: str) -> None:
        """Shows something until anything else is shown, on a terminal alone."""
        if self._has_colours and not self._is_amid_line:
            self._erase_hint()
            self._notes.write(f"{_DIM}{text}{_PLAIN}")
            self._notes.flush()
            self._has_hint = True

    def say(self, text: str = "") -> None:
        """Shows a text on lines of its own."""
        self._note(text, "")

    def note(self, text: str) -> None:
        """Shows something of less weight."""
        self._note(text, _DIM)

    def title(self, text: str) -> None:
        """Shows something of more weight."""
        self._note(text, _BOLD)

    def fail(self, text: str) -> None:
        """Shows what went wrong."""
        self._note(text, _RED)

    def show_calls(self, calls: Iterable[MessageToolCall]) -> None:
        """Shows which tools a model asks for."""
        for call in calls:
            arguments = call.arguments or {}
            if call.name == "load_skill" and isinstance(arguments.get("skill"), str):
                self.note(f"  ◆ skill {arguments['skill']}")
            else:
                said = "  ".join(f"{name}={_cut(_write(value))}" for name, value in arguments.items())
                self.note(f"  → {call.name}  {said}".rstrip())

    def show_result(self, result: ToolAnswered) -> None:
        """Shows how a tool did."""
        took = "" if result.duration_ms is None else f", {_take(result.duration_ms)}"
        if result.is_error:
            self._note(f"    ✗ {result.name}{took}: {_first_line(result.content)}", _RED)
        elif result.name == "load_skill":
            self.note(f"    ✓ loaded{took}")
        else:
            self.note(f"    ✓ {result.name}{took}: {_first_line(result.content)}")

    def show_usage(self, answers: Iterable[ModelAnswered], seconds: float) -> None:
        """Shows below an answer what it took."""
        usages = [answer.usage for answer in answers if answer.usage is not None]
        if usages:
            given, written = (sum(one.input_tokens for one in usages), sum(one.output_tokens for one in usages))
            model = usages[-1].model
            self.note(f"  {model} · {given:,} tokens in, {written:,} out · {_take(1000 * seconds)}")

    def show_request(self, call: MessageToolCall) -> None:
        """Shows all of a call that a person is to decide about."""
        self.title(f"  {call.name}")
        for name, value in (call.arguments or {}).items():
            text = visible(_write(value))
            self.say("\n".join(f"    {line}" for line in f"{name}: {text}".split("\n")))

    def _note(self, text: str, style: str) -> None:
        self.end_answer()
        shown = visible(text)
        self._notes.write(f"{style}{shown}{_PLAIN}\n" if style and self._has_colours else f"{shown}\n")
        self._notes.flush()

    def _erase_hint(self) -> None:
        if self._has_hint:
            self._notes.write(_ERASE)
            self._notes.flush()
            self._has_hint = False


def show_dollars(cost: Decimal) -> str:
    """Formats `$0.0123`; a small sum is never shown as none."""
    return f"${cost:,.4f}" if cost == 0 or cost >= Decimal("0.0001") else f"${cost.normalize():f}"


def _write(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 1]}…"


def _first_line(text: str) -> str:
    width = max(20, min(_SHORT, shutil.get_terminal_size().columns - 40))
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _take(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"  # noqa: PLR2004 - a second
