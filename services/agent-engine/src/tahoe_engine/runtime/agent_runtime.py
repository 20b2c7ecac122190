"""How the rest of the engine makes an agent answer."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from typing import Any, Protocol

from tahoe_core.prices import TokenUsage, find_cost
from tahoe_engine.models.conversation_models import MessageCreate
from tahoe_engine.runtime.agent_blueprint import AgentBlueprint
from tahoe_engine.runtime.chat_client import ChatClient, Patience
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint, WireFormat
from tahoe_engine.runtime.run_events import NOTHING_SPENT, RunEvent, RunUsage
from tahoe_engine.runtime.tool_port import Decision, Tool


@dataclass(frozen=True)
class RunRequest:
    """One answer to give.

    Attributes:
        agent: Who answers.
        models: Asked in order, until one answers.
        history: The conversation so far, as it is kept. What is not valid in it, such as a call without a result, is
            made so.
        message: What the user says now; None: the conversation goes on from its end, after `decisions` or after a
            run that broke off.
        decisions: About calls at the end of the history that stand without a result.
        context: What the agent is given beside its instructions: what it remembers, its skills.
        tools: What it can do.
        answer_schema: JSON schema that the answer has to follow; empty: it is any JSON object; None: it is text.
        spent: What the earlier parts of the same answer took, before it waited for decisions: limits are those of all
            of it.
        must_call: Tools of which the model has to call one first; empty: any; None: it need not.
        hear_rest: Told the events that are left where the run is stopped, as a closed generator yields none: what
            nobody heard, the model call that was cut with what it took, and `AnswerFailed` with a `RunCancelledError`.
    """

    agent: AgentBlueprint
    models: Sequence[ChosenModel]
    history: Sequence[MessageCreate] = ()
    message: str | None = None
    decisions: Sequence[Decision] = ()
    context: str = ""
    tools: Sequence[Tool] = ()
    answer_schema: Mapping[str, Any] | None = None
    must_call: Sequence[str] | None = None
    spent: RunUsage = NOTHING_SPENT
    hear_rest: Callable[[RunEvent], None] | None = None


class AgentRuntime(Protocol):
    """Makes agents answer."""

    def run(self, request: RunRequest) -> AsyncGenerator[RunEvent]:
        """Answers, and tells how it goes; the last event says how it ended.

        Closing the generator stops the model and the tools at once. What goes wrong with a model or a limit is no
        exception but the event `AnswerFailed`.
        """
        ...

    async def warm_up(self) -> None:
        """Loads what a run needs beside the event loop, where that takes a second; loaded once, it is a moment's."""
        ...

    async def aclose(self) -> None:
        """Closes the connections to the models."""
        ...


class Pricing(Protocol):
    """Says what a call costs."""

    def __call__(self, chosen: ChosenModel, usage: TokenUsage) -> Decimal | None:
        """Returns US dollars; None: nobody knows."""
        ...


def price_call(chosen: ChosenModel, usage: TokenUsage) -> Decimal | None:
    """Returns what a call costs by the public prices, in US dollars; None: nobody knows."""
    endpoint = chosen.endpoint
    # The names by which providers are priced are not all those by which they are reached.
    provider = {WireFormat.GEMINI: "google", WireFormat.ANTHROPIC: "anthropic"}.get(endpoint.speaks, endpoint.name)
    return find_cost(chosen.model, usage, provider=provider.lower(), base_url=endpoint.base_url)


@dataclass
class AdkRuntime:
    """The runtime on Google ADK, which is imported with the first run. For one event loop.

    Attributes:
        patience: How long to wait for a model.
        pricing: What calls cost.
    """

    patience: Patience = field(default_factory=Patience)
    pricing: Pricing = price_call
    _clients: dict[ModelEndpoint, ChatClient] = field(default_factory=dict, init=False, repr=False)
    _models: dict[ChosenModel, Any] = field(default_factory=dict, init=False, repr=False)
    _warming: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)
    _is_warm: bool = field(default=False, init=False, repr=False)

    def run(self, request: RunRequest) -> AsyncGenerator[RunEvent]:
        """Answers; see `AgentRuntime`."""
        # ADK takes half a second and 70 MB to import.
        from tahoe_engine.runtime.adk_run import AdkRun  # noqa: PLC0415

        return AdkRun(request, self._open, self.pricing).events()

    async def warm_up(self) -> None:
        """Imports ADK; see `AgentRuntime`."""
        async with self._warming:
            if not self._is_warm:
                await asyncio.to_thread(lambda: import_module("tahoe_engine.runtime.warm_up").warm_up())
                self._is_warm = True

    async def aclose(self) -> None:
        """Closes the connections to the models."""
        clients = list(self._clients.values())
        self._clients.clear()
        self._models.clear()
        for client in clients:
            await client.aclose()

    def _open(self, chosen: ChosenModel) -> Any:  # noqa: ANN401 - a class of ADK's, which is not imported here
        """Returns ADK's model of a chosen one; all runs share it, and with it its connections."""
        if chosen not in self._models:
            from tahoe_engine.runtime.adk_run import open_model  # noqa: PLC0415 - as above

            self._models[chosen] = open_model(self._connect, chosen)
        return self._models[chosen]

    def _connect(self, endpoint: ModelEndpoint) -> ChatClient:
        if endpoint not in self._clients:
            self._clients[endpoint] = ChatClient(endpoint, self.patience)
        return self._clients[endpoint]
