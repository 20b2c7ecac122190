"""From the first prompt to the last: a conversation at a terminal, or through a pipe."""

import logging
import signal
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tahoe_core.errors import TahoeError
from tahoe_engine.settings import EngineSettings
from tahoe_engine.terminal.answer_view import AnswerView
from tahoe_engine.terminal.background import Background
from tahoe_engine.terminal.chat_port import TerminalChat
from tahoe_engine.terminal.commands import COMMANDS, Desk, QuitError, Tally, run_command
from tahoe_engine.terminal.line_input import LineInput
from tahoe_engine.terminal.model_choice import HOW_TO_CONFIGURE, NoModelConfiguredError, find_servers, offer
from tahoe_engine.terminal.screen import Screen

HISTORY_FILE = "chat_history"
EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

type OpenChat = Callable[[], AbstractAsyncContextManager[TerminalChat]]
"""Opens the conversation, in the background; what it needs is imported there."""


@dataclass(frozen=True)
class Talk:
    """What is to be done.

    Attributes:
        open_chat: Opens the conversation.
        agent: Who answers, as the person named it.
        is_kept: Whether it is written down.
        is_once: One question, one answer.
    """

    settings: EngineSettings
    open_chat: OpenChat
    agent: str
    is_kept: bool
    is_once: bool = False


def talk(what: Talk) -> int:
    """Talks until the person quits; returns the exit status.

    Raises:
        TahoeError: The conversation cannot be opened.
    """
    logging.getLogger().addHandler(logging.NullHandler())  # until logs are configured, Python would print some
    screen = Screen()
    lines = LineInput(_find_history(what), list(COMMANDS))
    with Background() as background, _Opening(background, what.open_chat) as opening:
        talking = _Talking(what, screen, lines, background, opening)
        try:
            return talking.run()
        except NoModelConfiguredError as error:
            screen.fail(str(error))
            screen.say(HOW_TO_CONFIGURE)
            return EXIT_USAGE


class _Opening:
    """The conversation as it is opened behind the first prompt."""

    def __init__(self, background: Background, open_chat: OpenChat) -> None:
        self._background = background
        self._open_chat = open_chat
        self._stack = AsyncExitStack()
        self._future: Future[TerminalChat] | None = None
        self.tells_at_once = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tells_at_once = False
        if self._future is not None:
            with suppress(CancelledError, Exception):  # it was told already
                self._future.result()
            self._background.call(self._stack.aclose())

    def begin(self, *, checks_model: bool) -> None:
        self._future = self._background.start(self._open(checks_model=checks_model))
        self._future.add_done_callback(self._tell)

    @property
    def error(self) -> BaseException | None:
        return self._future.exception() if self._future is not None and self._future.done() else None

    @property
    def is_done(self) -> bool:
        return self._future is not None and self._future.done()

    def wait(self) -> TerminalChat:
        assert self._future is not None  # noqa: S101 - it was begun
        return self._future.result()

    async def _open(self, *, checks_model: bool) -> TerminalChat:
        chat = await self._stack.enter_async_context(self._open_chat())
        if checks_model:
            await _check_model(chat)
            _begin_to_warm_up()
        return chat

    def _tell(self, future: Future[TerminalChat]) -> None:
        """Ends a prompt at which nothing can come of what is typed."""
        if self.tells_at_once and not future.cancelled() and future.exception() is not None:
            main = threading.main_thread().ident
            if main is not None:
                signal.pthread_kill(main, signal.SIGINT)


class _Talking:
    def __init__(self, what: Talk, screen: Screen, lines: LineInput, background: Background, opening: _Opening) -> None:
        self._what = what
        self._screen = screen
        self._lines = lines
        self._background = background
        self._opening = opening
        self._tally = Tally()
        self._loaded: set[str] = set()

    def run(self) -> int:
        has_model = self._what.settings.llm_model is not None
        is_prompting = self._lines.is_terminal and not self._what.is_once
        self._opening.tells_at_once = is_prompting and has_model
        if is_prompting:
            self._greet()
        elif not self._what.is_kept:
            self._screen.note("Nothing of this is kept: DATABASE_URL is not set.")
        self._opening.begin(checks_model=has_model)
        if not has_model:
            self._screen.hint("Looking for a model…")
            self._find_model(self._opening.wait())
            _begin_to_warm_up()
        if self._what.is_once:
            return self._answer_once()
        return self._prompt()

    def _greet(self) -> None:
        self._screen.title(f"Tahoe · {self._what.agent}")
        if not self._what.is_kept:
            self._screen.say("Nothing of this is kept: DATABASE_URL is not set. `tahoe chat` remembers.")
        self._screen.note("/help lists the commands. Ctrl-C stops an answer, Ctrl-D quits.")

    def _answer_once(self) -> int:
        question = self._lines.read_all().strip()
        if not question:
            self._screen.fail("Nothing was asked: the question is read from standard input.")
            return EXIT_USAGE
        return EXIT_DONE if self._view().ask(question) else EXIT_FAILED

    def _prompt(self) -> int:
        status = EXIT_DONE
        while True:
            try:
                message = self._lines.read().strip()
            except EOFError:
                if self._lines.is_terminal:
                    self._screen.say()
                return status if not self._lines.is_terminal else EXIT_DONE
            except KeyboardInterrupt:
                self._screen.say()
                if self._opening.error is not None:
                    raise self._opening.error from None
                continue
            if not message:
                continue
            try:
                is_whole = self._handle(message)
            except QuitError:
                return EXIT_DONE
            status = status if is_whole else EXIT_FAILED

    def _handle(self, message: str) -> bool:
        """Does what a message asks for; returns whether it could be done."""
        self._opening.tells_at_once = False  # whatever goes wrong with it is told from here on by waiting for it
        try:
            if not self._opening.is_done:
                self._screen.hint("Getting ready…")
            self._opening.wait()
        except KeyboardInterrupt:
            if self._opening.error is not None:
                raise self._opening.error from None
            self._screen.note("Not asked.")
            return False
        if not message.startswith("/") or not self._lines.is_terminal:  # what is piped in is asked as it is
            return self._view().ask(message)
        try:
            run_command(message, self._desk())
        except TahoeError as error:
            self._screen.fail(str(error))
            return False
        except KeyboardInterrupt:
            self._screen.note("Stopped.")
            return False
        return True

    def _find_model(self, chat: TerminalChat) -> None:
        """Lets the person choose a model where none is configured.

        Raises:
            NoModelConfiguredError: Nobody does.
        """
        try:
            self._background.call(_check_model(chat))
        except NoModelConfiguredError:
            if all(choice.provider is not None for choice in chat.dna.model.choices):
                raise
            servers = self._background.call(find_servers(self._what.settings))
            chosen = offer(servers, self._screen, self._lines)
            if chosen is None:
                raise
            self._background.call(chat.use_model(chosen))

    def _view(self) -> AnswerView:
        return AnswerView(self._desk(), self._lines)

    def _desk(self) -> Desk:
        return Desk(self._opening.wait(), self._background, self._screen, self._tally, self._loaded)


async def _check_model(chat: TerminalChat) -> None:
    from tahoe_engine.runtime.model_errors import ModelError  # noqa: PLC0415 - the conversation has imported it

    try:
        await chat.list_models()
    except ModelError as error:
        raise NoModelConfiguredError(str(error)) from error


def _begin_to_warm_up() -> None:
    """Imports ADK while the person types, which takes a second or two; not before it is sure that it will be needed.

    The thread is no daemon: Python cannot end one that is amid the import of a library in C++ without crashing.
    """
    threading.Thread(target=_warm_up, name="warm-up").start()


def _warm_up() -> None:
    from tahoe_engine.runtime.warm_up import warm_up  # noqa: PLC0415 - this is where it is to be imported

    with suppress(Exception):  # the first answer will say it
        warm_up()


def _find_history(what: Talk) -> Path | None:
    """Where nothing is kept, no line is either."""
    return what.settings.home / HISTORY_FILE if what.is_kept else None
