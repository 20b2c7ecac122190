import subprocess
import sys
from decimal import Decimal

import pytest

from tahoe_core.prices import TokenUsage, find_cost

MILLION = 1_000_000


def tokens(*, given: int = 0, cached: int = 0, written: int = 0) -> TokenUsage:
    return TokenUsage(input_tokens=given, cached_tokens=cached, output_tokens=written)


class TestAKnownModel:
    def test_is_priced_by_the_address_of_its_provider(self) -> None:
        cost = find_cost(
            "gpt-4o-mini", tokens(given=MILLION), provider="anything", base_url="https://api.openai.com/v1"
        )
        assert cost == Decimal("0.15")

    def test_is_priced_by_the_name_of_its_provider(self) -> None:
        assert find_cost("gpt-4o-mini", tokens(written=MILLION), provider="openai") == Decimal("0.6")

    def test_costs_less_for_what_was_cached(self) -> None:
        cost = find_cost("gpt-4o-mini", tokens(given=MILLION, cached=MILLION), provider="openai")
        assert cost == Decimal("0.075")

    def test_is_priced_though_more_was_cached_than_given(self) -> None:
        assert find_cost("gpt-4o-mini", tokens(given=1, cached=2), provider="openai") is not None


class TestAnUnknownPrice:
    @pytest.mark.parametrize(
        ("model", "provider", "base_url"),
        [
            ("no-such-model", "openai", "https://api.openai.com/v1"),
            ("gpt-4o-mini", "my-openai-cache", "http://localhost:4000/v1"),
            ("llama3.2", "ollama", "http://localhost:11434/v1"),
            ("gpt-4o-mini", "", None),
        ],
    )
    def test_is_none_rather_than_nothing_or_a_guess(self, model: str, provider: str, base_url: str | None) -> None:
        assert find_cost(model, tokens(given=1), provider=provider, base_url=base_url) is None


def test_the_list_of_prices_is_imported_when_first_asked() -> None:
    code = "import sys, tahoe_core.prices; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
