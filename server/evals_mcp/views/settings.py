"""The parameters of evaluations as the page shows them: whole, without keys and addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from evals_mcp.cleaning import clean, clean_whole
from evals_mcp.exports.manifest import without_secrets
from evals_schemas.rubrics.table import rubric_of
from evals_schemas.tools.inputs import RESPONSE_COLUMNS
from evals_schemas.tools.page import Setting

_NAME = 80
_MOST_CHARACTERS = 20_000
_DEPTH = 4


def settings_of(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters as texts, under the argument names of `create_evaluation`."""
    named = {
        RESPONSE_COLUMNS.get(name, name) if isinstance(value, str) else name: value
        for name, value in parameters.items()
    }
    return dict(_flat(cast("Mapping[str, object]", without_secrets(named)), "", _DEPTH))


def settings_page(a: Mapping[str, Any]) -> list[Setting]:
    """Return the parameters of one evaluation."""
    return [Setting(name=name, value=value) for name, value in settings_of(a).items()]


def both_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Setting]:
    """Return the parameters of two evaluations side by side, those that differ first."""
    of_a, of_b = settings_of(a), settings_of(b)
    both = [
        Setting(name=name, value=of_a.get(name), value_b=of_b.get(name))
        for name in dict.fromkeys([*of_a, *of_b])
    ]
    return sorted(both, key=lambda setting: setting.value == setting.value_b)


def _flat(values: Mapping[str, object], before: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{before}{clean(key, _NAME)}"
        if isinstance(value, Mapping) and depth:
            yield from _flat(cast("Mapping[str, object]", value), f"{name}.", depth - 1)
            continue
        if key == "system_template" and isinstance(value, str) and (recognised := rubric_of(value)):
            rubric, columns = recognised
            yield f"{before}rubric", rubric.reference(columns)
        yield name, clean_whole(_text(cast("object", value)), _MOST_CHARACTERS)[0]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        items = cast("list[object]", value)
        if all(isinstance(item, str) for item in items):
            return ", ".join(cast("list[str]", items))
    return json.dumps(value, ensure_ascii=False)
