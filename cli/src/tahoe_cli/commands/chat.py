from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from tahoe_engine.settings import EngineSettings, load_settings
from tahoe_engine.terminal.account import find_actor
from tahoe_engine.terminal.default_agent_name import SLUG
from tahoe_engine.terminal.opening import open_kept
from tahoe_engine.terminal.talking import Talk, talk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tahoe_engine.composition import Services

EPILOG = """\b
Examples:
  tahoe chat
  tahoe chat concierge
  echo "What time is it in Tokyo?" | tahoe chat --once

LLM_MODEL, LLM_BASE_URL and LLM_API_KEY say which model answers; without them
one of this machine is looked for. /help lists what can be asked of the screen.
Exit 2: there is no model.
"""


@click.command("chat", epilog=EPILOG)
@click.argument("agent", required=False)
@click.option("--once", is_flag=True, help="Answer one question from standard input, and end.")
def command(*, agent: str | None, once: bool) -> int:
    """Talk with AGENT; what is said is kept, and remembered.

    AGENT is the slug of who answers; left out, it is a helpful agent of the team, which is made the first time.
    """
    settings = load_settings()
    open_chat = partial(open_kept, settings, _open_services, agent, find_actor())
    return talk(Talk(settings, open_chat, agent or SLUG, is_kept=True, is_once=once))


@asynccontextmanager
async def _open_services(settings: EngineSettings) -> "AsyncIterator[Services]":
    from tahoe_cli.opening import open_services  # noqa: PLC0415 - it takes a second, and the prompt comes first

    async with open_services(settings) as opened:
        yield opened.services
