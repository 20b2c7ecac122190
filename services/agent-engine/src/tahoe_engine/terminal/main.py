"""The command line of the engine alone: `python -m src.cli`, with DATABASE_URL or without any database."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from tahoe_core.early_interrupt import INTERRUPTED
from tahoe_core.errors import TahoeError
from tahoe_core.standard_streams import bear_any_streams, discard_output, explain_full
from tahoe_engine.settings import load_settings
from tahoe_engine.terminal.account import find_actor
from tahoe_engine.terminal.default_agent_name import SLUG
from tahoe_engine.terminal.opening import connect, open_kept, open_unkept
from tahoe_engine.terminal.screen import Screen
from tahoe_engine.terminal.talking import EXIT_FAILED, Talk, talk

_EPILOG = """\
With DATABASE_URL set, what is said is kept in that database, and remembered. Without it nothing is kept. LLM_MODEL,
LLM_BASE_URL and LLM_API_KEY say which model answers; without them one of this machine is looked for.

examples:
  python -m src.cli
  echo "What time is it in Tokyo?" | python -m src.cli --once
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Talks, and returns the exit status: 0 done, 1 failed, 2 wrong usage or no model, 130 interrupted."""
    bear_any_streams()
    parser = argparse.ArgumentParser(
        prog="python -m src.cli",
        description="Talk with an agent in the terminal.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("agent", nargs="?", help="slug of who answers; left out: a helpful one")
    parser.add_argument("--once", action="store_true", help="answer one question from standard input, and end")
    given = parser.parse_args(arguments)
    try:
        settings = load_settings()
        if settings.database_url is not None:
            open_chat = partial(open_kept, settings, connect, given.agent, find_actor())
            return talk(Talk(settings, open_chat, given.agent or SLUG, is_kept=True, is_once=given.once))
        if given.agent not in {None, SLUG}:
            parser.error("agents are in the database: set DATABASE_URL, or name none")
        return talk(Talk(settings, partial(open_unkept, settings), SLUG, is_kept=False, is_once=given.once))
    except TahoeError as error:
        return _report(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the answer has read enough
        discard_output()
        return EXIT_FAILED
    except OSError as error:
        explained = explain_full(error)
        discard_output()
        return _report(explained)


def _report(error: TahoeError) -> int:
    Screen(notes=sys.stderr).fail(f"Error: {error.message}" + (f"\n  → {error.cure}" if error.cure else ""))
    return EXIT_FAILED
