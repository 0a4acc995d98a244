from __future__ import annotations

import pytest

from evals_mcp.launching.launch import Launch
from evals_mcp.launching.question import question
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.tools.plans import Plan
from tests.server.fake_provider import FakeProvider


@pytest.mark.parametrize(
    ("second", "models"), [(None, "Model 'm-1' on"), ("m-2", "Model 'm-1' and 'm-2' on")]
)
def test_a_benchmark_is_asked_about_by_its_models(second: str | None, models: str) -> None:
    request = BenchmarkRequest(model_id="m-1", benchmark_id="bench-1", model_id_2=second)
    launch = Launch(request, FakeProvider(name="nugen"), Plan(), again=False)

    assert question(launch, ["Neither is known."]) == (
        f"Start a benchmark evaluation on nugen? {models} benchmark 'bench-1'; an unknown number "
        "of model calls, price unknown. Neither is known."
    )


def test_a_question_shows_no_character_that_hides_another() -> None:
    request = BenchmarkRequest(model_id="m\u202e\x1b[2J-1", benchmark_id="b" * 500)
    launch = Launch(request, FakeProvider(), Plan(), again=False)
    text = question(launch, ["x" * 900] * 9)

    assert text.isprintable()
    assert len(text) <= 1200
