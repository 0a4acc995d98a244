"""The models API: models that can judge or be evaluated."""

from typing import Annotated

from pydantic import AfterValidator, Field

from evals_schemas.contract import Answer

NO_TEXT_TYPES = frozenset({"embedding", "rerank", "moderation", "image", "audio", "video"})
"""Types of models that do not write text, so that they can neither judge nor be judged. Unknown
types are accepted."""


HIGHEST_PRICE = 1e6
"""Highest price in US dollars per million tokens that is believed; a higher one is unknown."""


def _believed(price: float | None) -> float | None:
    """Return the price; None if it is infinite, not a number or above `HIGHEST_PRICE`."""
    return price if price is not None and price <= HIGHEST_PRICE else None


Price = Annotated[float | None, AfterValidator(_believed)]


class Pricing(Answer):
    """Prices in US dollars per million tokens."""

    input: Price = Field(
        default=None, description="For a million prompt tokens; absent where unknown.", ge=0
    )
    output: Price = Field(
        default=None, description="For a million generated tokens; absent where unknown.", ge=0
    )


class Model(Answer):
    """One model that the service can call."""

    id: str = Field(description="The name to use in a request.")
    object: str = Field(default="model", description="Always `model`.")
    created: int | None = Field(default=None, description="Unix seconds; absent where unknown.")
    type: str | None = Field(
        default=None,
        description="chat, language, embedding, …; absent where unknown and for a rule, which the "
        "vendor's clients have no type for.",
    )
    display_name: str | None = Field(default=None, description="The name for people.")
    organization: str | None = Field(default=None, description="Who made it.")
    context_length: int | None = Field(
        default=None, description="Tokens it can read at once; absent where unknown."
    )
    pricing: Pricing | None = Field(
        default=None, description="What it costs; absent where the service does not say."
    )


class JudgeModelList(Answer):
    """The names of the models that a service accepts as judges."""

    model_list: list[str] = Field(default_factory=list[str], description="Model names.")
