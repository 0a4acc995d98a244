"""Which evaluations of a service's list measure the same as a request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.launching.launch import RequestedEvaluation
from evals_mcp.providers.same_request import same_request
from evals_schemas.evaluation_api.evaluations import EvaluationJob, parse_evaluation_request
from tests.server.fake_provider import FakeProvider

JUDGE: dict[str, Any] = {"model": "j", "model_source": "serverless", "system_template": "{{q}}"}
MODEL: dict[str, Any] = {**JUDGE, "input_template": "{{q}}"}
COMPARE: dict[str, Any] = {
    "judge": JUDGE,
    "input_data_file_path": "file-1",
    "model_a": "a",
    "model_b": MODEL,
}
CLASSIFY: dict[str, Any] = {
    "judge": JUDGE,
    "input_data_file_path": "file-1",
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
}


def same(kind: str, found: dict[str, Any], sent: dict[str, Any]) -> bool:
    job = EvaluationJob(workflow_id="eval-1", type=kind, status="running", parameters=found)
    return bool(same_request([job], kind, sent))


def digest(kind: str, parameters: dict[str, Any]) -> str:
    request = parse_evaluation_request({"type": kind, "parameters": parameters})
    return RequestedEvaluation(request, FakeProvider(account="me")).digest


def changed(**fields: Any) -> dict[str, Any]:
    return {**COMPARE, **fields}


@pytest.mark.parametrize(
    "other",
    [
        changed(disable_position_bias_correction=True),
        changed(judge={**JUDGE, "max_tokens": 1024}),
        changed(judge={**JUDGE, "temperature": 0.0}),
        changed(model_b={**MODEL, "max_tokens": 32_768}),
        changed(model_b={**MODEL, "temperature": 1.0}),
        changed(model_a=MODEL),
        changed(judge={**JUDGE, "model_source": "external", "external_base_url": "https://m/v1"}),
    ],
)
def test_another_evaluation_is_another_one_whichever_was_first(other: dict[str, Any]) -> None:
    assert not same("compare", other, COMPARE)
    assert not same("compare", COMPARE, other)
    assert digest("compare", other) != digest("compare", COMPARE)


@pytest.mark.parametrize(
    "written_out",
    [
        changed(disable_position_bias_correction=False),
        changed(judge={**JUDGE, "max_tokens": 32_768, "temperature": 0.05}),
        changed(model_b={**MODEL, "max_tokens": 1024, "temperature": 0.05}),
        changed(judge={**JUDGE, "num_workers": 9}, model_b={**MODEL, "num_workers": 1}),
        changed(judge={**JUDGE, "external_base_url": None}),
    ],
)
def test_defaults_written_out_are_the_same_evaluation(written_out: dict[str, Any]) -> None:
    assert same("compare", written_out, COMPARE)
    assert same("compare", COMPARE, written_out)
    assert digest("compare", written_out) == digest("compare", COMPARE)


@pytest.mark.parametrize(
    "reported",
    [
        changed(created_by="me", disable_position_bias_correction=None),
        changed(judge={**JUDGE, "model_display_name": "J", "external_api_token": "****"}),
    ],
)
def test_what_a_service_adds_that_no_request_has_is_not_looked_at(reported: dict[str, Any]) -> None:
    assert same("compare", reported, COMPARE)


def test_labels_in_another_order_are_another_evaluation() -> None:
    assert not same("classify", {**CLASSIFY, "labels": ["bad", "good"]}, CLASSIFY)


def test_a_benchmark_with_a_second_model_is_another_one() -> None:
    one: dict[str, Any] = {"model_id": "m", "benchmark_id": "b"}
    two = {**one, "model_id_2": "n"}
    assert same("benchmark", {**one, "type": "benchmark", "model_id_2": None}, one)
    assert not same("benchmark", two, one)
    assert not same("benchmark", one, two)


@given(
    *[
        st.fixed_dictionaries(
            {},
            optional={
                "max_tokens": st.sampled_from([None, 1, 32_768]),
                "temperature": st.sampled_from([None, 0.0, 0.05]),
                "num_workers": st.sampled_from([None, 3]),
            },
        )
    ]
    * 2
)
def test_being_the_same_goes_both_ways(one: dict[str, Any], two: dict[str, Any]) -> None:
    first, second = ({**CLASSIFY, "judge": {**JUDGE, **fields}} for fields in (one, two))
    assert same("classify", first, second) is same("classify", second, first)
    assert same("classify", first, second) is (
        digest("classify", first) == digest("classify", second)
    )
