"""What calls of models cost, by the prices of `genai-prices`, which travel with the release: nothing is fetched."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one or several calls of one model.

    Attributes:
        input_tokens: Cached ones included.
        cached_tokens: Those of the input that the provider had at hand.
    """

    input_tokens: int
    cached_tokens: int
    output_tokens: int


def find_cost(model: str, usage: TokenUsage, *, provider: str, base_url: str | None = None) -> Decimal | None:
    """Returns the US dollars that the tokens cost; None: the price is not known, which does not mean that it is free.

    Args:
        model: As the provider calls it.
        usage: What was used.
        provider: The provider's name; it counts where it is exactly one that has prices, such as `openai`.
        base_url: Where the provider answers; a provider's own address is known by it.
    """
    # Its import takes 0.2 s, and most commands never ask for a price.
    from genai_prices import Usage, calc_price  # noqa: PLC0415
    from genai_prices.data import providers  # noqa: PLC0415

    tokens = Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
        output_tokens=usage.output_tokens,
    )
    if base_url is not None:
        try:
            return calc_price(tokens, model, provider_api_url=base_url).total_price
        except LookupError:
            pass
    # A name that is merely alike would be matched as well: the prices of `openai` are not those of `my-openai-cache`.
    if provider not in {known.id for known in providers}:
        return None
    try:
        return calc_price(tokens, model, provider_id=provider).total_price
    except LookupError:
        return None
