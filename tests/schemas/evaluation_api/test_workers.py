"""How many rows of an evaluation are in flight at once."""

from __future__ import annotations

import pytest

from evals_schemas.evaluation_api.workers import CalledModel, rows_at_once

RULE = CalledModel("rule/similarity", "serverless", None)
MODEL = CalledModel("judge-large", "serverless", None)


@pytest.mark.parametrize(
    ("models", "rows"),
    [
        ([RULE], 64),
        ([MODEL], 25),
        ([RULE, MODEL], 25),
        ([RULE._replace(num_workers=500), MODEL], 25),
        ([MODEL, MODEL._replace(model_source="dedicated")], 25),
        ([MODEL._replace(num_workers=3), RULE], 3),
        ([MODEL._replace(num_workers=10**9)], 1_024),
        ([MODEL._replace(model_source="a source of later")], 25),
        ([], 1),
    ],
)
def test_as_many_rows_are_in_flight_as_the_busiest_called_model_has_calls(
    models: list[CalledModel], rows: int
) -> None:
    assert rows_at_once(models) == rows
