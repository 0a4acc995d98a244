from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider
from tests.server.serving import served

from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.reasons import Reason


def ended(status: str, error: str, reason: Reason | None = None, **fields: Any) -> FakeProvider:
    results = {"error": error, "reason": reason, **fields.pop("results", {})}
    job = {"workflow_id": "eval-1", "status": status, "results": results, **fields}
    return FakeProvider(jobs=[EvaluationJob.model_validate(job)])


TOOLS = ["get_status", "get_evaluation"]


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_cancelled_evaluation_says_what_is_kept_and_how_to_go_on(tool: str) -> None:
    fake = ended(
        "user_error",
        "Cancelled after 20 of 200 rows; the results are partial",
        Reason.CANCELLED,
        progress={"done": 20, "total": 200},
        results={"result_file_id": "file-9"},
    )
    async with served(fake) as server:
        text = await server.text(tool, evaluation_id="eval-1")

    assert "\nCancelled; 20 of 200 rows were judged and are kept.\n" in text
    assert "read_results" in text.splitlines()[-1]
    assert "create_evaluation to start again" in text.splitlines()[-1]
    assert "correct" not in text


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        ({"done": 0, "total": 200}, "Cancelled before the first row was judged."),
        ({"done": 1200}, "Cancelled; 1,200 rows were judged and are kept."),
        (None, "Cancelled; the rows judged before that are kept."),
    ],
)
async def test_a_cancel_without_a_result_file_leaves_a_new_start(
    progress: dict[str, int] | None, expected: str
) -> None:
    message = "Cancelled before the first row was judged"
    fake = ended("user_error", message, Reason.CANCELLED, progress=progress)
    async with served(fake) as server:
        answer = await server.answer("get_status", evaluation_id="eval-1")

    assert answer["error"] == expected
    assert answer["next_step"] == "Call create_evaluation to start again."


async def test_a_cancel_that_takes_effect_at_once_says_what_is_kept() -> None:
    class Cancelling(FakeProvider):
        async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
            return self.jobs[0]

    fake = Cancelling(
        jobs=ended("user_error", "Cancelled before the first row", Reason.CANCELLED).jobs
    )
    async with served(fake) as server:
        answer = await server.answer("cancel_evaluation", evaluation_id="eval-1")

    assert answer["next_step"].startswith("Cancelled;")
    assert "start again" in answer["next_step"]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("error", "reason", "source", "expected"),
    [
        ("connection refused after 6 tries (127.0.0.1:1)", Reason.ENDPOINT_UNREACHABLE,
         "serverless",
         ("Ask the operator of this server to check local.models.base_url and its token. Then call "
         "create_evaluation again.")),
        ("401: the token of this endpoint is missing or wrong (a.example)",
         Reason.ENDPOINT_REFUSED, "external",
         "Ask the operator of this server to check the credential's section under [credentials]."),
        ("404: no such model, or the base URL is wrong (does it end in /v1?)",
         Reason.MODEL_MISSING, "dedicated",
         "under [local.dedicated]; list_models shows the models' names."),
        ("the model answered with no content", None, "serverless", "correct what the error names"),
    ],
)  # fmt: skip
async def test_rows_that_failed_at_the_models_endpoint_are_the_operators_to_mend(
    tool: str, error: str, reason: Reason | None, source: str, expected: str
) -> None:
    fake = ended(
        "error",
        f"12 of 20 rows failed, more than 30%; most often: {error}",
        reason,
        parameters={
            "judge": {"model": "rule/contains", "model_source": "serverless"},
            "model_to_evaluate": {"model": "m", "model_source": source},
        },
    )
    async with served(fake) as server:
        answer = await server.answer(tool, evaluation_id="eval-1")

    if source != "serverless":
        assert "local.models" not in answer["next_step"]
    assert expected in answer["next_step"]


async def test_another_services_endpoint_is_not_configured_here() -> None:
    fake = ended("error", "connection refused", Reason.ENDPOINT_UNREACHABLE)
    fake.name = "together"
    async with served(fake) as server:
        answer = await server.answer("get_status", evaluation_id="eval-1")

    assert "local" not in answer["next_step"]


async def test_a_failure_without_a_reason_says_that_there_is_none() -> None:
    async with served(ended("error", " ")) as server:
        answer = await server.answer("get_status", evaluation_id="eval-1")

    assert answer["error"] == "The service gives no reason."
