from collections.abc import Awaitable, Callable

import pytest

from tahoe_engine.skills.running.script_runner import ScriptResult

type RunBundled = Callable[..., Awaitable[ScriptResult]]

NOW = ("--now", "2026-05-08T12:00Z")


async def ask(run_bundled: RunBundled, *arguments: str) -> list[str]:
    result = await run_bundled("world-clock", "clock.py", *NOW, *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()


class TestNow:
    async def test_is_told_for_cities_countries_and_zones(self, run_bundled: RunBundled) -> None:
        assert await ask(run_bundled, "now", "Berlin", "Japan", "America/Sao_Paulo", "kathmandu", "UTC") == [
            "Berlin: Fri 2026-05-08 14:00 CEST (UTC+02:00)",
            "Japan: Fri 2026-05-08 21:00 JST (UTC+09:00)",
            "America/Sao_Paulo: Fri 2026-05-08 09:00 -03 (UTC-03:00)",
            "kathmandu: Fri 2026-05-08 17:45 +0545 (UTC+05:45)",
            "UTC: Fri 2026-05-08 12:00 UTC (UTC+00:00)",
        ]


class TestAConversion:
    async def test_says_where_it_is_another_day(self, run_bundled: RunBundled) -> None:
        assert await ask(run_bundled, "convert", "2026-05-08 23:30", "New York", "Auckland") == [
            "New York: Fri 2026-05-08 23:30 EDT (UTC-04:00)",
            "Auckland: Sat 2026-05-09 15:30 NZST (UTC+12:00), 1 day later",
        ]

    async def test_of_a_time_without_a_date_is_of_today_there(self, run_bundled: RunBundled) -> None:
        [first, _] = await ask(run_bundled, "convert", "9:15", "Tokyo", "UTC")
        assert first == "Tokyo: Fri 2026-05-08 09:15 JST (UTC+09:00)"

    async def test_of_a_time_that_exists_twice_gives_both(self, run_bundled: RunBundled) -> None:
        assert await ask(run_bundled, "convert", "2026-10-25 02:30", "Berlin", "UTC") == [
            "[before clocks go back]",
            "Berlin: Sun 2026-10-25 02:30 CEST (UTC+02:00)",
            "UTC: Sun 2026-10-25 00:30 UTC (UTC+00:00)",
            "[after clocks go back]",
            "Berlin: Sun 2026-10-25 02:30 CET (UTC+01:00)",
            "UTC: Sun 2026-10-25 01:30 UTC (UTC+00:00)",
        ]

    async def test_of_a_time_that_does_not_exist_says_so(self, run_bundled: RunBundled) -> None:
        lines = await ask(run_bundled, "convert", "2026-03-29 02:30", "Berlin", "UTC")
        assert "does not exist there" in lines[0]
        assert lines[1].startswith("Berlin: Sun 2026-03-29 03:30 CEST")


class TestAMeeting:
    async def test_is_found_within_everybody_s_hours(self, run_bundled: RunBundled) -> None:
        lines = await ask(run_bundled, "meet", "2026-05-08", "Berlin", "Boston", "--minutes", "120")
        assert lines == [
            "Berlin Fri 15:00, Boston Fri 09:00",
            "Berlin Fri 15:30, Boston Fri 09:30",
            "Berlin Fri 16:00, Boston Fri 10:00",
        ]

    async def test_is_the_least_bad_where_there_is_none(self, run_bundled: RunBundled) -> None:
        lines = await ask(run_bundled, "meet", "2026-05-08", "Berlin", "San Francisco")
        assert lines[0] == "No time suits everybody; the least bad:"
        assert lines[1] == "Berlin Fri 17:30 (0.5 h outside), San Francisco Fri 08:30 (0.5 h outside)"

    async def test_on_a_day_when_clocks_change_has_the_hours_there_are(self, run_bundled: RunBundled) -> None:
        lines = await ask(run_bundled, "meet", "2026-03-29", "Berlin", "--from", "0", "--to", "24", "--minutes", "30")
        assert lines[0] == "No time suits everybody; the least bad:"  # a Sunday


class TestChanges:
    async def test_are_listed_with_the_clock_before_and_after(self, run_bundled: RunBundled) -> None:
        assert await ask(run_bundled, "changes", "Berlin", "Lord Howe", "Tokyo", "--year", "2026") == [
            "Berlin: at Sun 2026-03-29 02:00 clocks go forward by 60 minutes, to 03:00 CEST",
            "Berlin: at Sun 2026-10-25 03:00 clocks go back by 60 minutes, to 02:00 CET",
            "Lord Howe: at Sun 2026-04-05 02:00 clocks go back by 30 minutes, to 01:30 +1030",
            "Lord Howe: at Sun 2026-10-04 02:00 clocks go forward by 30 minutes, to 02:30 +11",
            "Tokyo: clocks do not change in 2026; it is JST all year.",
        ]


class TestWhatIsNotUnderstood:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("now", "IST"), "may be Kolkata, Dublin or Jerusalem"),
            (("now", "Australia"), "may be Sydney"),
            (("now", "Springfield"), "is not known. Name a larger city"),
            (("now", "york"), "Perhaps America/New York?".replace(" York", "_York")),
            (("convert", "25:00", "Berlin", "UTC"), "is no time"),
            (("meet", "tomorrow", "Berlin"), "That is no date"),
        ],
    )
    async def test_is_refused_with_a_way_out(
        self, run_bundled: RunBundled, arguments: tuple[str, ...], said: str
    ) -> None:
        result = await run_bundled("world-clock", "clock.py", *NOW, *arguments)
        assert result.exit_code == 2
        assert said in result.stderr
        assert "Traceback" not in result.stderr
