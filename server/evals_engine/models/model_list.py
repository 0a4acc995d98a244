"""Reads what an OpenAI-compatible API lists of its models: names, types, lengths and prices."""

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
    """The models in an answer to `/models`: a list, bare or under `data`.

    Entries without a name are left out.
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


def _type(told: object) -> str:
    """What kind of model it is; a rule is none that an endpoint could have."""
    kind = cleaned(told, _TYPE_CHARACTERS) if isinstance(told, str) else ""
    return "chat" if kind in {"", "rule"} else kind


def _pricing(told: object) -> Pricing | None:
    """Prices in either of two common ways; None where none is told.

    `input` and `output` are dollars for a million tokens, as this contract has it; `prompt` and
    `completion` are dollars for one token, which OpenRouter writes as text.
    """
    if not isinstance(told, Mapping):
        return None
    prices = cast("Mapping[str, object]", told)
    found = Pricing(
        input=_price(prices, "input", "prompt"), output=_price(prices, "output", "completion")
    )
    return None if found.input is None and found.output is None else found


def _price(prices: Mapping[str, object], a_million: str, one: str) -> float | None:
    """Dollars for a million tokens; None where nothing usable is told."""
    if (given := prices.get(a_million)) is not None:
        return None if isinstance(given, str) else _amount(given, 1)
    return _amount(prices.get(one), _MILLION)


def _amount(given: object, times: int) -> float | None:
    """A finite number from 0, without the noise of the multiplication."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        amount = float(given) * times
    except (ValueError, OverflowError):
        return None
    return float(f"{amount:.12g}") if math.isfinite(amount) and amount >= 0 else None
