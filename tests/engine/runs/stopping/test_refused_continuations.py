"""Several nodes have no common order of rows, so nothing is continued there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evals_engine.faults import RequestError
from evals_engine.runs.continuing import continuation_to_store
from evals_engine.store.records import FinishedRow
from evals_schemas.evaluation_api.evaluations import CompareParameters


class Nodes:
    judges_in_random_order = False

    def finished_rows(self, evaluation_id: str) -> Iterator[FinishedRow]:
        raise AssertionError(evaluation_id)


def test_several_nodes_say_why_they_continue_nothing() -> None:
    judge = {"model": "m", "model_source": "serverless", "system_template": "?"}
    parameters = CompareParameters.model_validate(
        {"judge": judge, "input_data_file_path": "file-1", "model_a": "a", "model_b": "b"}
    )
    with pytest.raises(RequestError, match=r"Several nodes share each .* leave `continues` out"):
        continuation_to_store("eval-1", ("compare", parameters, None), None, Nodes())
