"""How commands print."""

import sys
from collections.abc import Callable
from typing import Any

import click
from pydantic_core import to_json

from tahoe_engine.reporting.visible_text import visible


def say(text: str, *, err: bool = False, color: str | None = None) -> None:
    """Prints a text that may come from outside: what a terminal would obey or hide is made visible."""
    click.secho(visible(text), fg=color, err=err)


def print_json(document: object) -> None:
    """Prints one JSON document, indented for a terminal and on one line for a pipe."""
    click.echo(to_json(document, indent=2 if sys.stdout.isatty() else None))  # bytes: UTF-8 whatever the locale


def json_option[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Adds `--json`."""
    option: Callable[[Callable[..., Any]], Callable[P, R]] = click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document."
    )
    return option(function)
