from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_core.retry import RetryPolicy, read_retry_after


class TestTheWait:
    @given(failures=st.integers(1, 9), asked=st.none() | st.floats(0, 60))
    def test_doubles_within_its_bounds_and_is_at_least_what_was_asked(self, failures: int, asked: float | None) -> None:
        policy = RetryPolicy(attempts=10, first_wait_s=1, longest_wait_s=60)
        wait = policy.find_wait_s(failures, asked)
        assert wait is not None
        backoff = min(60, 2 ** (failures - 1))
        assert max(backoff / 2, asked or 0) <= wait <= max(backoff, asked or 0)

    def test_is_not_the_same_for_all(self) -> None:
        assert len({RetryPolicy().find_wait_s(1) for _ in range(20)}) > 10

    def test_is_none_after_the_last_attempt(self) -> None:
        policy = RetryPolicy(attempts=3)
        assert policy.find_wait_s(2) is not None
        assert policy.find_wait_s(3) is None

    def test_is_none_where_a_longer_one_was_asked_than_there_may_be(self) -> None:
        policy = RetryPolicy(longest_wait_s=30)
        assert policy.find_wait_s(1, 30) == 30
        assert policy.find_wait_s(1, 31) is None


class TestRetryAfter:
    @pytest.mark.parametrize(("value", "seconds"), [("0", 0), (" 120 ", 120), (None, None), ("", None)])
    def test_is_read_as_seconds(self, value: str | None, seconds: float | None) -> None:
        assert read_retry_after(value) == seconds

    @pytest.mark.parametrize("value", ["soon", "-5", "1.5", "²", "nan", "9" * 30 + "x"])
    def test_that_is_unreadable_is_none(self, value: str) -> None:
        assert read_retry_after(value) is None

    def test_is_read_as_a_date(self) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=100)
        assert 90 < (read_retry_after(format_datetime(moment, usegmt=True)) or 0) <= 100
        assert 90 < (read_retry_after(format_datetime(moment).replace("+0000", "-0000")) or 0) <= 100

    def test_in_the_past_is_no_wait(self) -> None:
        assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
