import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after what wait, something that failed is tried again.

    Attributes:
        attempts: Tries in all, the first included.
        first_wait_s: Seconds before the second try; each later wait is twice as long.
        longest_wait_s: No wait is longer. Who asks for a longer one is not asked again.
    """

    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 30

    def find_wait_s(self, failures: int, asked_s: float | None = None) -> float | None:
        """Returns the seconds to wait before the next try; None: give up.

        Args:
            failures: Tries so far, all of which failed.
            asked_s: The seconds that the other side asked to wait.
        """
        if failures >= self.attempts or (asked_s is not None and asked_s > self.longest_wait_s):
            return None
        backoff = min(self.longest_wait_s, self.first_wait_s * 2 ** (failures - 1))
        # Half of it by chance: those who failed together do not come back together.
        spread: float = backoff * random.uniform(0.5, 1)  # noqa: S311 - no secret hangs on it
        return max(spread, asked_s or 0)


def read_retry_after(value: str | None) -> float | None:
    """Returns the seconds that a `Retry-After` asks for; None: it is absent or unreadable.

    Source: RFC 9110, section 10.2.3: seconds, or a date.
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000", or no zone at all: HTTP dates are UTC
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
