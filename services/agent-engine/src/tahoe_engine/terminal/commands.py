"""What can be asked of the screen itself, each by a word that begins with a slash."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from tahoe_core.near_names import did_you_mean
from tahoe_engine.terminal.background import Background
from tahoe_engine.terminal.chat_port import ModelAnswered, TerminalChat
from tahoe_engine.terminal.saving import save
from tahoe_engine.terminal.screen import Screen, show_dollars

_DESCRIBED = 90


class QuitError(Exception):
    """The person has had enough."""


@dataclass
class Tally:
    """What a conversation has taken since the screen showed its first prompt."""

    answers: list[ModelAnswered] = field(default_factory=list)

    @property
    def cost_usd(self) -> Decimal:
        """Of the calls whose price is known."""
        return sum((one.cost_usd for one in self.answers if one.cost_usd is not None), Decimal(0))

    @property
    def unpriced(self) -> int:
        """How many calls have no known price."""
        return sum(one.cost_usd is None for one in self.answers)


@dataclass(frozen=True)
class Desk:
    """What a command works with."""

    chat: TerminalChat
    background: Background
    screen: Screen
    tally: Tally
    loaded: set[str]


type Work = Callable[[Desk, str], None]


def run_command(line: str, desk: Desk) -> None:
    """Does what a line that begins with a slash asks for.

    Raises:
        QuitError: It asks to quit.
        TahoeError: It cannot be done.
    """
    name, _, rest = line.strip().partition(" ")
    if name not in COMMANDS:
        desk.screen.say(f"There is no command {name}.{did_you_mean(name, COMMANDS)} /help lists them.")
        return
    _described, work = COMMANDS[name]
    work(desk, rest.strip())


def _show_skills(desk: Desk, _rest: str) -> None:
    skills = desk.background.call(desk.chat.list_skills())
    if not skills.skills:
        desk.screen.say("The agent has no skills.")
    for skill in skills.skills:
        mark = "◆" if skill.name in desk.loaded else " "
        desk.screen.say(f"{mark} {skill.name:<24} {_cut(skill.description)}")
    for problem in skills.missing:
        desk.screen.fail(problem)
    if desk.loaded:
        desk.screen.note("◆ was loaded in this conversation.")


def _show_memory(desk: Desk, query: str) -> None:
    found = desk.background.call(desk.chat.find_memories(query))
    if found is None:
        desk.screen.say("Nothing is remembered: there is no database. Set DATABASE_URL, or use `tahoe chat`.")
        return
    if not found:
        desk.screen.say("Nothing was found." if query else "The agent remembers nothing yet.")
    for record in found:
        moment = record.occurred_at or record.created_at
        desk.screen.say(f"{moment.astimezone():%Y-%m-%d}  {record.memory_type:<14} {_cut(record.content)}")
    if found:
        desk.screen.note("`tahoe memory` shows all of it, and changes it.")


def _show_model(desk: Desk, name: str) -> None:
    from tahoe_engine.runtime.model_catalog import list_models  # noqa: PLC0415 - httpx comes with the first answer
    from tahoe_engine.runtime.model_endpoint import ChosenModel  # noqa: PLC0415 - as above
    from tahoe_engine.runtime.model_errors import ModelError  # noqa: PLC0415 - as above

    first, *others = desk.background.call(desk.chat.list_models())
    choice = desk.chat.dna.model.choices[0]
    is_fixed = choice.provider is not None or choice.model is not None
    if name and is_fixed:
        desk.screen.say(f"{desk.chat.dna.name} names its model itself: {first}. Change the agent to change that.")
        return
    if name:
        desk.background.call(desk.chat.use_model(ChosenModel(first.endpoint, name)))
        desk.screen.say(f"From now on: {ChosenModel(first.endpoint, name)}.")
        return
    desk.screen.say(f"{first}, at {first.endpoint.base_url or 'its own address'}")
    for other in others:
        desk.screen.say(f"if it does not answer: {other}")
    try:
        offered = desk.background.call(list_models(first.endpoint))
    except ModelError as error:
        desk.screen.note(str(error))
        return
    desk.screen.note(f"It offers: {_cut(', '.join(offered), 600)}")
    if not is_fixed:
        desk.screen.note("/model NAME changes to another.")


def _show_cost(desk: Desk, _rest: str) -> None:
    tally = desk.tally
    usages = [answer.usage for answer in tally.answers if answer.usage is not None]
    given, cached, written = (
        sum(one.input_tokens for one in usages),
        sum(one.cached_tokens for one in usages),
        sum(one.output_tokens for one in usages),
    )
    desk.screen.say(
        f"{len(tally.answers)} model calls, {given:,} tokens in ({cached:,} of them cached), {written:,} out"
    )
    if tally.unpriced < len(tally.answers) or not tally.answers:
        desk.screen.say(f"{show_dollars(tally.cost_usd)} by the public prices")
    if tally.unpriced:
        desk.screen.say(f"{tally.unpriced} calls of models whose price is not known")


def _save(desk: Desk, name: str) -> None:
    messages = desk.background.call(desk.chat.list_messages())
    if not messages:
        desk.screen.say("Nothing was said yet.")
        return
    path = save(messages, name, desk.chat.dna.slug, datetime.now().astimezone())
    desk.screen.say(f"Saved to {path}")


def _help(desk: Desk, _rest: str) -> None:
    for name, (described, _work) in COMMANDS.items():
        desk.screen.say(f"  {name:<10} {described}")
    desk.screen.note("A line that ends in \\ goes on in the next, and so does a block that ``` opens.")
    desk.screen.note("Ctrl-C stops an answer and keeps the conversation. Ctrl-D quits.")


def _quit(_desk: Desk, _rest: str) -> NoReturn:
    raise QuitError


def _cut(text: str, length: int = _DESCRIBED) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


COMMANDS: Mapping[str, tuple[str, Work]] = {
    "/skills": ("what the agent knows how to do", _show_skills),
    "/memory": ("what it remembers; /memory WORDS: of something", _show_memory),
    "/model": ("which model answers; /model NAME: another one", _show_model),
    "/cost": ("what this conversation took so far", _show_cost),
    "/save": ("write it to a file; /save FILE.md or FILE.json", _save),
    "/help": ("this list", _help),
    "/quit": ("end; so does Ctrl-D", _quit),
}
