"""Reads the model list of an OpenAI-compatible API: names, types, context lengths and prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from evals_engine.cleaning import cleaned
from evals_engine.config import ModelEndpoint
from evals_engine.models.completions import Failure, Received, read_json
from evals_schemas.evaluation_api.models import Model, Pricing

_MILLION = 1_000_000

_TYPE_CHARACTERS = 40


def read_models(received: Received, endpoint: ModelEndpoint) -> list[Model] | Failure:
    """Return the models in an answer to `/models`, which is a list or has one under `data`.

    Entries without an id are skipped.
    """
    answer = read_json(received, endpoint)
    if isinstance(answer, Failure):
        return answer
    listed: object = answer if isinstance(answer, list) else answer.get("data")
    items = cast("list[object]", listed) if isinstance(listed, list) else []
    entries = [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
    return [_model(entry) for entry in entries if isinstance(entry.get("id"), str)]


def _model(entry: Mapping[str, Any]) -> Model:
    length = entry.get("context_length")
    return Model(
        id=entry["id"],
        type=_type(entry.get("type")),
        context_length=length if type(length) is int and length > 0 else None,
        pricing=_pricing(entry.get("pricing")),
    )


def _type(value: object) -> str:
    """Return the type of a model; `chat` if it is absent or `rule`, which no endpoint can have."""
    kind = cleaned(value, _TYPE_CHARACTERS) if isinstance(value, str) else ""
    return "chat" if kind in {"", "rule"} else kind


def _pricing(value: object) -> Pricing | None:
    """Return prices from either of two common forms; None without a price.

    `input` and `output` are dollars for a million tokens, as in this contract; `prompt` and
    `completion` are dollars for one token, which OpenRouter writes as text.
    """
    if not isinstance(value, Mapping):
        return None
    prices = cast("Mapping[str, object]", value)
    pricing = Pricing(
        input=_price(prices, "input", "prompt"), output=_price(prices, "output", "completion")
    )
    return None if pricing.input is None and pricing.output is None else pricing


def _price(prices: Mapping[str, object], per_million: str, per_token: str) -> float | None:
    """Return dollars for a million tokens, from either of two keys; None without a valid price."""
    if (price := prices.get(per_million)) is not None:
        return None if isinstance(price, str) else _amount(price, 1)
    return _amount(prices.get(per_token), _MILLION)


def _amount(value: object, factor: int) -> float | None:
    """Return the product, rounded to 12 digits, if it is finite and not negative; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value) * factor
    except (ValueError, OverflowError):
        return None
    return float(f"{amount:.12g}") if math.isfinite(amount) and amount >= 0 else None
