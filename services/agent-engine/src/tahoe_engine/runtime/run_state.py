"""One run as it stands: what it has used of what it may, and what it waits for."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal

from tahoe_core.errors import TahoeError
from tahoe_core.prices import TokenUsage
from tahoe_engine.models.agent_models import Boundaries
from tahoe_engine.models.conversation_models import MessageToolCall
from tahoe_engine.runtime.agent_runtime import Pricing
from tahoe_engine.runtime.model_endpoint import ChosenModel
from tahoe_engine.runtime.model_errors import RunLimitError, UnknownPriceError
from tahoe_engine.runtime.run_events import NOTHING_SPENT, ModelCallFailed, ModelCallFinished, RunEvent, RunUsage

_WAITING = 64  # events; more than that, and the model is read no faster than the listener listens
_PRICED_TOKENS = 1_000_000
_CURE = "Raise the agent's boundaries, or ask for less."


class RunState:
    """Counts, and carries events from the model and the tools to whoever listens.

    Args:
        boundaries: How far the run may go.
        pricing: What calls cost.
        spent: What the same answer took before, which its limits count.

    Attributes:
        events: What happened and was not heard yet.
        waiting: Calls that somebody else has to decide about, or to do.
        callers: Ids of those of them that are the caller's to do.
        failure: Why the run can go no further.
        last: The last answer of a model.
        tell_cut: While a model is asked: makes the event that says that it came to nothing.
    """

    events: asyncio.Queue[RunEvent]
    waiting: list[MessageToolCall]
    callers: set[str]
    failure: TahoeError | None
    last: ModelCallFinished | None
    tell_cut: Callable[[TahoeError], ModelCallFailed] | None

    def __init__(self, boundaries: Boundaries, pricing: Pricing, spent: RunUsage = NOTHING_SPENT) -> None:
        self.events = asyncio.Queue(_WAITING)
        self.waiting = []
        self.callers = set()
        self.failure = None
        self.last = None
        self.tell_cut = None
        self._boundaries = boundaries
        self._pricing = pricing
        self._spent = spent
        self._began = time.monotonic()
        self._model_calls = self._tool_calls = 0
        self._input_tokens = self._cached_tokens = self._output_tokens = 0
        self._cost_usd: Decimal | None = Decimal(0)

    @property
    def is_over(self) -> bool:
        """Whether no model is to be asked any more."""
        return self.failure is not None or bool(self.waiting)

    @property
    def usage(self) -> RunUsage:
        """What it has taken so far."""
        return RunUsage(
            model_calls=self._model_calls,
            tool_calls=self._tool_calls,
            input_tokens=self._input_tokens,
            cached_tokens=self._cached_tokens,
            output_tokens=self._output_tokens,
            seconds=time.monotonic() - self._began,
            cost_usd=self._cost_usd,
        )

    async def tell(self, event: RunEvent) -> None:
        """Passes an event on, and counts what it tells of; waits while nobody listens."""
        self.count(event)
        await self.events.put(event)

    def take_unheard(self) -> list[RunEvent]:
        """Returns what was told and not heard, for whoever hears no more."""
        return [self.events.get_nowait() for _ in range(self.events.qsize())]

    def count(self, event: RunEvent) -> None:
        """Counts what an event tells of."""
        if isinstance(event, ModelCallFinished):
            self.last = event
        if isinstance(event, ModelCallFinished | ModelCallFailed):
            self.tell_cut = None
        if isinstance(event, ModelCallFinished | ModelCallFailed) and event.usage is not None:
            self._input_tokens += event.usage.input_tokens
            self._cached_tokens += event.usage.cached_tokens
            self._output_tokens += event.usage.output_tokens
            if self._cost_usd is not None:
                self._cost_usd = self._cost_usd + event.cost_usd if event.cost_usd is not None else None

    def price(self, chosen: ChosenModel, usage: TokenUsage) -> Decimal | None:
        """Returns what a call costs, in US dollars; None: nobody knows."""
        return self._pricing(chosen, usage)

    def begin_model_call(self, chosen: ChosenModel, prompt_tokens: int, wanted_tokens: int) -> int:
        """Counts a model call, and returns the output tokens that it may have.

        Args:
            chosen: Who is asked.
            prompt_tokens: What the question takes, by its length: it is known only when it is paid for.
            wanted_tokens: The most that the agent would have of one answer.

        Raises:
            RunLimitError: The run has used up what it may, or the question would.
        """
        limits, spent = self._boundaries, self._spent
        if spent.model_calls + self._model_calls >= limits.max_turns:
            raise RunLimitError(f"The run asked a model {limits.max_turns} times, its max_turns.", cure=_CURE)
        used = spent.input_tokens + spent.output_tokens + self._input_tokens + self._output_tokens
        left = limits.max_tokens - used
        if left <= 0:
            raise RunLimitError(f"The run used up its max_tokens of {limits.max_tokens}.", cure=_CURE)
        if left <= prompt_tokens:
            raise RunLimitError(
                f"The question takes about {prompt_tokens} tokens, and the run has {left} of its max_tokens left.",
                cure=_CURE,
            )
        left -= prompt_tokens
        if limits.max_spend_usd is not None:
            left = min(left, self._affordable_tokens(chosen, prompt_tokens, limits.max_spend_usd))
        self._model_calls += 1
        return min(left, wanted_tokens)

    def begin_tool_call(self) -> bool:
        """Counts a call of a tool; returns whether it may run. One too many ends the run."""
        if self._spent.tool_calls + self._tool_calls >= self._boundaries.max_tool_calls:
            self.failure = self.failure or RunLimitError(
                f"The run called tools {self._boundaries.max_tool_calls} times, its max_tool_calls.", cure=_CURE
            )
            return False
        self._tool_calls += 1
        return True

    def out_of_time(self) -> RunLimitError:
        """Returns the error of a run that takes too long."""
        return RunLimitError(f"The run took its max_seconds of {self._boundaries.max_seconds}.", cure=_CURE)

    def _affordable_tokens(self, chosen: ChosenModel, prompt_tokens: int, max_spend_usd: Decimal) -> int:
        """Returns how many output tokens the money pays for that is left once the question is paid."""
        price = self._pricing(chosen, TokenUsage(input_tokens=0, cached_tokens=0, output_tokens=_PRICED_TOKENS))
        asking = self._pricing(chosen, TokenUsage(input_tokens=prompt_tokens, cached_tokens=0, output_tokens=0))
        if price is None or asking is None or self._cost_usd is None or self._spent.cost_usd is None:
            raise UnknownPriceError(
                f"Nobody knows what {chosen} costs, and the run may spend no more than {max_spend_usd} US dollars.",
                cure="Use a model with a known price, or take out the agent's max_spend_usd.",
            )
        left = max_spend_usd - self._spent.cost_usd - self._cost_usd
        if left <= 0:
            raise RunLimitError(f"The run used up its max_spend_usd of {max_spend_usd}.", cure=_CURE)
        tokens = int((left - asking) / price * _PRICED_TOKENS) if price else self._boundaries.max_tokens
        if left <= asking or tokens < 1:
            raise RunLimitError(
                f"The question costs about {asking:.2g} US dollars, and {left:.2g} are left of its max_spend_usd.",
                cure=_CURE,
            )
        return tokens
