"""One answer, from the question to its end, with what a person is asked on the way."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from tahoe_core.errors import TahoeError
from tahoe_engine.models.conversation_models import MessageToolCall
from tahoe_engine.terminal.chat_port import (
    AnswerEnded,
    ModelAnswered,
    ScreenEvent,
    TextCame,
    ToolAnswered,
    WaitsForPerson,
)
from tahoe_engine.terminal.commands import Desk
from tahoe_engine.terminal.line_input import LineInput

if TYPE_CHECKING:
    from tahoe_engine.runtime.tool_port import Decision
    from tahoe_engine.terminal.background import Stream

_WAITING = "…"
_YES, _NO = frozenset({"y", "yes"}), frozenset({"", "n", "no"})
MAX_QUESTION_CHARACTERS = 200_000
"""As over HTTP."""


class AnswerView:
    """Shows answers.

    Args:
        desk: The conversation and the screen.
        lines: Where a person is asked.
    """

    def __init__(self, desk: Desk, lines: LineInput) -> None:
        self._desk = desk
        self._lines = lines

    def ask(self, question: str) -> bool:
        """Asks the agent, and shows what it answers; Ctrl-C stops the answer. Returns whether it is whole."""
        if len(question) > MAX_QUESTION_CHARACTERS:
            self._fail(f"That is longer than {MAX_QUESTION_CHARACTERS:,} characters. Ask in parts.")
            return False
        began = time.monotonic()
        answered = len(self._desk.tally.answers)
        try:
            last = self._show(self._desk.chat.say(question))
            while isinstance(last, WaitsForPerson):
                decisions = self._ask_person(last)
                last = self._show(self._desk.chat.decide(decisions))
        except TahoeError as error:
            self._fail(str(error))
            return False
        except (KeyboardInterrupt, EOFError):  # EOFError: Ctrl-D at a question of ours
            self._desk.screen.note("Stopped. The conversation goes on.")
            return False
        if last.error is not None:
            self._fail(last.error)
        if self._desk.screen.is_terminal:
            self._desk.screen.show_usage(self._desk.tally.answers[answered:], time.monotonic() - began)
        return last.error is None

    def _show(self, events: AsyncGenerator[ScreenEvent]) -> WaitsForPerson | AnswerEnded:
        screen = self._desk.screen
        screen.hint(_WAITING)
        stream: Stream[ScreenEvent] | None = None
        try:
            stream = self._desk.background.stream(events)
            for event in stream:
                match event:
                    case TextCame(text):
                        screen.stream(text)
                    case ModelAnswered(calls):
                        screen.end_answer()
                        self._desk.tally.answers.append(event)
                        screen.show_calls(calls)
                        self._note_skills(calls)
                        screen.hint(_WAITING)
                    case ToolAnswered():
                        screen.show_result(event)
                        screen.hint(_WAITING)
                    case WaitsForPerson() | AnswerEnded():
                        screen.end_answer()
                        return event
        except KeyboardInterrupt:
            screen.end_answer()
            if stream is not None:
                stream.close()
                with suppress(TahoeError):
                    self._desk.background.call(self._desk.chat.stop())
            raise
        return AnswerEnded("The answer broke off.")

    def _note_skills(self, calls: Sequence[MessageToolCall]) -> None:
        loaded = (call.arguments.get("skill") for call in calls if call.name == "load_skill" and call.arguments)
        self._desk.loaded.update(skill for skill in loaded if isinstance(skill, str))

    def _ask_person(self, waiting: WaitsForPerson) -> "list[Decision]":
        ask = self._ask_what_came_of_it if waiting.person_acts else self._ask_whether
        return [self._ask_about(call, ask) for call in waiting.calls]

    def _ask_about(self, call: MessageToolCall, ask: "Callable[[MessageToolCall], Decision]") -> "Decision":
        from tahoe_engine.runtime.tool_port import Decision  # noqa: PLC0415 - it was imported for the first answer

        screen = self._desk.screen
        screen.end_answer()
        if not self._lines.is_terminal:
            screen.note(f"  {call.name} was declined: nobody is at a terminal to approve it.")
            return Decision(call.id, is_approved=False, note="Nobody is there to approve it.")
        screen.show_request(call)
        return ask(call)

    def _ask_whether(self, call: MessageToolCall) -> "Decision":
        from tahoe_engine.runtime.tool_port import Decision  # noqa: PLC0415 - as above

        answer = self._lines.ask("  Allow it? [y/N, or say why not] ")
        if answer.lower() in _YES:
            return Decision(call.id, is_approved=True)
        return Decision(call.id, is_approved=False, note="" if answer.lower() in _NO else answer)

    def _ask_what_came_of_it(self, call: MessageToolCall) -> "Decision":
        from tahoe_engine.runtime.tool_port import Decision  # noqa: PLC0415 - as above

        answer = self._lines.ask("  It suggests that you do this. What came of it? [empty: not done] ")
        return Decision(call.id, is_approved=bool(answer), note=answer)

    def _fail(self, text: str) -> None:
        self._desk.screen.fail(text)
