from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tahoe_cli.main import tahoe
from tahoe_cli.moments import PAST_MOMENT, show_exactly

NOWHERE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
"""What is not refused in time must not start a Postgres."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def run(*arguments: str, text: str = "") -> Result:
    return CliRunner(env=NOWHERE).invoke(tahoe, ["memory", *arguments], input=text)


class TestWhatCannotBeUnderstood:
    """It is refused before any database is opened: exit 2, and what is allowed."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("as-of", "yesterday", "tea"), "no moment. Write it as 2026-05-08"),
            (("as-of", "2999-01-01", "tea"), "lies in the future"),
            (("as-of", "9999-12-31T23:59:59-14:00", "tea"), "no moment"),
            (("search", " "), "The question is empty"),
            (("search", "x" * 4001), "longer than 4,000 characters"),
            (("search", "tea", "--limit", "101"), "--limit"),
            (("search", "tea", "--type", "poem"), "'poem' is not one of"),
            (("add", "tea", "--tag", "a,b"), "no comma"),
            (("add", "tea", "--subject", ""), "--subject"),
            (("add", "tea", "--importance", "11"), "--importance"),
            (("add", "tea", "--create-agent"), "--create-agent needs --agent"),
            (("add", "tea", "--agent", "Bad Name", "--create-agent"), "small letters"),
            (("add", "I am calm.", "--type", "identity"), "Name it with --agent"),
            (("add", "caf\udce9"), "not UTF-8"),
            (("supersede", "4711", "tea"), "not a valid UUID"),
            (("show", "4711"), "not a valid UUID"),
            (("import", "--create-agent", "-"), "--create-agent needs --agent"),
            (("import", "nowhere.jsonl"), "No such file"),
            (("erase", "0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77", "--yes"), "--reason"),
        ],
    )
    def test_is_refused(self, arguments: tuple[str, ...], words: str) -> None:
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert words in " ".join(result.output.split())

    @pytest.mark.parametrize("text", ["", "  \n ", "x" * 32_001])
    def test_text_that_is_none_or_too_long_is_refused(self, text: str) -> None:
        result = run("add", text=text)
        assert result.exit_code == 2
        assert "empty, longer than 32,000 characters" in result.output

    def test_help_fits_a_narrow_terminal(self) -> None:
        group = tahoe.get_command(click.Context(tahoe), "memory")
        assert isinstance(group, click.Group)
        for name in group.commands:
            lines = run(name, "--help").output.splitlines()
            assert not [line for line in lines if len(line) > 80]


class TestAMoment:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2026-05-08T14:30:00Z", datetime(2026, 5, 8, 14, 30, tzinfo=UTC)),
            ("2026-05-08T14:30:00+02:00", datetime(2026, 5, 8, 12, 30, tzinfo=UTC)),
            (" 2026-05-08 ", datetime(2026, 5, 8).astimezone()),
            ("2026-05-08 14:30", datetime(2026, 5, 8, 14, 30).astimezone()),
        ],
    )
    def test_is_read_by_this_machine_s_clock_unless_it_says_otherwise(self, text: str, moment: datetime) -> None:
        assert PAST_MOMENT.convert(text, None, None) == moment

    @given(st.integers(0, 1_750_000_000_000_000).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds)))
    def test_is_shown_as_it_can_be_typed(self, moment: datetime) -> None:
        read: Any = PAST_MOMENT.convert(show_exactly(moment), None, None)
        # Where clocks are put back, an hour comes twice.
        assert read - moment in {timedelta(0), timedelta(hours=1), timedelta(hours=-1)}
