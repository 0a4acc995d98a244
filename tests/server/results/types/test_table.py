"""The table of evaluation types: complete, and in agreement with the contracts and the tools."""

from __future__ import annotations

from typing import get_args

from evals_mcp.results.types.table import TYPES, type_spec
from evals_mcp.services import SERVICES
from evals_schemas.evaluation_types import BENCHMARK, CLASSIFY, JUDGED_TYPES, RequestType
from evals_schemas.tools.result_pages import ReadResultsInput
from evals_schemas.type_models import TYPE_MODELS, parse_results, type_of_results


def test_every_type_that_a_tool_accepts_has_a_line_in_each_table() -> None:
    names = get_args(RequestType)
    assert names == (*JUDGED_TYPES, BENCHMARK)
    assert tuple(TYPES) == tuple(TYPE_MODELS) == names
    assert frozenset[str]().union(*(service.types for service in SERVICES)) == set(names)


def test_every_filter_is_an_argument_of_read_results() -> None:
    for spec in TYPES.values():
        assert spec.filters <= set(ReadResultsInput.model_fields)
        assert spec.summing.totals or spec.summing.rows


def test_a_type_of_a_later_version_is_read_as_labels() -> None:
    assert type_spec("rank") is type_spec(None) is TYPES[CLASSIFY]


def test_results_are_read_by_their_type_or_by_the_field_that_only_it_has() -> None:
    for name, models in TYPE_MODELS.items():
        assert type_of_results(parse_results(name, {})) == name
        assert models.telltale in models.results.model_fields
    assert type_of_results(parse_results(None, {})) is None
